"""The folder of a registered MLflow model, read and loaded without MLflow and without pickle."""

from ml.model_folder.folder import ModelFolder, Predictor

__all__ = ["ModelFolder", "Predictor"]

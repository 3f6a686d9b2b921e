"""A model is a folder: `model.yml` holds everything that differs between models.

Read on both sides, by the function app and by jobs. Importing this costs the standard library;
reading a model imports yaml.
"""

from ml.model_config.folders import MODELS, available_models, read_all, read_model
from ml.model_config.settings import (
    ColumnContract,
    DataContract,
    DriftSettings,
    GateMetric,
    ModelConfig,
    PerformanceSettings,
    RetrainSettings,
    RolloutSettings,
    TrainingSettings,
)

__all__ = [
    "MODELS",
    "ColumnContract",
    "DataContract",
    "DriftSettings",
    "GateMetric",
    "ModelConfig",
    "PerformanceSettings",
    "RetrainSettings",
    "RolloutSettings",
    "TrainingSettings",
    "available_models",
    "read_all",
    "read_model",
]

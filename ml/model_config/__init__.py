"""A model is a folder: `model.yml` holds everything that differs between models.

Read on both sides, by the function app and by jobs.
"""

from ml.model_config.config import ModelConfig
from ml.model_config.data_contract import MISSING_WORDS, ColumnContract, DataContract
from ml.model_config.folders import MODELS, available_models, read_all, read_model
from ml.model_config.settings import (
    DriftSettings,
    GateSettings,
    PerformanceSettings,
    RetrainSettings,
    RolloutSettings,
    TrainingSettings,
)

__all__ = [
    "MISSING_WORDS",
    "MODELS",
    "ColumnContract",
    "DataContract",
    "DriftSettings",
    "GateSettings",
    "ModelConfig",
    "PerformanceSettings",
    "RetrainSettings",
    "RolloutSettings",
    "TrainingSettings",
    "available_models",
    "read_all",
    "read_model",
]

"""Fits a model's pipeline. Pure: pipeline, rows and settings in, fitted pipeline out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml.training.parts import settle

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from ml.model_config import ModelConfig


def fit(pipeline: Pipeline, train: pd.DataFrame, config: ModelConfig) -> Pipeline:
    """Fit a pipeline on the training rows; gives it back.

    The seed of model.yml goes to every part that draws, also inside searches and splitters, so the
    same rows and settings give the same model. Parts that can use several cores get one: steps of
    other jobs run beside this one.

    Args:
        pipeline: unfitted, of the model.
        train: features and target, as `prepare` wrote them.
        config: of the model.
    """
    settle(pipeline, seed=config.training.seed)
    pipeline.fit(train[list(config.features)], train[config.target])
    return pipeline

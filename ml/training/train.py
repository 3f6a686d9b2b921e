"""Fits a model's pipeline. Pure: pipeline, rows and settings in, fitted pipeline out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from ml.model_config import ModelConfig


def fit(pipeline: Pipeline, train: pd.DataFrame, config: ModelConfig) -> Pipeline:
    """Fit a pipeline on the training rows; gives it back.

    The seed of model.yml goes to every part that takes a `random_state`, so the same rows and
    settings give the same model. Parts that can use several cores get one: steps of other jobs
    run beside this one.

    Args:
        pipeline: unfitted, of the model.
        train: features and target, as `prepare` wrote them.
        config: of the model.
    """
    fixed: dict[str, object] = {}
    for name in pipeline.get_params():
        if name.endswith("random_state"):
            fixed[name] = config.training.seed
        elif name.endswith("n_jobs"):
            fixed[name] = 1
    pipeline.set_params(**fixed)
    pipeline.fit(train[list(config.features)], train[config.target])
    return pipeline

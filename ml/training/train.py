"""Fits a model's pipeline. Pure: settings and rows in, fitted estimator out."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from ml.errors import ModelConfigError

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from ml.model_config import ModelConfig


def fit(train: pd.DataFrame, config: ModelConfig) -> Pipeline:
    """Build the model's pipeline and fit it on the training rows.

    The seed of model.yml goes to every part that takes a `random_state`, so the same rows and
    settings give the same model. Parts that can use several cores get one: steps of other jobs
    run beside this one.

    Args:
        train: features and target, as `prepare` wrote them.
        config: of the model.

    Raises:
        ModelConfigError: pipeline.py has no `build`, or refuses training.params.
    """
    module = importlib.import_module(f"ml.models.{config.name}.pipeline")
    try:
        pipeline: Pipeline = module.build(config.training.params)
    except (AttributeError, TypeError, ValueError) as exc:
        raise ModelConfigError(
            [f"{config.name}/pipeline.py: build(training.params) failed: {exc}; mend either file"]
        ) from exc
    fixed: dict[str, object] = {}
    for name in pipeline.get_params():
        if name.endswith("random_state"):
            fixed[name] = config.training.seed
        elif name.endswith("n_jobs"):
            fixed[name] = 1
    pipeline.set_params(**fixed)
    pipeline.fit(train[list(config.features)], train[config.target])
    return pipeline

"""Fits a model's pipeline. Pure: pipeline, rows and settings in, fitted pipeline out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml.errors import ModelConfigError
from ml.training.blame import blamed
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

    Raises:
        ModelConfigError: it cannot be fitted on these rows; with file, line and error.
    """
    settle(pipeline, seed=config.training.seed)
    features = train[list(config.features)]
    try:
        with blamed(config.name, doing="fit"):
            pipeline.fit(features, train[config.target])
    except ModelConfigError as exc:
        hint = _remedy(exc, features)
        raise ModelConfigError([f"{exc}{hint}"]) from exc
    return pipeline


def _remedy(exc: ModelConfigError, features: pd.DataFrame) -> str:
    """What to do about a fit that failed on missing values, texts or classes, as it says."""
    texts = [str(name) for name in features if features[name].dtype.kind == "O"]
    if "could not convert string to float" in str(exc) and texts:
        return (
            f" Columns {', '.join(texts)} hold texts; put sklearn.preprocessing.OneHotEncoder on "
            "them, or ml.features.AsCategories before an estimator that splits by category"
        )
    if "Invalid classes inferred from unique values of `y`" in str(exc):
        return " It takes only 0, 1, 2 … as classes; wrap it in ml.features.NumberedClasses"
    if "NaN" not in str(exc):
        return ""
    columns = [str(name) for name in features if features[name].isna().any()]
    if not columns:
        return ""
    verb = "have" if len(columns) > 1 else "has"
    return (
        f" Here {', '.join(columns)} {verb} missing values, which max_missing_percent allows; put "
        "sklearn.impute.SimpleImputer before it, or a predictor that takes them"
    )

"""A random forest over counts, amounts and two categories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

if TYPE_CHECKING:
    from collections.abc import Mapping

_CATEGORIES = ["Education", "Marital_Status"]


def build(params: Mapping[str, Any]) -> Pipeline:
    """An unfitted pipeline; `params` are training.params of model.yml."""
    columns = ColumnTransformer(
        [("categories", OneHotEncoder(handle_unknown="ignore"), _CATEGORIES)],
        remainder=SimpleImputer(strategy="median"),
    )
    return Pipeline([("columns", columns), ("forest", RandomForestClassifier(**params))])

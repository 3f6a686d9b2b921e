"""Ridge regression on standardised measurements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

if TYPE_CHECKING:
    from collections.abc import Mapping


def build(params: Mapping[str, Any]) -> Pipeline:
    """An unfitted pipeline; `params` are training.params of model.yml."""
    return Pipeline(
        [
            ("fill", SimpleImputer(strategy="median")),
            ("scale", StandardScaler()),
            ("ridge", Ridge(**params)),
        ]
    )

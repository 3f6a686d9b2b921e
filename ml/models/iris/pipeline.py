"""A decision tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier

if TYPE_CHECKING:
    from collections.abc import Mapping


def build(params: Mapping[str, Any]) -> Pipeline:
    """An unfitted pipeline; `params` are training.params of model.yml."""
    return Pipeline([("tree", DecisionTreeClassifier(**params))])

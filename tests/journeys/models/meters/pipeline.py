"""Linear regression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.linear_model import LinearRegression

if TYPE_CHECKING:
    from collections.abc import Mapping


def build(params: Mapping[str, Any]) -> LinearRegression:
    """An unfitted model."""
    return LinearRegression(**params)

"""Texts as pandas categories, for estimators that split by category themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

if TYPE_CHECKING:
    from collections.abc import Sequence


class AsCategories(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # untyped library
    """Makes text columns categorical, with the categories of the training rows in each later row.

    For `HistGradientBoosting…(categorical_features="from_dtype")`, LightGBM, and
    XGBoost with `enable_categorical`. A category that was not in training becomes missing.

    Args:
        columns: their names; None: every column of texts.
    """

    def __init__(self, columns: Sequence[str] | None = None) -> None:
        self.columns = columns

    def fit(self, frame: pd.DataFrame, _target: object = None) -> AsCategories:
        """Learn the categories of each column."""
        texts = self.columns
        if texts is None:
            texts = [str(name) for name in frame if frame[name].dtype.kind == "O"]
        self.categories_ = {
            name: sorted(frame[name].dropna().astype(str).unique()) for name in texts
        }
        return self

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The same rows and columns."""
        check_is_fitted(self)
        return frame.assign(
            **{
                name: pd.Categorical(frame[name], categories=categories)
                for name, categories in self.categories_.items()
            }
        )

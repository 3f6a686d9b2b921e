"""Classes of any kind, for classifiers that want whole numbers from 0 on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray


class NumberedClasses(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]  # untyped library
    """Fits a classifier on the numbers of the sorted classes; predicts the classes themselves.

    For `xgboost.XGBClassifier`, which takes no texts as classes.

    Args:
        estimator: an unfitted classifier.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, frame: pd.DataFrame, target: ArrayLike) -> NumberedClasses:
        """Fit a copy of the estimator."""
        self.classes_, numbers = np.unique(np.asarray(target), return_inverse=True)
        self.estimator_ = clone(self.estimator).fit(frame, numbers)
        return self

    def predict(self, frame: pd.DataFrame) -> NDArray[Any]:
        """One class a row."""
        numbers = np.asarray(self.estimator_.predict(frame)).ravel().astype("int64")
        found: NDArray[Any] = self.classes_[numbers]
        return found

    def predict_proba(self, frame: pd.DataFrame) -> NDArray[Any]:
        """Shares of shape (rows, classes), in the order of `classes_`."""
        found: NDArray[Any] = self.estimator_.predict_proba(frame)
        return found

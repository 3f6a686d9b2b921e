"""Wasserstein-1 distance of one feature."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml.errors import UndefinedStatisticError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def scaled_wasserstein(reference: NDArray[np.float64], current: NDArray[np.float64]) -> float:
    """Wasserstein-1 distance of one feature, in reference standard deviations.

    W1 is the area between the two empirical CDFs and carries the feature's unit; dividing by
    the reference standard deviation makes one threshold meaningful for every feature.

    Args:
        reference: shape (n,), n >= 2, finite; unit of the feature (training snapshot).
        current: shape (m,), m >= 1, finite; same unit (production window).

    Returns:
        Dimensionless, >= 0. Moving the whole sample by k standard deviations gives k.

    Raises:
        UndefinedStatisticError: too few values, a non-finite value, or a constant reference.
            Missing values are the data tests' business: drop and count them before calling.

    Source:
        Ramdas, Garcia Trillos & Cuturi (2017), Entropy 19(2):47, one-dimensional case, p = 1.
    """
    from scipy.stats import wasserstein_distance  # noqa: PLC0415 - half a second of import

    if reference.size < 2 or current.size < 1:  # noqa: PLR2004 - a spread needs two values
        raise UndefinedStatisticError(
            f"{reference.size} reference and {current.size} current values; "
            "at least 2 and 1 are needed"
        )
    if not (np.isfinite(reference).all() and np.isfinite(current).all()):
        raise UndefinedStatisticError("a value is not finite; drop and count missing values first")
    spread = float(reference.std())
    if spread == 0.0:
        raise UndefinedStatisticError(f"the reference is constant at {reference[0]:g}")
    return float(wasserstein_distance(reference, current)) / spread

"""The mean of scores of labelled predictions, its interval, and the verdict."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import ndtri, stdtrit

from ml.monitoring.performance import LEAST_ROWS, Estimate, Metric, Performance, Realised

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EPOCH: Final = date(1970, 1, 1)
_CONFIDENCE: Final = 0.95
_LEAST_DAYS: Final = 8


def judge_scores(
    scores: NDArray[np.float64],
    days: NDArray[np.int64],
    metric: Metric,
    *,
    baseline: float | None,
    margin: float | None,
    predictions: int,
) -> Performance:
    """Compare the mean of the scores with the baseline.

    Args:
        scores: shape (n,): 1 or 0 for a right or wrong class, or the absolute error.
        days: shape (n,), since 1970.
        metric: of the scores.
        baseline: the champion's value when it was promoted; None gives no verdict.
        margin: largest acceptable loss; None gives no verdict.
        predictions: number of distinct rows that were predicted.
    """
    overall = _estimate(scores, metric, days) if len(scores) else None
    return Performance(
        verdict=_verdict(overall, metric, baseline=baseline, margin=margin),
        metric=metric,
        overall=overall,
        by_day=_by_day(scores, days, metric),
        predictions=predictions,
        labelled=len(scores),
        baseline=baseline,
        margin=margin,
    )


def _estimate(
    scores: NDArray[np.float64], metric: Metric, days: NDArray[np.int64] | None
) -> Estimate:
    """Mean with 95 % interval: Wilson (shares) or Student, or that of the days if wider."""
    n, mean = len(scores), float(scores.mean())
    if metric is Metric.ACCURACY:
        z = float(ndtri(0.5 + _CONFIDENCE / 2))
        middle = (mean + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * float(np.sqrt(mean * (1 - mean) / n + (z / (2 * n)) ** 2))
        low, high = middle - half, middle + half
    else:
        spread = float(scores.std(ddof=1)) if n > 1 else float("inf")
        half = float(stdtrit(max(n - 1, 1), 0.5 + _CONFIDENCE / 2)) * spread / float(np.sqrt(n))
        low, high = mean - half, mean + half
    if days is not None and len(np.unique(days)) >= _LEAST_DAYS:
        half = _half_of_days(scores, days)
        low, high = min(low, mean - half), max(high, mean + half)
    if metric is Metric.ACCURACY:
        high = min(high, 1.0)
    return Estimate(value=mean, low=max(low, 0.0), high=high, rows=n)


def _half_of_days(scores: NDArray[np.float64], days: NDArray[np.int64]) -> float:
    """Half-width of an interval with days as the sampling unit: rows of one day are correlated."""
    _, slot = np.unique(days, return_inverse=True)
    rows = np.bincount(slot)
    apart = np.bincount(slot, weights=scores - scores.mean())  # sum of deviations, by day
    count = len(rows)
    error = float(np.sqrt((apart**2).sum() * count / (count - 1))) / len(scores)
    return float(stdtrit(count - 1, 0.5 + _CONFIDENCE / 2)) * error


def _by_day(
    scores: NDArray[np.float64], days: NDArray[np.int64], metric: Metric
) -> tuple[tuple[date, Estimate], ...]:
    return tuple(
        (_EPOCH + timedelta(days=day), _estimate(scores[days == day], metric, None))
        for day in np.unique(days[days >= 0]).tolist()
    )


def _verdict(
    overall: Estimate | None, metric: Metric, *, baseline: float | None, margin: float | None
) -> Realised:
    if overall is None or overall.rows < LEAST_ROWS:
        return Realised.NOT_ENOUGH_LABELS
    if baseline is None or margin is None:
        return Realised.NOT_JUDGED
    if metric is Metric.ACCURACY:
        worse = overall.high < baseline - margin
    else:
        worse = overall.low > baseline + margin
    return Realised.WORSE if worse else Realised.NOT_WORSE

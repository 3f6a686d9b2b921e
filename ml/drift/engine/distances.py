"""How far two summaries are apart: exact and certified on the bins, quick on the cells."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ml.drift.engine.errors import DriftInputError
from ml.drift.engine.grid import EDGES
from ml.drift.engine.numeric import NumericSummary

_ROUNDING: Final = 1e-12
_ATOM: Final = 4  # a bin this many times fuller than a neighbour holds single values, not a density


@dataclass(frozen=True, slots=True)
class Bounded:
    """A value known to lie between two bounds."""

    value: float
    low: float
    high: float


def wasserstein(reference: NumericSummary, current: NumericSummary) -> Bounded:
    """Wasserstein-1 distance in the column's own unit, with certified bounds.

    With D = F_reference - F_current, the integral of D over a bin [a, b] is exactly
    b D(b) - a D(a) - (S_ref / n - S_cur / m), S the bin's sums. Where D keeps its sign inside the
    bin that is its share of the distance; where it may not, D's range in the bin bounds the share.

    Raises:
        DriftInputError: a side has no finite value, or the grids differ.
    """
    if not reference.finite or not current.finite:
        raise DriftInputError("a distance needs at least one number on each side")
    if reference.grid != current.grid:
        raise DriftInputError("a distance needs both sides on one grid")
    bins = _range_of_both(reference, current)
    n, m = reference.finite, current.finite
    p = reference.counts[bins] / n
    q = current.counts[bins] / m
    after = np.cumsum(p - q)
    before = after - (p - q)
    after[-1] = 0.0
    low_edge, high_edge = _clamped_edges(bins, reference, current)
    moment = reference.sums[bins] / n - current.sums[bins] / m
    # b D(b) - a D(a) about the bin's own middle: no cancellation of far-away edges.
    middle = (low_edge + high_edge) / 2
    half = (high_edge - low_edge) / 2
    integral = half * (after + before) - (moment - middle * (p - q))
    floor = np.maximum(before - q, after - p)
    ceiling = np.minimum(before + p, after + q)
    sure = (floor >= 0) | (ceiling <= 0)
    least = np.abs(integral)
    width = high_edge - low_edge
    spread = np.where(ceiling > floor, ceiling - floor, 1.0)
    share_low = np.clip((ceiling - integral / np.where(width > 0, width, 1.0)) / spread, 0.0, 1.0)
    most = np.where(sure, least, integral + 2 * width * share_low * -floor)
    most = np.maximum(most, least)
    rows = reference.counts[bins] + current.counts[bins]
    smooth = np.minimum(np.append(rows[1:], 0), np.append(0, rows[:-1])) * _ATOM >= rows
    crossing = width * (before**2 + after**2) / (2 * (np.abs(before) + np.abs(after) + 1e-300))
    crossing = np.where(before * after < 0, crossing, least)
    inside = np.where(smooth, crossing, _as_atoms(bins, reference, current))
    guess = np.where(sure, least, np.clip(inside, least, most))
    slack = _ROUNDING * (1.0 + float(np.abs(moment).sum()))
    scale = reference.grid.scale
    return Bounded(
        value=scale * float(guess.sum()),
        low=scale * max(float(least.sum()) - slack, 0.0),
        high=scale * (float(most.sum()) + slack),
    )


def _range_of_both(reference: NumericSummary, current: NumericSummary) -> NDArray[np.int64]:
    """Every bin from the first to the last that has rows on either side."""
    used = [side.used for side in (reference, current) if side.finite]
    if not used:
        return np.zeros(0, np.int64)
    return np.arange(min(int(u[0]) for u in used), max(int(u[-1]) for u in used) + 1)


def _as_atoms(
    bins: NDArray[np.int64], reference: NumericSummary, current: NumericSummary
) -> NDArray[np.float64]:
    """The integral of |D| over each bin if each side's rows there all lay at their mean.

    Exact for data with few distinct values. Where rows are dense, D is nearer to a straight line.
    """
    low_edge, high_edge = _clamped_edges(bins, reference, current)
    middle = (low_edge + high_edge) / 2
    p = reference.counts[bins] / reference.finite
    q = current.counts[bins] / current.finite
    before = np.cumsum(p - q) - (p - q)
    at_reference, at_current = (
        np.where(side.counts[bins] > 0, side.sums[bins] / np.maximum(side.counts[bins], 1), middle)
        for side in (reference, current)
    )
    first = np.minimum(at_reference, at_current)
    last = np.maximum(at_reference, at_current)
    between = np.where(at_reference <= at_current, before + p, before - q)
    after = before + p - q
    return np.asarray(
        np.abs(before) * (first - low_edge)
        + np.abs(between) * (last - first)
        + np.abs(after) * (high_edge - last)
    )


def _clamped_edges(
    bins: NDArray[np.int64], reference: NumericSummary, current: NumericSummary
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Edges of the bins in y, the outermost ones drawn in to the smallest and largest value."""
    low_edge, high_edge = EDGES[bins].copy(), EDGES[bins + 1].copy()
    grid = reference.grid
    lowest = (min(reference.lowest, current.lowest) - grid.center) * grid.per_scale
    highest = (max(reference.highest, current.highest) - grid.center) * grid.per_scale
    low_edge[0] = lowest
    high_edge[-1] = highest
    return low_edge, high_edge


def kolmogorov_smirnov(reference: NumericSummary, current: NumericSummary) -> Bounded:
    """Largest distance of the CDFs: `value` and `low` at the bins' edges, `high` inside them."""
    bins = _range_of_both(reference, current)
    p = reference.counts[bins] / max(reference.finite, 1)
    q = current.counts[bins] / max(current.finite, 1)
    after = np.cumsum(p - q)
    before = after - (p - q)
    inside = np.maximum(np.minimum(before + p, after + q), -np.maximum(before - q, after - p))
    low = float(np.abs(after).max(initial=0.0))
    return Bounded(value=low, low=low, high=max(low, float(inside.max(initial=0.0))))


def euclidean(reference: NDArray[np.int64], current: NDArray[np.int64]) -> float:
    """Length of the difference of two histograms of shares, shape (k,) each."""
    p = reference / max(int(reference.sum()), 1)
    q = current / max(int(current.sum()), 1)
    return float(np.sqrt(((p - q) ** 2).sum()))


def cell_distance(
    reference: NDArray[np.int64], current: NDArray[np.int64], gaps: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Area between CDFs given on cells: counts (..., k), gaps (k - 1,) between their values."""
    cdf_reference = np.cumsum(reference, axis=-1)
    cdf_current = np.cumsum(current, axis=-1)
    total_reference = np.maximum(cdf_reference[..., -1:], 1)
    total_current = np.maximum(cdf_current[..., -1:], 1)
    apart = cdf_reference / total_reference - cdf_current / total_current
    return np.asarray(np.abs(apart[..., :-1]) @ gaps, np.float64)


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """Two-sample chi-square, and its mean and variance when nothing changed; arrays alike."""

    value: NDArray[np.float64]
    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    weight: NDArray[np.float64]

    @property
    def effect(self) -> NDArray[np.float64]:
        """Cohen's w without its bias: 0.1 is called small, 0.3 medium, 0.5 large."""
        return np.asarray(np.sqrt(np.maximum(self.value - self.mean, 0.0) / self.weight))


def chi_square(reference: NDArray[np.int64], current: NDArray[np.int64]) -> ChiSquare:
    """Chi-square of counts (..., k) on both sides; empty groups do not count.

    Variance: Pearson's statistic over a multinomial, 2 (k - 1) + (sum 1/p - k^2 - 2k + 2) / e with
    the effective size e = n m / (n + m) (Cramer & Rao; exact for one sample, near for two).
    """
    n = reference.sum(axis=-1, keepdims=True).astype(np.float64)
    m = current.sum(axis=-1, keepdims=True).astype(np.float64)
    both = (reference + current).astype(np.float64)
    there = both > 0
    safe = np.where(there, both, 1.0)
    value = ((np.sqrt(m / n) * reference - np.sqrt(n / m) * current) ** 2 / safe).sum(axis=-1)
    groups = there.sum(axis=-1)
    share_inverse = np.where(there, (n + m) / safe, 0.0).sum(axis=-1)
    weight = np.broadcast_to((n * m / (n + m))[..., 0], value.shape)
    mean = (groups - 1).astype(np.float64)
    variance = 2 * mean + np.maximum(share_inverse - groups**2 - 2 * groups + 2, 0.0) / weight
    return ChiSquare(value=value, mean=mean, variance=variance, weight=weight)

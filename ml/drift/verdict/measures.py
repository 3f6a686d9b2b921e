"""Figures for information, which decide nothing: exact distances, new categories, a chart."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ml.drift.counting.category import CategorySummary
from ml.drift.counting.columns import Summary
from ml.drift.counting.grid import EDGES
from ml.drift.counting.numeric import NumericSummary
from ml.drift.errors import DriftInputError
from ml.drift.reference.column_reference import ColumnReference
from ml.drift.result import Chart, Kind

_ROUNDING: Final = 1e-12
_ATOM: Final = 4  # a bin so many times fuller than a neighbour holds atoms, not a density
_STEPS: Final = 36
_MOST_LABELS: Final = 7
_CLIP: Final = 0.005
_ROUNDING_OF_STEPS: Final = 1e-9
_UNIT_STEPS: Final = np.linspace(0.0, 1.0, _STEPS + 1)


@dataclass(frozen=True, slots=True)
class Measures:
    """Measures of one column; see `ColumnResult`."""

    wasserstein: tuple[float, float, float] | None = None
    kolmogorov_smirnov: float | None = None
    euclidean: float | None = None
    new: Mapping[str, int] = field(default_factory=dict)
    gone: tuple[str, ...] = ()


def measures_of(reference: ColumnReference, current: Summary) -> Measures:
    """All measures that are defined for this column."""
    summary = reference.summary
    if isinstance(summary, NumericSummary) and isinstance(current, NumericSummary):
        if summary.finite and current.finite and reference.column.kind is Kind.NUMBER:
            return _of_numbers(summary, current)
        return Measures()
    if isinstance(summary, NumericSummary) or isinstance(current, NumericSummary):
        return Measures()
    if summary.is_text or current.is_text:
        return Measures()
    return _of_categories(summary.by_value(), current.by_value())


def _of_numbers(summary: NumericSummary, current: NumericSummary) -> Measures:
    steps = Steps.of(summary, current)
    exact = None
    if (sd := summary.sd) > 0:
        area = wasserstein(steps)
        exact = (area.value / sd, area.low / sd, area.high / sd)
    return Measures(
        wasserstein=exact,
        kolmogorov_smirnov=kolmogorov_smirnov(steps).value,
        euclidean=euclidean(summary.cells, current.cells),
    )


def _of_categories(before: Mapping[str, int], now: Mapping[str, int]) -> Measures:
    names = sorted({*before, *now})
    counts = [np.array([side.get(v, 0) for v in names]) for side in (before, now)]
    return Measures(
        euclidean=euclidean(*counts),
        new={v: c for v, c in sorted(now.items(), key=lambda i: -i[1]) if v not in before},
        gone=tuple(sorted(v for v in before if v not in now)) if now else (),
    )


@dataclass(frozen=True, slots=True)
class Bounded:
    """A value known to lie between two bounds."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Steps:
    """Both sides by bin, from the first to the last bin with rows, shape (k,) each.

    p, q: shares of the reference and of the current rows; before, after: D = F_reference -
    F_current at both ends of each bin; floor, ceiling: D is nowhere lower or higher inside it.
    """

    reference: NumericSummary
    current: NumericSummary
    bins: slice
    p: NDArray[np.float64]
    q: NDArray[np.float64]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    floor: NDArray[np.float64]
    ceiling: NDArray[np.float64]

    @classmethod
    def of(cls, reference: NumericSummary, current: NumericSummary) -> "Steps":
        """Align two summaries.

        Raises:
            DriftInputError: a side has no finite value, or the grids differ.
        """
        if not reference.finite or not current.finite:
            raise DriftInputError("a distance needs at least one number on each side")
        if reference.grid != current.grid:
            raise DriftInputError("a distance needs both sides on one grid")
        used = (reference.filled.bins, current.filled.bins)
        bins = slice(min(int(u[0]) for u in used), max(int(u[-1]) for u in used) + 1)
        p = reference.counts[bins] / reference.finite
        q = current.counts[bins] / current.finite
        step = p - q
        after = step.cumsum()
        before = after - step
        after[-1:] = 0.0  # apart from rounding
        return cls(
            reference,
            current,
            bins,
            p=p,
            q=q,
            before=before,
            after=after,
            floor=np.maximum(before - q, after - p),
            ceiling=np.minimum(before + p, after + q),
        )


def wasserstein(steps: Steps) -> Bounded:
    """Wasserstein-1 distance in the column's own unit, with certified bounds.

    With D = F_reference - F_current, the integral of D over a bin [a, b] is exactly
    b D(b) - a D(a) - (S_ref / n - S_cur / m), S the bin's sums. Where D keeps its sign inside the
    bin that is its share of the distance; where it may not, D's range in the bin bounds the share.
    """
    reference, current = steps.reference, steps.current
    edges = _clamped_edges(steps)
    width = edges[1:] - edges[:-1]
    moment = (
        reference.sums[steps.bins] / reference.finite - current.sums[steps.bins] / current.finite
    )
    # b D(b) - a D(a) about the middle of the bin, which avoids cancellation far from 0.
    middle = (edges[:-1] + edges[1:]) / 2
    integral = width / 2 * (steps.after + steps.before) - (moment - middle * (steps.p - steps.q))
    least = np.abs(integral)
    guess, most = least.copy(), least.copy()
    floor, ceiling = steps.floor, steps.ceiling
    unsure = ((floor < 0) & (ceiling > 0)).nonzero()[0]
    if len(unsure):
        wide, low, high = width[unsure], floor[unsure], ceiling[unsure]
        mean = integral[unsure] / np.where(wide > 0, wide, 1.0)
        share_low = ((high - mean) / (high - low)).clip(0.0, 1.0)
        bound = integral[unsure] + 2 * wide * share_low * -low
        most[unsure] = np.maximum(bound, least[unsure])
        line = _as_line(steps, unsure, width=wide, least=least[unsure])
        atoms = _as_atoms(steps, unsure, edges=edges)
        inside = np.where(_is_smooth(steps)[unsure], line, atoms)
        guess[unsure] = inside.clip(least[unsure], most[unsure])
    slack = _ROUNDING * (1.0 + float(np.abs(moment).sum()))
    scale = reference.grid.scale
    return Bounded(
        value=scale * float(guess.sum()),
        low=scale * max(float(least.sum()) - slack, 0.0),
        high=scale * (float(most.sum()) + slack),
    )


def _is_smooth(steps: Steps) -> NDArray[np.bool_]:
    """Whether each bin is about as full as its neighbours, as in a density; shape (k,)."""
    rows = np.zeros(len(steps.p) + 2, np.int64)
    rows[1:-1] = steps.reference.counts[steps.bins] + steps.current.counts[steps.bins]
    return np.asarray(np.minimum(rows[2:], rows[:-2]) * _ATOM >= rows[1:-1], np.bool_)


def _as_line(
    steps: Steps,
    bins: NDArray[np.int64],
    *,
    width: NDArray[np.float64],
    least: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Integral of |D| over some bins, if D were a straight line in each."""
    before, after = steps.before[bins], steps.after[bins]
    crossing = width * (before**2 + after**2) / (2 * (np.abs(before) + np.abs(after) + 1e-300))
    return np.where(before * after < 0, crossing, least)


def _as_atoms(
    steps: Steps, bins: NDArray[np.int64], *, edges: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Integral of |D| over some bins, if the rows of each side lay at their mean.

    Exact for data with few distinct values. Where rows are dense, D is nearer to a straight line.
    """
    low_edge, high_edge = edges[bins], edges[bins + 1]
    p, q, before, after = (x[bins] for x in (steps.p, steps.q, steps.before, steps.after))
    means = np.zeros((2, len(steps.p)))  # any value will do for an empty bin, which has no step
    for side, of_bins in zip((steps.reference, steps.current), means, strict=True):
        of_bins[side.filled.bins - steps.bins.start] = side.filled.means
    at_reference, at_current = means[:, bins].clip(low_edge, high_edge)
    first = np.minimum(at_reference, at_current)
    last = np.maximum(at_reference, at_current)
    between = np.where(at_reference <= at_current, before + p, before - q)
    return np.asarray(
        np.abs(before) * (first - low_edge)
        + np.abs(between) * (last - first)
        + np.abs(after) * (high_edge - last)
    )


def _clamped_edges(steps: Steps) -> NDArray[np.float64]:
    """Edges of the bins in y, shape (k + 1,), clipped to the smallest and largest value."""
    reference, current, grid = steps.reference, steps.current, steps.reference.grid
    edges = EDGES[steps.bins.start : steps.bins.stop + 1].copy()
    edges[0] = (min(reference.lowest, current.lowest) - grid.center) * grid.per_scale
    edges[-1] = (max(reference.highest, current.highest) - grid.center) * grid.per_scale
    return edges


def kolmogorov_smirnov(steps: Steps) -> Bounded:
    """Largest distance of the CDFs: `value` and `low` at the edges of bins, `high` inside them."""
    low = float(np.abs(steps.after).max(initial=0.0))
    inside = np.maximum(steps.ceiling, -steps.floor)
    return Bounded(value=low, low=low, high=max(low, float(inside.max(initial=0.0))))


def euclidean(reference: NDArray[np.int64], current: NDArray[np.int64]) -> float:
    """Euclidean distance of two histograms, shape (k,) each, as shares."""
    p = reference / max(int(reference.sum()), 1)
    q = current / max(int(current.sum()), 1)
    return math.sqrt(float(((p - q) ** 2).sum()))


def chart_of(reference: Summary, current: Summary) -> Chart:
    """Steps of equal width for numbers, the most frequent categories for the rest."""
    if isinstance(reference, NumericSummary) and isinstance(current, NumericSummary):
        return _chart_of_numbers(reference, current)
    if isinstance(reference, CategorySummary) and isinstance(current, CategorySummary):
        return _chart_of_categories(reference, current)
    return Chart()


def _chart_of_numbers(reference: NumericSummary, current: NumericSummary) -> Chart:
    sides = [side for side in (reference, current) if side.finite]
    if not sides:
        return Chart()
    ends = [side.quantile(_CLIP, 1 - _CLIP) for side in sides]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    if not high > low:
        low, high = low - 0.5, high + 0.5
    edges = low + (high - low) * _UNIT_STEPS
    edges[-1] = high
    return Chart(
        edges=tuple(edges.tolist()),
        reference=_shares(reference, edges),
        current=_shares(current, edges),
    )


def _shares(side: NumericSummary, edges: NDArray[np.float64]) -> tuple[float, ...]:
    """Share of the rows in each step; a bin belongs to the step of its mean."""
    if not side.finite:
        return (0.0,) * (len(edges) - 1)
    filled, grid = side.filled, side.grid
    # Clipped, since the outermost bins hold all that lies beyond them.
    means = np.minimum(np.maximum(filled.means, EDGES[filled.bins]), EDGES[filled.bins + 1])
    lowest, highest = ((end - grid.center) * grid.per_scale for end in (side.lowest, side.highest))
    means = means.clip(lowest, highest)
    cuts = (edges - grid.center) * grid.per_scale
    # The mean of equal values may be off by a rounding error, which must not change the step.
    nudge = _ROUNDING_OF_STEPS * (cuts[-1] - cuts[0])
    places = means.searchsorted(cuts - nudge)
    places[-1] = means.searchsorted(cuts[-1] + nudge, "right")
    below = filled.below[places]
    return tuple(((below[1:] - below[:-1]) / side.finite).round(6).tolist())


def _chart_of_categories(reference: CategorySummary, current: CategorySummary) -> Chart:
    before, now = reference.by_value(), current.by_value()
    rows = [max(sum(side.values()), 1) for side in (before, now)]
    weight = {v: before.get(v, 0) / rows[0] + now.get(v, 0) / rows[1] for v in {*before, *now}}
    labels = sorted(weight, key=lambda v: (-weight[v], v))[:_MOST_LABELS]
    return Chart(
        labels=tuple(labels),
        reference=tuple(round(before.get(v, 0) / rows[0], 6) for v in labels),
        current=tuple(round(now.get(v, 0) / rows[1], 6) for v in labels),
    )

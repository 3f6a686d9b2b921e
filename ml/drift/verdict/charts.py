"""The numbers behind the chart of a column."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ml.drift.counting.category import CategorySummary
from ml.drift.counting.columns import Summary
from ml.drift.counting.grid import EDGES
from ml.drift.counting.numeric import NumericSummary
from ml.drift.result import Chart

_STEPS: Final = 36
_MOST_LABELS: Final = 7
_CLIP: Final = 0.005
_ROUNDING: Final = 1e-9
_UNIT_STEPS: Final = np.linspace(0.0, 1.0, _STEPS + 1)


def chart_of(reference: Summary, current: Summary) -> Chart:
    """Steps of equal width for numbers, the most frequent categories for the rest."""
    if isinstance(reference, NumericSummary) and isinstance(current, NumericSummary):
        return _numbers(reference, current)
    if isinstance(reference, CategorySummary) and isinstance(current, CategorySummary):
        return _categories(reference, current)
    return Chart()


def _numbers(reference: NumericSummary, current: NumericSummary) -> Chart:
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
    nudge = _ROUNDING * (cuts[-1] - cuts[0])
    places = means.searchsorted(cuts - nudge)
    places[-1] = means.searchsorted(cuts[-1] + nudge, "right")
    below = filled.below[places]
    return tuple(((below[1:] - below[:-1]) / side.finite).round(6).tolist())


def _categories(reference: CategorySummary, current: CategorySummary) -> Chart:
    before, now = reference.by_value(), current.by_value()
    rows = [max(sum(side.values()), 1) for side in (before, now)]
    weight = {v: before.get(v, 0) / rows[0] + now.get(v, 0) / rows[1] for v in {*before, *now}}
    labels = sorted(weight, key=lambda v: (-weight[v], v))[:_MOST_LABELS]
    return Chart(
        labels=tuple(labels),
        reference=tuple(round(before.get(v, 0) / rows[0], 6) for v in labels),
        current=tuple(round(now.get(v, 0) / rows[1], 6) for v in labels),
    )

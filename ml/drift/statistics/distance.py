"""The area between the cumulative distributions, in standard deviations of the reference."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ml.drift.counting.columns import Summary
from ml.drift.counting.grid import CELL_EDGES, fold_to_cells
from ml.drift.counting.loops import CELLS
from ml.drift.counting.numeric import NumericSummary
from ml.drift.reference.column_reference import ColumnReference, Units, Window, is_compared
from ml.drift.reference.null import DRAWS, DistanceNull, simulate_nulls
from ml.drift.reference.overdispersion import Overdispersion, UnitSquares
from ml.drift.result import AlarmBudget, ColumnResult, Signal
from ml.drift.statistics.registry import Pair, Statistic

CLIP_SHARE: Final = 0.001
_CELL_MIDDLES: Final = (CELL_EDGES[:-1] + CELL_EDGES[1:]) / 2
_SQUARED_NORMAL: Final = (
    2.0**0.5
)  # relative noise of a squared normal, the largest that a squared area has
_TWO_DECIMALS_BELOW: Final = 100


class Distance(Statistic):
    """Wasserstein-1 with the outer 0.1 % clipped; undefined for columns without spread."""

    name = "distance"
    label = "area between the curves"
    method = (
        "of the cumulative distributions, for numbers: Wasserstein-1 in reference standard "
        "deviations (sd), the outer 0.1 % drawn in"
    )
    alarm_share = 0.70
    is_effect_size = True
    has_past = True

    def signal(self, pair: Pair, alarm_budget: AlarmBudget, *, chance: float) -> Signal | None:
        """See `Statistic.signal`."""
        summary, null = pair.reference.summary, pair.reference.null
        if pair.counts is None or null is None or not isinstance(summary, NumericSummary):
            return None
        gaps = shape_of(summary).gaps
        value = float(cell_distance(pair.counts.reference, pair.counts.current, gaps))
        limit = distance_limit(
            null,
            pair.past(self.name),
            effective_rows=pair.counts.effective_rows,
            chance=chance,
        )
        return Signal(self.name, value, max(limit, alarm_budget.smallest_effect))

    def unit_squares(self, reference: ColumnReference, units: Units) -> UnitSquares | None:
        """See `Statistic.unit_squares`."""
        summary, null = reference.summary, reference.null
        if units.values is None or null is None or not isinstance(summary, NumericSummary):
            return None
        rest = units.values
        area = cell_distance(rest.others, rest.units, shape_of(summary).gaps)
        return UnitSquares(area**2, null.square_at(rest.effective), noise=_SQUARED_NORMAL)

    def figure(self, value: float) -> str:
        """A value in standard deviations; see `Statistic.figure`."""
        return f"{value:.2f} sd" if value < _TWO_DECIMALS_BELOW else f"{value:.3g} sd"

    def change(self, column: ColumnResult, value: str, limit: str) -> str:
        """See `Statistic.change`."""
        del column
        return f"moved by {value} (limit {limit})"


STATISTIC: Final = Distance()


@dataclass(frozen=True, slots=True)
class Shape:
    """The reference of a numeric column, reduced to what its distance needs.

    The outer 0.1 % on each side are clipped to the quantiles there, so that one outlier can neither
    cause nor hide drift. The statistic `shares` covers thin tails.

    Args:
        gaps: shape (CELLS - 1,), distance of neighbouring cells' values, in spreads.
        cdf: shape (CELLS - 1,), of the reference in those gaps.
        spread: standard deviation within the clipped range, in the column's unit.
    """

    gaps: NDArray[np.float64]
    cdf: NDArray[np.float64]
    spread: float


def shape_of(summary: NumericSummary) -> Shape:
    """Reduce the summary of a reference; a constant one has spread 0."""
    counts = summary.cells
    total = max(int(counts.sum()), 1)
    sums = fold_to_cells(summary.sums)
    values = np.where(counts > 0, sums / np.maximum(counts, 1), _CELL_MIDDLES)
    grid = summary.grid
    low, high = (
        (value - grid.center) * grid.per_scale
        for value in summary.quantile(CLIP_SHARE, 1 - CLIP_SHARE)
    )
    clipped = values.clip(low, high)
    mean = float((counts * clipped).sum()) / total
    spread = float(np.sqrt((counts * (clipped - mean) ** 2).sum() / total))
    if summary.is_constant:
        spread = 0.0
    gaps = (clipped[1:] - clipped[:-1]) / spread if spread > 0 else np.zeros(CELLS - 1)
    cdf = counts.cumsum() / total
    return Shape(gaps=gaps, cdf=cdf[:-1], spread=spread * grid.scale)


def cell_distance(
    reference: NDArray[np.int64], current: NDArray[np.int64], gaps: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Area between two CDFs, from counts by cell (..., k) and gaps between cells (k - 1,)."""
    cdf_reference = np.cumsum(reference, axis=-1)
    cdf_current = np.cumsum(current, axis=-1)
    total_reference = np.maximum(cdf_reference[..., -1:], 1)
    total_current = np.maximum(cdf_current[..., -1:], 1)
    apart = cdf_reference / total_reference - cdf_current / total_current
    return np.asarray(np.abs(apart[..., :-1]) @ gaps, np.float64)


def draw_nulls(summaries: Mapping[str, Summary], *, draws: int = DRAWS) -> dict[str, DistanceNull]:
    """Simulate the null of every column with a distance; by name."""
    shapes = {
        name: shape_of(summary)
        for name, summary in summaries.items()
        if isinstance(summary, NumericSummary) and is_compared(summary)
    }
    drawn = [name for name, shape in shapes.items() if shape.spread > 0]
    if not drawn:
        return {}
    made = simulate_nulls([(shapes[name].gaps, shapes[name].cdf) for name in drawn], draws=draws)
    return dict(zip(drawn, made, strict=True))


def distance_limit(
    null: DistanceNull, past: Sequence[Overdispersion], *, effective_rows: float, chance: float
) -> float:
    """The limit of the distance: from the null, or from overdispersion if that is larger.

    Among several unit lengths the least overdispersed counts: longer units average out more of the
    overdispersion, but there are fewer of them.

    Overdispersion is modelled as a normal shift of the whole window: the squared distance is then a
    squared normal of the given mean, which is the widest distribution that the mean allows here.
    """
    by_chance = null.limit(chance, effective_rows)
    if not past or any(d.excess <= 0 for d in past):
        return by_chance
    independent = float(null.square_at(np.array(effective_rows)))
    normal = float(ndtri(1 - chance / 2)) ** 2
    by_history = min((independent + d.excess) * normal * d.student(chance) for d in past)
    return max(by_chance, math.sqrt(by_history))


def smallest_visible(
    reference: ColumnReference, alarm_budget: AlarmBudget, *, rows: int, columns: int
) -> float | None:
    """The smallest shift, in spreads, that a check of so many rows can detect; may be undefined."""
    if reference.null is None or rows < 1:
        return None
    n = float(reference.summary.rows)
    limit = distance_limit(
        reference.null,
        reference.past(STATISTIC.name, Window(), rows=float(rows)),
        effective_rows=n * rows / (n + rows),
        chance=alarm_budget.chance(columns) * STATISTIC.alarm_share,
    )
    return max(limit, alarm_budget.smallest_effect)

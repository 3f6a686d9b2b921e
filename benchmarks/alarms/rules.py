"""The engine's rule for many days at once, the fixed 0.1 rule, and KS with Bonferroni.

Days come as counts on the engine's own cells; statistics and limits are the engine's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alarms.worlds import FEATURES
from ml.drift.counting.category import CategorySummary
from ml.drift.counting.columns import Column, Summary
from ml.drift.counting.grid import Grid
from ml.drift.counting.history import Blocks, Days
from ml.drift.counting.kernels import add_days
from ml.drift.counting.loops import CELLS
from ml.drift.counting.numeric import NumericSummary
from ml.drift.profiles.profile import learn_references
from ml.drift.reference.column_reference import (
    ColumnReference,
    Window,
    missing_of,
    weekday_counts,
)
from ml.drift.reference.overdispersion import Overdispersion
from ml.drift.result import AlarmBudget, Kind
from ml.drift.statistics import distance, missing, shares, unseen

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BUDGET: Final = AlarmBudget()
CHANCE: Final = BUDGET.chance(FEATURES)  # of one column, for all its statistics
FIXED_LIMIT: Final = 0.1  # the default of Azure ML and Evidently
_KNOTS: Final = 9  # of the limit's course over chi-square's variance


@dataclass(frozen=True, slots=True)
class Rules:
    """Each rule's value of one feature by day, (days,): ours and KS in limits, the other in sd."""

    ours: Floats
    fixed: Floats
    ks: Floats


def to_cells(values: Floats, slots: Ints, grid: Grid, days: int) -> Ints:
    """Counts by day and cell, shape (days, CELLS)."""
    table = np.zeros((days, CELLS + 1), np.int64)
    add_days(np.ascontiguousarray(values), slots, grid.center, grid.per_scale, table)
    return table[:, :CELLS]


def numeric_summary(values: Floats, days: Ints | None, grid: Grid) -> NumericSummary:
    """Summarise a column of the reference, by blocks if there are no days."""
    history = Blocks.for_rows(len(values)) if days is None else Days()
    summary = NumericSummary(grid=grid, history=history)
    summary.add(np.ascontiguousarray(values), days)
    summary.finish()
    return summary


def reference_sets(
    sets: Sequence[Sequence[Summary]], draws: int
) -> Iterator[list[ColumnReference]]:
    """Profile each set on its own; nulls are simulated together, which is the same and faster."""
    named = [{f"{i}.{j}": summary for j, summary in enumerate(one)} for i, one in enumerate(sets)]
    together: dict[str, Summary] = {}
    for one in named:
        together |= one
    nulls = distance.draw_nulls(together, draws=draws)
    for one in named:
        columns = [
            Column(name, Kind.NUMBER if isinstance(s, NumericSummary) else Kind.CATEGORY)
            for name, s in one.items()
        ]
        yield list(learn_references(columns, one, nulls))


def judged(
    reference: ColumnReference,
    days: Ints,
    *,
    weekdays: Ints | None = None,
    lost: Ints | None = None,
) -> Rules:
    """Apply all rules to days of equally many rows, counts (days, CELLS).

    `weekdays` and `lost` (missing rows) have shape (days,).
    """
    groups_of = (
        np.full(len(days), -1) if weekdays is None or not reference.same_weekday else weekdays
    )
    ours, fixed, ks = np.zeros(len(days)), np.zeros(len(days)), np.zeros(len(days))
    for weekday in np.unique(groups_of).tolist():
        mine = groups_of == weekday
        base = None if weekday < 0 else weekday_counts(reference.summary, weekday)
        found = _judged(reference, days[mine], base)
        ours[mine], fixed[mine], ks[mine] = found.ours, found.fixed, found.ks
    if lost is not None:
        ours = np.maximum(ours, _missing_ratios(reference, lost, int(days[0].sum())))
    return Rules(ours, fixed, ks)


def _judged(reference: ColumnReference, days: Ints, same_weekday: Ints | None) -> Rules:
    if not isinstance(reference.summary, NumericSummary) or reference.null is None:
        raise TypeError("only numbers have a distance")
    shape, cells = distance.shape_of(reference.summary), reference.summary.cells
    base = cells if same_weekday is None else same_weekday
    rows = int(days[0].sum())
    by_days = isinstance(reference.summary.history, Days)
    window = Window(days=(0,)) if by_days else Window()

    def past(statistic: str) -> Sequence[Overdispersion]:
        if same_weekday is not None:
            return reference.same_weekday[statistic]
        return reference.past(statistic, window, rows=float(rows))

    limit = distance.distance_limit(
        reference.null,
        past(distance.STATISTIC.name),
        effective_rows=float(base.sum()) * rows / (float(base.sum()) + rows),
        chance=CHANCE * distance.STATISTIC.alarm_share,
    )
    # Empty cells change nothing but the time: their gaps are joined to those of their neighbours.
    used = np.flatnonzero(cells + days.sum(axis=0))
    place = np.append(0.0, np.cumsum(shape.gaps))[used]
    whole, here, days = cells[used], base[used], days[:, used]
    apart = distance.cell_distance(whole, days, np.diff(place))
    ours = apart if same_weekday is None else distance.cell_distance(here, days, np.diff(place))
    groups = shares.groups_of(reference.summary, rows=float(rows))[used]
    _, groups = np.unique(groups, return_inverse=True)
    changed = _share_ratios(here, days, groups, past(shares.STATISTIC.name))
    n = float(whole.sum())
    steps = np.abs(np.cumsum(days / rows - whole / n, axis=1)).max(axis=1)
    critical = np.sqrt(-np.log(CHANCE / 2) / 2 * (1 / n + 1 / rows))
    return Rules(
        ours=np.maximum(ours / max(limit, BUDGET.smallest_effect), changed),
        fixed=apart,
        ks=steps / critical,
    )


def _share_ratios(base: Ints, days: Ints, groups: Ints, past: Sequence[Overdispersion]) -> Floats:
    current = shares.summed(days, groups)
    found = shares.chi_square(np.broadcast_to(shares.summed(base, groups), current.shape), current)
    knots = np.linspace(found.variance.min(), found.variance.max(), _KNOTS)
    limits = [
        shares.chi_square_limit(
            shares.ChiSquare(found.value[0], found.mean[0], variance, found.weight[0]),
            past,
            chance=CHANCE * shares.STATISTIC.alarm_share,
        )
        for variance in knots
    ]
    by_day = np.interp(found.variance, knots, limits)
    return np.asarray(found.effect / np.maximum(by_day, BUDGET.smallest_effect))


def _missing_ratios(reference: ColumnReference, rows: Ints, there: int) -> Floats:
    without = missing_of(reference.summary)
    pair = (reference.summary.rows - without, without)
    counts, where = np.unique(rows, return_inverse=True)
    ratios = []
    for count in counts.tolist():
        past = reference.past(missing.STATISTIC.name, Window(), rows=float(there + count))
        counted = tuple(past) if all(d.excess > 0 for d in past) else ()
        ratios.append(_missing_ratio(pair, (there, count), counted))
    return np.array(ratios)[where]


@lru_cache(maxsize=1_000_000)
def _missing_ratio(
    reference: tuple[int, int], current: tuple[int, int], past: tuple[Overdispersion, ...]
) -> float:
    chance = CHANCE * missing.STATISTIC.alarm_share
    return missing.missing_signal(reference, current, past, BUDGET, chance=chance).ratio


def judged_categories(reference: ColumnReference, days: Ints) -> Rules:
    """Our rule for days of categories, counts (days, slots + 1), the last one of unseen values."""
    summary = reference.summary
    if not isinstance(summary, CategorySummary):
        raise TypeError("only categories are judged here")
    base = summary.counts[1:]
    rows = int(days[0].sum())
    most = unseen.most_unseen(
        current_rows=rows,
        rare=int((base == 1).sum()),
        reference_rows=summary.rows,
        chance=CHANCE * unseen.STATISTIC.alarm_share,
    )
    ratio = days[:, -1] / rows / max(most / rows, BUDGET.smallest_share)
    known = days[:, :-1].sum(axis=1)
    for count in np.unique(known).tolist():
        mine = known == count
        groups = shares.groups_of(summary, rows=float(count))
        past = reference.past(shares.STATISTIC.name, Window(), rows=float(count))
        ratio[mine] = np.maximum(ratio[mine], _share_ratios(base, days[mine, :-1], groups, past))
    unjudged = np.zeros(len(days))
    return Rules(ours=ratio, fixed=unjudged, ks=unjudged)

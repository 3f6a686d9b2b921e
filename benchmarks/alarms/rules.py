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
from ml.drift.counting.grid import Grid
from ml.drift.counting.kernels import CELLS, add_days
from ml.drift.counting.layout import Column, Kind, Summary
from ml.drift.counting.numeric import NumericSummary
from ml.drift.counting.units import Blocks, Days
from ml.drift.profiles.reference import (
    Reference,
    draw_nulls,
    learn_references,
    missing_of,
    share_groups,
    summed,
    weekday_counts,
)
from ml.drift.statistics.distances import cell_distance, chi_square
from ml.drift.statistics.limits import Budget, Statistic, distance_limit, most_unseen, share_limit
from ml.drift.statistics.overdispersion import Dependence
from ml.drift.statistics.shape import shape_of
from ml.drift.verdict.judging import Window, missing_signal, past_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BUDGET: Final = Budget()
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
    """A column of the reference as the engine summarises it; by blocks where there are no days."""
    history = Blocks.for_rows(len(values)) if days is None else Days()
    summary = NumericSummary(grid=grid, history=history)
    summary.add(np.ascontiguousarray(values), days)
    summary.finish()
    return summary


def reference_sets(sets: Sequence[Sequence[Summary]], draws: int) -> Iterator[list[Reference]]:
    """Each set profiled on its own; the nulls are drawn together, which is the same and faster."""
    named = [{f"{i}.{j}": summary for j, summary in enumerate(one)} for i, one in enumerate(sets)]
    together: dict[str, Summary] = {}
    for one in named:
        together |= one
    nulls = draw_nulls(together, draws=draws)
    for one in named:
        columns = [
            Column(name, Kind.NUMBER if isinstance(s, NumericSummary) else Kind.CATEGORY)
            for name, s in one.items()
        ]
        yield list(learn_references(columns, one, nulls))


def judged(
    reference: Reference, days: Ints, *, weekdays: Ints | None = None, missing: Ints | None = None
) -> Rules:
    """All rules for days of equally many rows, counts (days, CELLS).

    Weekdays and missing rows, shape (days,), where they are known.
    """
    groups_of = np.full(len(days), -1) if weekdays is None or not reference.matched else weekdays
    ours, fixed, ks = np.zeros(len(days)), np.zeros(len(days)), np.zeros(len(days))
    for weekday in np.unique(groups_of).tolist():
        mine = groups_of == weekday
        base = None if weekday < 0 else weekday_counts(reference.summary, weekday)
        found = _judged(reference, days[mine], base)
        ours[mine], fixed[mine], ks[mine] = found.ours, found.fixed, found.ks
    if missing is not None:
        ours = np.maximum(ours, _missing_ratios(reference, missing, int(days[0].sum())))
    return Rules(ours, fixed, ks)


def _judged(reference: Reference, days: Ints, same_weekday: Ints | None) -> Rules:
    if not isinstance(reference.summary, NumericSummary) or reference.null is None:
        raise TypeError("only numbers have a distance")
    shape = shape_of(reference.summary)
    base = shape.counts if same_weekday is None else same_weekday
    rows = int(days[0].sum())
    by_days = isinstance(reference.summary.history, Days)
    window = Window(days=(0,)) if by_days else Window()

    def past(statistic: Statistic) -> Sequence[Dependence]:
        if same_weekday is not None:
            return reference.matched[statistic]
        return past_of(reference, statistic, window, float(rows))

    limit = distance_limit(
        reference.null,
        past(Statistic.DISTANCE),
        effective_rows=float(base.sum()) * rows / (float(base.sum()) + rows),
        chance=BUDGET.chance(FEATURES, Statistic.DISTANCE),
    )
    # Cells that nobody fills change nothing but the time: their gaps join their neighbours'.
    used = np.flatnonzero(shape.counts + days.sum(axis=0))
    place = np.append(0.0, np.cumsum(shape.gaps))[used]
    whole, here, days = shape.counts[used], base[used], days[:, used]
    apart = cell_distance(whole, days, np.diff(place))
    ours = apart if same_weekday is None else cell_distance(here, days, np.diff(place))
    groups = share_groups(reference.summary, shape, float(rows))[used]
    _, groups = np.unique(groups, return_inverse=True)
    shares = _share_ratios(here, days, groups, past(Statistic.SHARES))
    n = float(whole.sum())
    steps = np.abs(np.cumsum(days / rows - whole / n, axis=1)).max(axis=1)
    chance = BUDGET.false_alarms_per_year / BUDGET.checks_per_year / FEATURES
    critical = np.sqrt(-np.log(chance / 2) / 2 * (1 / n + 1 / rows))
    return Rules(
        ours=np.maximum(ours / max(limit, BUDGET.smallest_effect), shares),
        fixed=apart,
        ks=steps / critical,
    )


def _share_ratios(base: Ints, days: Ints, groups: Ints, past: Sequence[Dependence]) -> Floats:
    current = summed(days, groups)
    found = chi_square(np.broadcast_to(summed(base, groups), current.shape), current)
    knots = np.linspace(found.variance.min(), found.variance.max(), _KNOTS)
    limits = [
        share_limit(
            float(found.mean[0]),
            float(variance),
            past,
            effective_rows=float(found.weight[0]),
            chance=BUDGET.chance(FEATURES, Statistic.SHARES),
        )
        for variance in knots
    ]
    by_day = np.interp(found.variance, knots, limits)
    return np.asarray(found.effect / np.maximum(by_day, BUDGET.smallest_effect))


def _missing_ratios(reference: Reference, missing: Ints, there: int) -> Floats:
    lost = missing_of(reference.summary)
    pair = (reference.summary.rows - lost, lost)
    counts, where = np.unique(missing, return_inverse=True)
    ratios = []
    for count in counts.tolist():
        past = past_of(reference, Statistic.MISSING, Window(), float(there + count))
        restless = tuple(past) if all(d.excess > 0 for d in past) else ()
        ratios.append(_missing_ratio(pair, (there, count), restless))
    return np.array(ratios)[where]


@lru_cache(maxsize=1_000_000)
def _missing_ratio(
    reference: tuple[int, int], current: tuple[int, int], past: tuple[Dependence, ...]
) -> float:
    return missing_signal(reference, current, past, BUDGET, features=FEATURES).ratio


def judged_categories(reference: Reference, days: Ints) -> Rules:
    """Our rule for days of categories, counts (days, slots + 1), the last one of unseen values."""
    summary = reference.summary
    if not isinstance(summary, CategorySummary):
        raise TypeError("only categories are judged here")
    base = summary.counts[1:]
    rows = int(days[0].sum())
    most = most_unseen(
        current_rows=rows,
        rare=int((base == 1).sum()),
        reference_rows=summary.rows,
        chance=BUDGET.chance(FEATURES, Statistic.UNSEEN),
    )
    ratio = days[:, -1] / rows / max(most / rows, BUDGET.smallest_share)
    known = days[:, :-1].sum(axis=1)
    for count in np.unique(known).tolist():
        mine = known == count
        groups = share_groups(summary, None, float(count))
        past = past_of(reference, Statistic.SHARES, Window(), float(count))
        ratio[mine] = np.maximum(ratio[mine], _share_ratios(base, days[mine, :-1], groups, past))
    unjudged = np.zeros(len(days))
    return Rules(ours=ratio, fixed=unjudged, ks=unjudged)

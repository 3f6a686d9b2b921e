"""The signals of one column: what moved, by how much, against which limit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.drift.counting.category import MISSING_SLOT, CategorySummary
from ml.drift.counting.layout import Kind, Summary
from ml.drift.counting.numeric import NumericSummary
from ml.drift.profiles.reference import (
    Reference,
    is_compared,
    missing_of,
    share_groups,
    summed,
    weekday_counts,
)
from ml.drift.statistics.distances import cell_distance, chi_square
from ml.drift.statistics.limits import (
    Budget,
    Statistic,
    change_by_chance,
    distance_limit,
    most_unseen,
    share_limit,
)
from ml.drift.statistics.overdispersion import WEEK, Dependence
from ml.drift.statistics.shape import shape_of


@dataclass(frozen=True, slots=True)
class Signal:
    """One statistic of one column; above its limit when value > limit."""

    statistic: Statistic
    value: float
    limit: float

    @property
    def ratio(self) -> float:
        """1 is the limit."""
        return self.value / self.limit


@dataclass(frozen=True, slots=True)
class Window:
    """Which days the current rows are of (days since 1970); empty: nobody said."""

    days: tuple[int, ...] = ()

    @property
    def weekday(self) -> int | None:
        """The weekday of a window of one day."""
        return self.days[0] % WEEK if len(self.days) == 1 else None


@dataclass(frozen=True, slots=True)
class _Sides:
    """Counts without missing on both sides, shape (width,), and the dependence that fits them."""

    reference: NDArray[np.int64]
    current: NDArray[np.int64]
    distance: Sequence[Dependence]
    shares: Sequence[Dependence]

    @property
    def effective(self) -> float:
        n, m = float(self.reference.sum()), float(self.current.sum())
        return n * m / (n + m)


def signals(
    reference: Reference, current: Summary, budget: Budget, *, window: Window, features: int
) -> list[Signal]:
    """All signals that can be had of a column; features: how many share the budget."""
    found = [_missing(reference, current, budget, window=window, features=features)]
    summary = reference.summary
    if reference.column.kind is Kind.DATE or current.rows == missing_of(current):
        return found
    if isinstance(summary, NumericSummary) and isinstance(current, NumericSummary):
        if summary.is_constant:
            return [_changed(summary, current, budget, features), *found]
        if summary.finite:
            return [*_numeric(reference, current, budget, window=window, features=features), *found]
    if isinstance(current, CategorySummary) and is_compared(summary) and not current.is_text:
        return [*_category(reference, current, budget, window=window, features=features), *found]
    return found


def _numeric(
    reference: Reference,
    current: NumericSummary,
    budget: Budget,
    *,
    window: Window,
    features: int,
) -> list[Signal]:
    summary = reference.summary
    if not isinstance(summary, NumericSummary):
        return []
    shape = shape_of(summary)
    sides = _sides(reference, shape.counts, current.cells, window)
    found = []
    if reference.null is not None:
        value = float(cell_distance(sides.reference, sides.current, shape.gaps))
        limit = distance_limit(
            reference.null,
            sides.distance,
            effective_rows=sides.effective,
            chance=budget.chance(features, Statistic.DISTANCE),
        )
        found.append(Signal(Statistic.DISTANCE, value, max(limit, budget.smallest_effect)))
    groups = share_groups(summary, shape, float(sides.current.sum()))
    return [*found, *_shares(sides, groups, budget, features)]


def _category(
    reference: Reference,
    current: CategorySummary,
    budget: Budget,
    *,
    window: Window,
    features: int,
) -> list[Signal]:
    summary = reference.summary
    if not isinstance(summary, CategorySummary) or summary.slots is None:
        return []
    counted = current.by_value()
    known = np.array([counted.get(value, 0) for value in summary.slots], np.int64)
    width = len(summary.slots)
    base = np.zeros(width, np.int64)
    base[: len(summary.counts) - 1] = summary.counts[MISSING_SLOT + 1 :]
    found = [_unseen(sum(counted.values()) - int(known.sum()), summary, current, budget, features)]
    if not known.sum():
        return found
    sides = _sides(reference, base, known, window)
    groups = share_groups(summary, None, float(known.sum()))
    return [*_shares(sides, groups, budget, features), *found]


def _sides(
    reference: Reference, base: NDArray[np.int64], current: NDArray[np.int64], window: Window
) -> _Sides:
    """The reference of the same weekday where weekdays differ, else all of it."""
    if reference.matched and window.weekday is not None:
        same = weekday_counts(reference.summary, window.weekday)
        if same.sum():
            padded = np.zeros_like(base)
            padded[: len(same)] = same
            past = reference.matched
            return _Sides(padded, current, past[Statistic.DISTANCE], past[Statistic.SHARES])
    return _Sides(
        reference=base,
        current=current,
        distance=past_of(reference, Statistic.DISTANCE, window, float(current.sum())),
        shares=past_of(reference, Statistic.SHARES, window, float(current.sum())),
    )


def past_of(
    reference: Reference, statistic: Statistic, window: Window, rows: float
) -> list[Dependence]:
    """The views of the past that are not longer than the window: in days, or in rows of blocks."""
    length = float(len(window.days))
    if not window.days:
        length = rows / reference.unit_rows if reference.unit_rows else 1.0
    views = reference.alone.get(statistic, [])
    return [d for d in views if d.length <= max(length, 1.0)]


def _shares(
    sides: _Sides, groups: NDArray[np.int64], budget: Budget, features: int
) -> list[Signal]:
    found = chi_square(*summed(np.stack([sides.reference, sides.current]), groups))
    if not float(found.mean) > 0:
        return []
    limit = share_limit(
        float(found.mean),
        float(found.variance),
        sides.shares,
        effective_rows=float(found.weight),
        chance=budget.chance(features, Statistic.SHARES),
    )
    return [Signal(Statistic.SHARES, float(found.effect), max(limit, budget.smallest_effect))]


def _missing(
    reference: Reference, current: Summary, budget: Budget, *, window: Window, features: int
) -> Signal:
    sides = [
        (summary.rows - missing_of(summary), missing_of(summary))
        for summary in (reference.summary, current)
    ]
    past = past_of(reference, Statistic.MISSING, window, float(current.rows))
    return missing_signal(sides[0], sides[1], past, budget, features=features)


def missing_signal(
    reference: tuple[int, int],
    current: tuple[int, int],
    past: Sequence[Dependence],
    budget: Budget,
    *,
    features: int,
) -> Signal:
    """Change of the missing share, from rows (there, missing) on both sides.

    Its limit is what chance, the past, and sense allow.
    """
    there, missing = (a + b for a, b in zip(reference, current, strict=True))
    if not there or not missing:
        return Signal(Statistic.MISSING, 0.0, budget.smallest_share)
    found = chi_square(np.array(reference), np.array(current))
    change = abs(current[1] / max(sum(current), 1) - reference[1] / max(sum(reference), 1))
    chance = budget.chance(features, Statistic.MISSING)
    limit = share_limit(
        float(found.mean),
        float(found.variance),
        past,
        effective_rows=float(found.weight),
        chance=chance,
    )
    effect = float(found.effect)
    # Told as a share of the rows: where w would meet its limit, or where it begins to matter.
    in_shares = change * limit / effect if effect > 0 else float("inf")
    by_chance = change_by_chance(reference, current, chance)
    return Signal(Statistic.MISSING, change, max(in_shares, by_chance, budget.smallest_share))


def _unseen(
    unseen: int, summary: CategorySummary, current: CategorySummary, budget: Budget, features: int
) -> Signal:
    """Rows in categories that the reference does not have; rare ones there tell what to expect."""
    once = [count for count in summary.by_value().values() if count == 1]
    rows = current.rows - current.missing
    return _unseen_signal(
        unseen,
        rows,
        rare=len(once),
        reference_rows=summary.rows - summary.missing,
        budget=budget,
        features=features,
    )


def _changed(
    summary: NumericSummary, current: NumericSummary, budget: Budget, features: int
) -> Signal:
    """Rows that differ from what was constant in the reference."""
    where = int(np.flatnonzero(summary.counts)[0])
    same = int(current.counts[where])
    return _unseen_signal(
        current.finite - same,
        current.finite,
        rare=0,
        reference_rows=summary.finite,
        budget=budget,
        features=features,
    )


def _unseen_signal(
    unseen: int, rows: int, *, rare: int, reference_rows: int, budget: Budget, features: int
) -> Signal:
    most = most_unseen(
        current_rows=rows,
        rare=rare,
        reference_rows=reference_rows,
        chance=budget.chance(features, Statistic.UNSEEN),
    )
    share = unseen / max(rows, 1)
    return Signal(Statistic.UNSEEN, share, max(most / max(rows, 1), budget.smallest_share))


def smallest_visible(
    reference: Reference, budget: Budget, *, rows: int, features: int
) -> float | None:
    """The smallest shift, in spreads, that a check of so many rows can see; None: no distance."""
    if reference.null is None or rows < 1:
        return None
    n = float(reference.summary.rows)
    return max(
        distance_limit(
            reference.null,
            past_of(reference, Statistic.DISTANCE, Window(), float(rows)),
            effective_rows=n * rows / (n + rows),
            chance=budget.chance(features, Statistic.DISTANCE),
        ),
        budget.smallest_effect,
    )

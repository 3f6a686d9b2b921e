"""The change in the share of rows without a value."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from ml.drift.reference.column_reference import ColumnReference, Units, missing_of
from ml.drift.reference.overdispersion import Overdispersion, UnitSquares
from ml.drift.result import AlarmBudget, ColumnResult, Signal
from ml.drift.statistics.registry import Pair, Statistic
from ml.drift.statistics.shares import chi_square, chi_square_limit, squares_of
from ml.drift.statistics.unseen import most_unseen, unseen_chance
from ml.presentation.figures import percent


class Missing(Statistic):
    """Share of missing and infinite values, up or down; defined for every column."""

    name = "missing"
    label = "missing"
    method = "or infinite values: the change of their share of the rows"
    alarm_share = 0.05
    has_past = True

    def signal(self, pair: Pair, alarm_budget: AlarmBudget, *, chance: float) -> Signal:
        """See `Statistic.signal`."""
        reference, current = (
            (summary.rows - missing_of(summary), missing_of(summary))
            for summary in (pair.reference.summary, pair.current)
        )
        past = pair.reference.past(self.name, pair.window, rows=float(pair.current.rows))
        return missing_signal(reference, current, past, alarm_budget, chance=chance)

    def unit_squares(self, reference: ColumnReference, units: Units) -> UnitSquares | None:
        """See `Statistic.unit_squares`."""
        del reference
        if units.missing is None:
            return None
        return squares_of(chi_square(units.missing.others, units.missing.units))

    def figure(self, value: float) -> str:
        """A share of the rows."""
        return percent(value)

    def change(self, column: ColumnResult, value: str, limit: str) -> str:
        """See `Statistic.change`; both shares say more than their difference."""
        del value
        before, now = column.reference.missing_share, column.current.missing_share
        return (
            f"is missing in {percent(now)} of the rows, {percent(before)} before "
            f"(limit {limit} change)"
        )


STATISTIC: Final = Missing()


def missing_signal(
    reference: tuple[int, int],
    current: tuple[int, int],
    past: Sequence[Overdispersion],
    alarm_budget: AlarmBudget,
    *,
    chance: float,
) -> Signal:
    """Change of the missing share, from the rows (with value, without) on both sides."""
    there, missing = (a + b for a, b in zip(reference, current, strict=True))
    if not there or not missing:
        return Signal(STATISTIC.name, 0.0, alarm_budget.smallest_share)
    found = chi_square(np.array(reference), np.array(current))
    change = abs(current[1] / max(sum(current), 1) - reference[1] / max(sum(reference), 1))
    effect, limit = float(found.effect), chi_square_limit(found, past, chance=chance)
    # The limit of w, converted to a share of the rows.
    in_shares = change * limit / effect if effect > 0 else float("inf")
    by_chance = change_by_chance(reference, current, chance)
    return Signal(STATISTIC.name, change, max(in_shares, by_chance, alarm_budget.smallest_share))


def change_by_chance(reference: tuple[int, int], current: tuple[int, int], chance: float) -> float:
    """The change in the missing share that is exceeded with this probability, in its direction.

    Both sides are rows (with value, without). With few missing rows, chi-square has a far longer
    tail than its moments suggest (four expected among 200: 4 times too many alarms), so the counts
    are modelled as beta-binomial. A fall is treated as a rise with the sides exchanged.
    """
    n, m = sum(reference), sum(current)
    rare = 0 if reference[0] < reference[1] else 1
    before, now = reference[rare], current[rare]
    common = before / n
    if now / m >= common:
        most = most_unseen(current_rows=m, rare=before, reference_rows=n, chance=chance / 2)
        change = (most + 0.5) / m - common
    else:
        low, high = -1, math.ceil(common * m)  # `low` rows are too few, `high` rows are not
        while high - low > 1:
            middle = (low + high) // 2
            found = unseen_chance(before, current_rows=n, rare=middle, reference_rows=m)
            low, high = (low, middle) if found > chance / 2 else (middle, high)
        change = common - (high - 0.5) / m
    # Common rows vary less than counts of rare ones: a row is missing at most once.
    return max(change, 0.0) * math.sqrt(1 - common)

"""The share of rows with values that the reference lacks: new categories or a new constant."""

from typing import Final

import numpy as np
from scipy.special import betainc

from ml.drift.counting.category import CategorySummary
from ml.drift.counting.numeric import NumericSummary
from ml.drift.result import AlarmBudget, ColumnResult, Kind, Signal
from ml.drift.statistics.registry import Pair, Statistic
from ml.presentation.figures import percent


class Unseen(Statistic):
    """Share of rows with new values; defined for categories and for constant columns."""

    name = "unseen"
    label = "new values"
    method = "that the reference does not have: their share of the rows"
    alarm_share = 0.12  # no column has this and a distance

    def signal(self, pair: Pair, alarm_budget: AlarmBudget, *, chance: float) -> Signal | None:
        """See `Statistic.signal`."""
        summary, current = pair.reference.summary, pair.current
        if isinstance(summary, CategorySummary):
            if pair.counts is None:
                return None
            rows = current.rows - current.missing
            unseen = rows - int(pair.counts.current.sum())
            # Categories with a single row in the reference tell how many new ones to expect.
            rare = sum(count == 1 for count in summary.by_value().values())
            reference_rows = summary.rows - summary.missing
        elif isinstance(current, NumericSummary) and summary.is_constant and pair.has_values:
            rows, rare, reference_rows = current.finite, 0, summary.finite
            unseen = rows - int(current.counts[int(np.flatnonzero(summary.counts)[0])])
        else:
            return None
        most = most_unseen(
            current_rows=rows, rare=rare, reference_rows=reference_rows, chance=chance
        )
        limit = max(most / max(rows, 1), alarm_budget.smallest_share)
        return Signal(self.name, unseen / max(rows, 1), limit)

    def figure(self, value: float) -> str:
        """A share of the rows."""
        return percent(value)

    def change(self, column: ColumnResult, value: str, limit: str) -> str:
        """See `Statistic.change`."""
        if column.kind is Kind.CATEGORY:
            return f"has new categories in {value} of the rows (limit {limit})"
        return f"was constant and now differs in {value} of the rows (limit {limit})"


STATISTIC: Final = Unseen()


def unseen_chance(unseen: int, *, current_rows: int, rare: int, reference_rows: int) -> float:
    """Probability of so many new or rare rows, given `rare` in the reference (beta-binomial)."""
    if unseen == 0:
        return 1.0
    share = current_rows / (current_rows + reference_rows)
    return float(betainc(unseen, rare + 1, share))


def most_unseen(*, current_rows: int, rare: int, reference_rows: int, chance: float) -> int:
    """The largest number of new or rare rows that is plausible at this probability."""
    low, high = 0, current_rows
    while high - low > 1:
        middle = (low + high) // 2
        found = unseen_chance(
            middle, current_rows=current_rows, rare=rare, reference_rows=reference_rows
        )
        low, high = (middle, high) if found > chance else (low, middle)
    return low

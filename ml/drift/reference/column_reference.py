"""One column of the reference: its counts, its null distribution and its history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ml.drift.counting.category import MISSING_SLOT, CategorySummary
from ml.drift.counting.columns import Column, Summary
from ml.drift.counting.history import Days, plus
from ml.drift.counting.loops import CELLS
from ml.drift.counting.numeric import NumericSummary
from ml.drift.reference.null import DistanceNull
from ml.drift.reference.overdispersion import (
    WEEK,
    Overdispersion,
    Rest,
    against_same_weekday,
    against_the_rest,
    together,
)

_LEAST_UNIT_SHARE: Final = 0.25  # of the rows of the median unit; shorter ones are left out


@dataclass(frozen=True, slots=True)
class Window:
    """The days of the current rows, counted from 1970; empty if unknown."""

    days: tuple[int, ...] = ()

    @property
    def weekday(self) -> int | None:
        """The weekday of a one-day window; None for any other window."""
        return self.days[0] % WEEK if len(self.days) == 1 else None


@dataclass(frozen=True, slots=True)
class ColumnReference:
    """The reference of one column in a profile.

    Args:
        null: of the distance; None for categories and for columns without spread.
        overdispersion: by statistic, one estimate for each length of units.
        same_weekday: the same between days of one weekday, if weekdays explain most of the
            overdispersion; else empty.
        unit_rows: rows of one block or day.
    """

    column: Column
    summary: Summary
    null: DistanceNull | None = None
    overdispersion: Mapping[str, Sequence[Overdispersion]] = field(default_factory=dict)
    same_weekday: Mapping[str, Sequence[Overdispersion]] = field(default_factory=dict)
    unit_rows: float = 0.0

    @property
    def missing_share(self) -> float:
        """Share of missing and infinite values, 0-1."""
        return missing_of(self.summary) / max(self.summary.rows, 1)

    def past(self, statistic: str, window: Window, *, rows: float) -> list[Overdispersion]:
        """Overdispersion estimated from units at most as long as the window."""
        length = float(len(window.days))
        if not window.days:
            length = rows / self.unit_rows if self.unit_rows else 1.0
        found = self.overdispersion.get(statistic, [])
        return [one for one in found if one.length <= max(length, 1.0)]


def missing_of(summary: Summary) -> int:
    """Number of rows without a usable value."""
    extra = summary.infinite if isinstance(summary, NumericSummary) else 0
    return summary.missing + extra


def is_compared(summary: Summary) -> bool:
    """Whether the column has a distribution to compare, not only a share of missing rows."""
    if isinstance(summary, CategorySummary):
        return not summary.is_text and summary.rows > summary.missing
    return summary.finite > 0 and not summary.is_constant


def unit_table(summary: Summary) -> tuple[NDArray[np.int64], tuple[int, ...]]:
    """All units of the history, shape (units, width), and their days (none for blocks)."""
    history = summary.history
    if history is None or not history.counts:
        return np.zeros((0, 1), np.int64), ()
    if isinstance(history, Days):
        days = tuple(sorted(history.counts))
        rows = [history.counts[day] for day in days]
    else:
        days, rows = (), history.counts
    width = CELLS + 1 if isinstance(summary, NumericSummary) else len(summary.counts)
    blank = np.zeros(width, np.int64)
    return np.stack([plus(row, blank) for row in rows]), days


@dataclass(frozen=True, slots=True)
class Units:
    """Each unit of a column's history with what it is compared with; None without history.

    Args:
        values: counts by cell or category, without missing rows.
        missing: two counts a unit, rows with and without a value.
    """

    values: Rest | None
    missing: Rest | None


@dataclass(frozen=True, slots=True)
class Past:
    """The blocks or days of one column that have enough rows.

    values: shape (units, width), without missing rows; missing: shape (units, 2), rows with and
    without a value; days: since 1970, empty for blocks.
    """

    values: NDArray[np.int64]
    missing: NDArray[np.int64]
    days: tuple[int, ...]

    @classmethod
    def of(cls, summary: Summary) -> "Past":
        """Take the history from a summary."""
        table, days = unit_table(summary)
        if isinstance(summary, CategorySummary):
            missing, values = table[:, MISSING_SLOT], table[:, MISSING_SLOT + 1 :]
        else:
            missing, values = table[:, CELLS:].sum(axis=1), table[:, :CELLS]
        rows = table.sum(axis=1)
        long = rows >= _LEAST_UNIT_SHARE * (np.median(rows) if len(rows) else 0)
        kept = tuple(day for day, keep in zip(days, long, strict=True) if keep) if days else ()
        pair = np.stack([rows - missing, missing], axis=1)
        return cls(values=values[long], missing=pair[long], days=kept)

    @property
    def unit_rows(self) -> float:
        """Median number of rows per unit; 0 without history."""
        return float(np.median(self.missing.sum(axis=1))) if len(self.missing) else 0.0

    def units(self, length: int) -> Units:
        """Join `length` neighbours at a time and compare each with all the others."""
        values, missing = (
            against_the_rest(together(counts, self.days, length)) if len(counts) else None
            for counts in (self.values, self.missing)
        )
        return Units(values, missing)

    def units_by_weekday(self) -> Units:
        """Compare each day with the other days of its weekday; blocks have none."""
        if not self.days:
            return Units(None, None)
        values, missing = (
            against_same_weekday(counts, self.days) for counts in (self.values, self.missing)
        )
        return Units(values, missing)


def weekday_counts(summary: Summary, weekday: int) -> NDArray[np.int64]:
    """Counts of the days of one weekday (days since 1970, modulo 7), without missing rows."""
    past = Past.of(summary)
    mine = np.array(past.days) % WEEK == weekday
    return np.asarray(past.values[mine].sum(axis=0), np.int64)

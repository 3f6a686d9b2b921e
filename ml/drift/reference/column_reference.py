"""One column of the reference, ready to be compared with: counts, chance and its own past."""

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

_LEAST_UNIT_SHARE: Final = 0.25  # of the median unit's rows: a shorter day says little


@dataclass(frozen=True, slots=True)
class Window:
    """Which days the current rows are of (days since 1970); empty: unknown."""

    days: tuple[int, ...] = ()

    @property
    def weekday(self) -> int | None:
        """The weekday of a window of one day."""
        return self.days[0] % WEEK if len(self.days) == 1 else None


@dataclass(frozen=True, slots=True)
class ColumnReference:
    """What a profile knows of one column.

    Args:
        null: of the distance; None for categories and columns without spread.
        overdispersion: by statistic, for each length of units taken together.
        same_weekday: the same between days of one weekday, where comparing weekdays explains most
            of it; else empty.
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
        """Missing and infinite rows among all."""
        return missing_of(self.summary) / max(self.summary.rows, 1)

    def past(self, statistic: str, window: Window, *, rows: float) -> list[Overdispersion]:
        """What was learnt from units no longer than the window: in days, or in rows of blocks."""
        length = float(len(window.days))
        if not window.days:
            length = rows / self.unit_rows if self.unit_rows else 1.0
        found = self.overdispersion.get(statistic, [])
        return [one for one in found if one.length <= max(length, 1.0)]


def missing_of(summary: Summary) -> int:
    """Rows that have no usable value."""
    extra = summary.infinite if isinstance(summary, NumericSummary) else 0
    return summary.missing + extra


def is_compared(summary: Summary) -> bool:
    """Whether there is a distribution to compare, beyond the missing share."""
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
    """Each unit of a column's past and what it is compared with; None where there is no past.

    Args:
        values: counts by cell or category, without what is missing.
        missing: rows with and without a value, two counts a unit.
    """

    values: Rest | None
    missing: Rest | None


@dataclass(frozen=True, slots=True)
class Past:
    """The blocks or days of one column, those with enough rows.

    values: shape (units, width), without what is missing; missing: shape (units, 2), rows with and
    without a value; days: empty for blocks.
    """

    values: NDArray[np.int64]
    missing: NDArray[np.int64]
    days: tuple[int, ...]

    @classmethod
    def of(cls, summary: Summary) -> "Past":
        """The past that a summary has kept."""
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
        """Median rows of a unit; 0 where there is none."""
        return float(np.median(self.missing.sum(axis=1))) if len(self.missing) else 0.0

    def units(self, length: int) -> Units:
        """`length` neighbouring units taken together, each against all the others."""
        values, missing = (
            against_the_rest(together(counts, self.days, length)) if len(counts) else None
            for counts in (self.values, self.missing)
        )
        return Units(values, missing)

    def units_by_weekday(self) -> Units:
        """Each day against the other days of its weekday; nothing for blocks."""
        if not self.days:
            return Units(None, None)
        values, missing = (
            against_same_weekday(counts, self.days) for counts in (self.values, self.missing)
        )
        return Units(values, missing)


def weekday_counts(summary: Summary, weekday: int) -> NDArray[np.int64]:
    """Counts without missing of the days of one weekday (days since 1970, modulo 7)."""
    past = Past.of(summary)
    mine = np.array(past.days) % WEEK == weekday
    return np.asarray(past.values[mine].sum(axis=0), np.int64)

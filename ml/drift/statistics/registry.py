"""What a drift statistic is, what it is given, and all there are.

A statistic is one module of this package: its value, its limit, what the past adds, when it is
undefined, and its words. The module holds an instance under the name STATISTIC, and is found by it.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ml.drift import statistics
from ml.drift.counting.category import MISSING_SLOT, CategorySummary
from ml.drift.counting.columns import Summary
from ml.drift.counting.numeric import NumericSummary
from ml.drift.errors import DriftInputError
from ml.drift.reference.column_reference import (
    ColumnReference,
    Units,
    Window,
    is_compared,
    missing_of,
    weekday_counts,
)
from ml.drift.reference.overdispersion import Overdispersion, UnitSquares
from ml.drift.result import AlarmBudget, ColumnResult, Kind, Signal


@dataclass(frozen=True, slots=True)
class Counts:
    """Both sides by cell or category, without what is missing, shape (width,) each.

    `same_weekday`: the reference is its days of the window's weekday alone.
    """

    reference: NDArray[np.int64]
    current: NDArray[np.int64]
    same_weekday: bool = False

    @property
    def effective_rows(self) -> float:
        """Rows on both sides as one size: n m / (n + m)."""
        n, m = float(self.reference.sum()), float(self.current.sum())
        return n * m / (n + m)


@dataclass(frozen=True, slots=True)
class Pair:
    """One column of the reference and of the window that is compared with it.

    Args:
        counts: None where there is no distribution to compare on both sides.
    """

    reference: ColumnReference
    current: Summary
    window: Window
    counts: Counts | None

    @classmethod
    def of(cls, reference: ColumnReference, current: Summary, window: Window) -> "Pair":
        """Line both sides up; the reference's days of one weekday where weekdays differ."""
        aligned = _aligned(reference, current)
        counts = None if aligned is None else _of_weekday(reference, aligned, window)
        return cls(reference, current, window, counts)

    @property
    def has_values(self) -> bool:
        """Whether the window has values to compare; dates are never compared."""
        return _has_values(self.reference, self.current)

    def past(self, statistic: str) -> list[Overdispersion]:
        """What the past adds to chance between the two sides of `counts`."""
        if self.counts is None:
            return []
        if self.counts.same_weekday:
            return list(self.reference.same_weekday.get(statistic, ()))
        rows = float(self.counts.current.sum())
        return self.reference.past(statistic, self.window, rows=rows)


def _has_values(reference: ColumnReference, current: Summary) -> bool:
    return reference.column.kind is not Kind.DATE and current.rows > missing_of(current)


def _aligned(reference: ColumnReference, current: Summary) -> Counts | None:
    summary = reference.summary
    if not is_compared(summary) or not _has_values(reference, current):
        return None
    if isinstance(summary, NumericSummary) and isinstance(current, NumericSummary):
        return Counts(summary.cells, current.cells)
    if not isinstance(summary, CategorySummary) or not isinstance(current, CategorySummary):
        return None
    if summary.slots is None or current.is_text:
        return None
    counted = current.by_value()
    known = np.array([counted.get(value, 0) for value in summary.slots], np.int64)
    base = np.zeros(len(summary.slots), np.int64)
    base[: len(summary.counts) - 1] = summary.counts[MISSING_SLOT + 1 :]
    return Counts(base, known)


def _of_weekday(reference: ColumnReference, aligned: Counts, window: Window) -> Counts:
    if not reference.same_weekday or window.weekday is None:
        return aligned
    same = weekday_counts(reference.summary, window.weekday)
    if not same.sum():
        return aligned
    padded = np.zeros_like(aligned.reference)
    padded[: len(same)] = same
    return Counts(padded, aligned.current, same_weekday=True)


class Statistic(ABC):
    """One way to see that a column has changed.

    name: in profiles, drift.json and the ledger; never changes. label: in a list of figures.
    method: for the report, the rest of a sentence that begins with the label. alarm_share: part of
    a column's chance of a false alarm; those that one column can have come to 1 at most.
    is_effect_size: value and limit are in standard deviations or Cohen's w, so that what is too
    small to matter and too large to be missed is known. has_past: the past adds to its limit.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    method: ClassVar[str]
    alarm_share: ClassVar[float]
    is_effect_size: ClassVar[bool] = False
    has_past: ClassVar[bool] = False

    @abstractmethod
    def signal(self, pair: Pair, alarm_budget: AlarmBudget, *, chance: float) -> Signal | None:
        """Value and limit; None where the statistic is undefined for this column.

        Args:
            pair: both sides.
            alarm_budget: what is too small to matter.
            chance: of a false alarm, left for this statistic of this column.
        """

    @abstractmethod
    def figure(self, value: float) -> str:
        """A value or a limit with its unit, three figures."""

    @abstractmethod
    def change(self, column: ColumnResult, value: str, limit: str) -> str:
        """What happened, as the rest of a sentence that begins with the column's name."""

    def unit_squares(self, reference: ColumnReference, units: Units) -> UnitSquares | None:
        """Its square in every unit of the past, where `has_past`; None where it is undefined."""
        del reference, units
        return None


@cache
def all_statistics() -> tuple[Statistic, ...]:
    """Every statistic of this package, those with the larger share of the alarms first."""
    package = statistics.__name__
    modules = [import_module(f"{package}.{one.name}") for one in iter_modules(statistics.__path__)]
    found: list[Statistic] = [one.STATISTIC for one in modules if hasattr(one, "STATISTIC")]
    return tuple(sorted(found, key=lambda one: (-one.alarm_share, one.name)))


def statistic_named(name: str) -> Statistic:
    """The statistic that a signal is of.

    Raises:
        DriftInputError: this version has none of that name.
    """
    found = next((one for one in all_statistics() if one.name == name), None)
    if found is None:
        known = ", ".join(one.name for one in all_statistics())
        raise DriftInputError(f"statistic {name} is not one of {known}; check the rows again")
    return found

"""The interface of a drift statistic, its input, and the registry of all statistics.

A statistic is one module of this package: it defines the value, the limit, how history raises the
limit, when it is undefined, and its wording. The registry finds the module's STATISTIC instance.
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
    """Rows of both sides by cell or category, without missing ones, shape (width,) each.

    `same_weekday`: the reference counts only days of the window's weekday.
    """

    reference: NDArray[np.int64]
    current: NDArray[np.int64]
    same_weekday: bool = False

    @property
    def effective_rows(self) -> float:
        """Effective sample size n m / (n + m) of n reference rows and m current rows."""
        n, m = float(self.reference.sum()), float(self.current.sum())
        return n * m / (n + m)


@dataclass(frozen=True, slots=True)
class Pair:
    """One column of the reference and of the window that is compared with it.

    Args:
        counts: None if one side has no distribution to compare.
    """

    reference: ColumnReference
    current: Summary
    window: Window
    counts: Counts | None

    @classmethod
    def of(cls, reference: ColumnReference, current: Summary, window: Window) -> "Pair":
        """Align both sides; a weekly column is compared with days of the same weekday."""
        aligned = _aligned(reference, current)
        counts = None if aligned is None else _of_weekday(reference, aligned, window)
        return cls(reference, current, window, counts)

    @property
    def has_values(self) -> bool:
        """Whether the window has values to compare; dates are never compared."""
        return _has_values(self.reference, self.current)

    def past(self, statistic: str) -> list[Overdispersion]:
        """Overdispersion that applies to `counts`, one estimate for each length of units."""
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
    """One way to measure that a column has changed.

    Args:
        name: in profiles, drift.json and the ledger; never changes.
        label: in lists of figures.
        method: for the report, the rest of a sentence that begins with the label.
        alarm_share: its part of the column's chance of a false alarm, 0-1; the statistics that one
            column can have together share at most 1.
        is_effect_size: value and limit are standard deviations or Cohen's w.
        has_past: overdispersion of the past raises its limit; see `unit_squares`.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    method: ClassVar[str]
    alarm_share: ClassVar[float]
    is_effect_size: ClassVar[bool] = False
    has_past: ClassVar[bool] = False

    @abstractmethod
    def signal(self, pair: Pair, alarm_budget: AlarmBudget, *, chance: float) -> Signal | None:
        """The signal of one column; None if the statistic is undefined for it.

        Args:
            pair: both sides.
            alarm_budget: says which changes are too small to matter.
            chance: probability of a false alarm of this statistic in this column, 0-1.
        """

    @abstractmethod
    def figure(self, value: float) -> str:
        """A value or limit as text with its unit, to three figures."""

    @abstractmethod
    def change(self, column: ColumnResult, value: str, limit: str) -> str:
        """What happened, as the rest of a sentence that begins with the column's name."""

    def unit_squares(self, reference: ColumnReference, units: Units) -> UnitSquares | None:
        """Its square in every unit of the past; None if it is undefined. Only with `has_past`."""
        del reference, units
        return None


@cache
def all_statistics() -> tuple[Statistic, ...]:
    """Every statistic of this package, by falling share of the alarms."""
    package = statistics.__name__
    modules = [import_module(f"{package}.{one.name}") for one in iter_modules(statistics.__path__)]
    found: list[Statistic] = [one.STATISTIC for one in modules if hasattr(one, "STATISTIC")]
    return tuple(sorted(found, key=lambda one: (-one.alarm_share, one.name)))


def statistic_named(name: str) -> Statistic:
    """Look a statistic up by the name that signals carry.

    Raises:
        DriftInputError: this version has no such statistic.
    """
    found = next((one for one in all_statistics() if one.name == name), None)
    if found is None:
        known = ", ".join(one.name for one in all_statistics())
        raise DriftInputError(f"statistic {name} is not one of {known}; check the rows again")
    return found

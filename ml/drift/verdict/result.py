"""What a check found: values, as JSON carries them and the report draws them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from ml.drift.counting.layout import Kind, Role
from ml.drift.statistics.limits import Budget, Statistic
from ml.drift.verdict.judging import Signal


class Verdict(StrEnum):
    """The answer to: has it changed?"""

    DRIFT = "drift"
    NO_DRIFT = "no drift"
    NOT_ENOUGH_DATA = "not enough data"


@dataclass(frozen=True, slots=True)
class Side:
    """One side of one column in numbers; None where there is nothing to say."""

    rows: int
    missing_share: float
    infinite: int = 0
    lowest: float | None = None
    highest: float | None = None
    mean: float | None = None
    sd: float | None = None
    quartiles: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """What a drawing needs: shares of both sides over common steps, and the CDFs at their ends.

    edges: shape (k + 1,) in the column's unit for numbers, empty for categories; labels: shape (k,)
    for categories. Clipped at 0.5 and 99.5 % of both sides.
    """

    edges: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    reference: tuple[float, ...] = ()
    current: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class FeatureResult:
    """One column's verdict, with all that led to it.

    Args:
        wasserstein: exact Wasserstein-1 in reference standard deviations, (value, low, high); None
            where the reference has no spread. `distance` among the signals is its robust form: the
            outer 0.1 % of the reference drawn in.
        alarm_share: part of the whole excess over the limits that this column carries.
    """

    name: str
    kind: Kind
    role: Role
    verdict: Verdict
    signals: tuple[Signal, ...]
    reference: Side
    current: Side
    ratio: float
    alarm_share: float = 0.0
    wasserstein: tuple[float, float, float] | None = None
    kolmogorov_smirnov: float | None = None
    euclidean: float | None = None
    new_categories: Mapping[str, int] = field(default_factory=dict)
    vanished_categories: tuple[str, ...] = ()
    unreadable: int = 0
    note: str = ""
    chart: Chart = field(default_factory=Chart)
    since: date | None = None
    past: tuple[tuple[date, float], ...] = ()  # ratio by day, oldest first

    def signal(self, statistic: Statistic) -> Signal | None:
        """The signal of one statistic, if the column has it."""
        return next((s for s in self.signals if s.statistic is statistic), None)

    @property
    def leading(self) -> Signal | None:
        """The signal that is furthest above, or nearest to, its limit."""
        return max(self.signals, key=lambda s: s.ratio, default=None)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The verdict on one window.

    Args:
        ratio: the largest of all signals in units of its limit: the one number for the set.
        rows_needed: how many rows a check needs, where there were not enough.
        missing_days: days of the window from which no row came.
    """

    profile: str
    verdict: Verdict
    rows: int
    reference_rows: int
    features: tuple[FeatureResult, ...]
    budget: Budget
    day: date | None = None
    ratio: float = 0.0
    rows_needed: int = 0
    vanished_columns: tuple[str, ...] = ()
    new_columns: tuple[str, ...] = ()
    missing_days: tuple[date, ...] = ()

    @property
    def drifted(self) -> tuple[FeatureResult, ...]:
        """The columns that drifted, largest first."""
        return tuple(f for f in self.features if f.verdict is Verdict.DRIFT)

    def __getitem__(self, name: str) -> FeatureResult:
        return next(f for f in self.features if f.name == name)

    def to_dict(self) -> dict[str, Any]:
        """As JSON carries it: plain values, days as ISO text."""
        plain: dict[str, Any] = _plain(asdict(self))
        for feature, found in zip(plain["features"], self.features, strict=True):
            for signal, raw in zip(feature["signals"], found.signals, strict=True):
                signal["ratio"] = raw.ratio
        return {"format": 1, **plain}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, StrEnum):
        return str(value)
    return value

"""What a check found: one family of records, from the verdict to the report and drift.json."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from ml.drift.errors import DriftInputError


class Kind(StrEnum):
    """How a column is counted."""

    NUMBER = "number"
    CATEGORY = "category"  # text and booleans; too many different values: free text
    DATE = "date"  # counted as seconds since 1970; judged by its missing share only
    EMPTY = "empty"  # no value in the reference: only its missing share can be judged


class Role(StrEnum):
    """What a column is to the model."""

    FEATURE = "feature"
    PREDICTION = "prediction"
    LABEL = "label"


class Verdict(StrEnum):
    """The answer to: has it changed?"""

    DRIFT = "drift"
    NO_DRIFT = "no drift"
    NOT_ENOUGH_DATA = "not enough data"


@dataclass(frozen=True, slots=True)
class AlarmBudget:
    """How many false alarms the user accepts, and which changes are too small to matter.

    Args:
        false_alarms_per_year: of all columns together, when nothing changes.
        checks_per_year: 365 for a daily check.
        smallest_effect: what matters at all: a shift in standard deviations, and Cohen's w.
        smallest_share: what matters of new or missing values: a share of the rows.
        least_rows: fewer are never judged.
        largest_limit_sd: a check that cannot see a change of this size says so.

    Raises:
        DriftInputError: the number of false alarms is not above 0, or above the number of checks.
    """

    false_alarms_per_year: float = 1.0
    checks_per_year: float = 365.0
    smallest_effect: float = 0.05
    smallest_share: float = 0.01
    least_rows: int = 200
    largest_limit_sd: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.false_alarms_per_year <= self.checks_per_year:
            raise DriftInputError(
                f"false_alarms_per_year is {self.false_alarms_per_year}; it must lie above 0 and "
                f"not above the number of checks a year, {self.checks_per_year}"
            )

    def chance(self, columns: int) -> float:
        """Chance of a false alarm that one of so many columns may have in one check."""
        return self.false_alarms_per_year / self.checks_per_year / max(columns, 1)


@dataclass(frozen=True, slots=True)
class Signal:
    """One statistic of one column; above its limit when value > limit.

    Args:
        statistic: the name of its kind, as `ml.drift.statistics` registers it.
    """

    statistic: str
    value: float
    limit: float

    @property
    def ratio(self) -> float:
        """1 is the limit."""
        return self.value / self.limit


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
    """What a drawing needs: shares of both sides over common steps.

    edges: shape (k + 1,) in the column's unit for numbers, empty for categories; labels: shape (k,)
    for categories. Clipped at 0.5 and 99.5 % of both sides.
    """

    edges: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    reference: tuple[float, ...] = ()
    current: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnResult:
    """One column's verdict, with all that led to it.

    Args:
        signals: its statistics; `wasserstein`, `kolmogorov_smirnov` and `euclidean` are shown
            beside them and decide nothing.
        ratio: of the leading signal.
        alarm_share: part of the whole excess over the limits that this column carries.
        wasserstein: exact Wasserstein-1 in reference standard deviations, (value, low, high); None
            where the reference has no spread. The statistic `distance` is its robust form: the
            outer 0.1 % of the reference drawn in.
        unreadable: values that are not of the column's kind, counted as missing.
        since: first day of the unbroken run above a limit.
        past: ratio by day, oldest first.
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
    past: tuple[tuple[date, float], ...] = ()

    def signal(self, statistic: str) -> Signal | None:
        """The signal of one statistic, if the column has it."""
        return next((s for s in self.signals if s.statistic == statistic), None)

    @property
    def leading(self) -> Signal | None:
        """The signal that is furthest above, or nearest to, its limit."""
        return max(self.signals, key=lambda s: s.ratio, default=None)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The verdict on one window.

    Args:
        profile_name: whose reference it was compared with.
        columns: the drifted ones first, each group by its ratio.
        ratio: the largest of all signals in units of its limit: the one number for the set.
        rows_needed: how many rows a check needs, where there were not enough.
        missing_days: days of the window from which no row came.
    """

    profile_name: str
    verdict: Verdict
    rows: int
    reference_rows: int
    columns: tuple[ColumnResult, ...]
    alarm_budget: AlarmBudget
    day: date | None = None
    ratio: float = 0.0
    rows_needed: int = 0
    vanished_columns: tuple[str, ...] = ()
    new_columns: tuple[str, ...] = ()
    missing_days: tuple[date, ...] = ()

    @property
    def drifted(self) -> tuple[ColumnResult, ...]:
        """The columns that drifted, largest first."""
        return tuple(c for c in self.columns if c.verdict is Verdict.DRIFT)

    @property
    def ranked(self) -> tuple[ColumnResult, ...]:
        """All columns by their ratio, largest first; before them those that are gone.

        Every value of a column that is gone is missing.
        """
        gone = (
            ColumnResult(
                name=name,
                kind=Kind.EMPTY,
                role=Role.FEATURE,
                verdict=Verdict.DRIFT,
                signals=(Signal("missing", 1.0, self.alarm_budget.smallest_share),),
                reference=Side(rows=self.reference_rows, missing_share=0.0),
                current=Side(rows=self.rows, missing_share=1.0),
                ratio=1 / self.alarm_budget.smallest_share,
                since=self.day,
            )
            for name in self.vanished_columns
        )
        return (*gone, *sorted(self.columns, key=lambda column: -column.ratio))

    def __getitem__(self, name: str) -> ColumnResult:
        return next(c for c in self.columns if c.name == name)

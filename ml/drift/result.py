"""The result of a check: one family of records for verdict, report and drift.json."""

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
    """Whether the data have changed."""

    DRIFT = "drift"
    NO_DRIFT = "no drift"
    NOT_ENOUGH_DATA = "not enough data"


@dataclass(frozen=True, slots=True)
class AlarmBudget:
    """How many false alarms are acceptable, and which changes are too small to matter.

    Args:
        false_alarms_per_year: expected over all columns together if nothing changes.
        checks_per_year: 365 for a daily check.
        smallest_effect: no limit is below it; a shift in standard deviations, and Cohen's w.
        smallest_share: no limit of new or missing values is below it; a share of the rows.
        least_rows: a window with fewer rows is not judged.
        largest_limit_sd: a column whose limit is above it counts as not enough data.

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
        """Probability of a false alarm that one column may have in one check of `columns`."""
        return self.false_alarms_per_year / self.checks_per_year / max(columns, 1)


@dataclass(frozen=True, slots=True)
class Signal:
    """The value of one statistic of one column, and the limit above which it counts as drift.

    Args:
        statistic: its kind, by the name in the registry of `ml.drift.statistics`.
    """

    statistic: str
    value: float
    limit: float

    @property
    def ratio(self) -> float:
        """Value divided by limit; above 1 it is drift."""
        return self.value / self.limit


@dataclass(frozen=True, slots=True)
class Side:
    """Figures of one column on one side, reference or current; None where undefined."""

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
    """Histograms of both sides on common bins, as shares of the rows, for drawing.

    edges: shape (k + 1,) in the column's unit for numbers, empty for categories; labels: shape (k,)
    for categories. Clipped at 0.5 and 99.5 % of both sides.
    """

    edges: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    reference: tuple[float, ...] = ()
    current: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnResult:
    """The verdict on one column, and the figures behind it.

    Args:
        signals: every statistic that is defined for the column. `wasserstein`,
            `kolmogorov_smirnov` and `euclidean` are for information and decide nothing.
        ratio: value / limit of the leading signal.
        alarm_share: this column's part of the excess over the limits of all columns, 0-1.
        wasserstein: exact Wasserstein-1 in reference standard deviations, (value, low, high); None
            where the reference has no spread. The statistic `distance` is its robust form, with
            the outer 0.1 % of the reference clipped.
        unreadable: values of another type than the column's, counted as missing.
        since: first day of the current run of days with drift.
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
        """The signal of one statistic; None if it is undefined for the column."""
        return next((s for s in self.signals if s.statistic == statistic), None)

    @property
    def leading(self) -> Signal | None:
        """The signal with the largest ratio to its limit."""
        return max(self.signals, key=lambda s: s.ratio, default=None)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The verdict on one window.

    Args:
        profile_name: of the profile that the window was compared with.
        columns: those that drifted first, then the others; each group by falling ratio.
        ratio: the largest ratio of all columns: one number for the whole window.
        rows_needed: the fewest rows that a check of these columns needs.
        missing_days: days within the window without any row.
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
        """All columns by falling ratio; columns that are gone (all values missing) come first."""
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

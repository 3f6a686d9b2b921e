"""Production data is compared with what the champion was trained on."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from shared.domain.facts.base import OfModel
from shared.domain.facts.reasons import ReasonKind
from shared.domain.value import Value


class DriftVerdict(StrEnum):
    """What a drift check found."""

    DRIFT = "drift"
    NO_DRIFT = "no_drift"
    NOT_ENOUGH_DATA = "not_enough_data"


class PerformanceVerdict(StrEnum):
    """What labels that came later say of the champion's predictions."""

    WORSE = "worse"
    NOT_WORSE = "not_worse"
    NOT_ENOUGH_LABELS = "not_enough_labels"
    NOT_JUDGED = "not_judged"  # no row id to join by, no margin set, or nothing to compare with


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DriftSignal(Value):
    """One column's leading statistic against its threshold."""

    feature: str
    statistic: float
    threshold: float
    measure: str = ""  # what the statistic is: distance (reference sd), shares, unseen, missing
    role: str = "feature"  # or prediction, label
    since: date | None = None  # first day of an unbroken run above the threshold
    alarm_share: float = 0.0  # part of the whole excess over the thresholds, 0-1


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Performance(Value):
    """The champion's realised metric over the last days, with its 95 % interval."""

    verdict: PerformanceVerdict
    sentence: str
    metric: str
    rows: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    baseline: float | None = None  # of the same version on its frozen rows
    margin: float | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DayCompared(Value):
    """A revision of one day's comparison with one version's reference profile."""

    day: date
    profile: str
    revision: int = 0

    def __str__(self) -> str:
        """As it stands in keys; revision 0 has no suffix."""
        suffix = f":r{self.revision}" if self.revision else ""
        return f"{self.day.isoformat()}:{self.profile}{suffix}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DriftCheckDue(OfModel):
    """A day of production data is to be compared with the champion's reference."""

    wire_name = "drift_check_due"

    day: date
    profile: str  # the champion version whose reference is meant
    window_start_utc: datetime
    window_end_utc: datetime
    attempt: int = 1  # another one where the check was given up
    revision: int = 0  # of that day: rows came late, or too few had come

    @property
    def compared(self) -> DayCompared:
        return DayCompared(self.day, self.profile, self.revision)

    @property
    def key(self) -> str:
        again = f":{self.attempt}" if self.attempt > 1 else ""
        return f"drift-due:{self.compared}{again}"

    @property
    def result_key(self) -> str:
        """The key of the fact that the check will end with."""
        return drift_checked_key(self.compared)

    @property
    def words(self) -> str:
        return f"the drift check of {self.day.isoformat()} is due"


def drift_checked_key(compared: DayCompared) -> str:
    """The key of a comparison's result."""
    return f"drift:{compared}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DriftChecked(OfModel):
    """The comparison's result; one that comes from outside enters by the same key.

    A later revision of a day looks at the rows that came meanwhile. What a day gives as a reason
    is named by `reason_key`, whichever revision found it: it is a reason once.
    """

    wire_name = "drift_checked"

    day: date
    profile: str
    verdict: DriftVerdict
    sentence: str
    signals: tuple[DriftSignal, ...] = ()  # largest first, at most ten
    current_rows: int = 0
    reference_rows: int = 0
    report: str | None = None  # blob path of the report
    source: str = "check"  # or "outside"
    revision: int = 0
    window_start_utc: datetime | None = None
    window_end_utc: datetime | None = None
    collected: str = ""  # hash of the names and sizes of what was there to be read
    missing_days: tuple[date, ...] = ()
    performance: Performance | None = None

    @property
    def compared(self) -> DayCompared:
        return DayCompared(self.day, self.profile, self.revision)

    @property
    def key(self) -> str:
        return drift_checked_key(self.compared)

    def reason_key(self, kind: ReasonKind) -> str:
        """Names this day's reason of one kind, the same in every revision."""
        return f"{kind}:{DayCompared(self.day, self.profile)}"

    @property
    def words(self) -> str:
        return f"drift check of {self.day.isoformat()}: {self.sentence}"


DriftFact = DriftCheckDue | DriftChecked

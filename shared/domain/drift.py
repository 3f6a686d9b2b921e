"""Facts and effects of drift checks: production data against the champion's training data."""

from datetime import date, datetime, timedelta
from enum import StrEnum

from shared.domain.declared import FactOfModel, OwedEffect
from shared.domain.ids import JobName, digits_of
from shared.domain.retraining import ReasonKind
from shared.domain.value import Value, value


class DriftVerdict(StrEnum):
    """What a drift check found."""

    DRIFT = "drift"
    NO_DRIFT = "no_drift"
    NOT_ENOUGH_DATA = "not_enough_data"


class CheckSource(StrEnum):
    """Who made the comparison: our own check, or another system that sent an event."""

    CHECK = "check"
    OUTSIDE = "outside"


class PerformanceVerdict(StrEnum):
    """The verdict on the champion's predictions once their labels have arrived."""

    WORSE = "worse"
    NOT_WORSE = "not_worse"
    NOT_ENOUGH_LABELS = "not_enough_labels"
    NOT_JUDGED = "not_judged"  # no row id to join by, no margin set, or nothing to compare with


@value
class DriftSignal(Value):
    """One column's leading statistic with its value and its limit (`threshold`)."""

    feature: str
    statistic: float
    threshold: float
    measure: str = ""  # what the statistic is: distance (reference sd), shares, unseen, missing
    role: str = "feature"  # or prediction, label
    since: date | None = None  # first day of an unbroken run above the threshold
    alarm_share: float = 0.0  # part of the whole excess over the thresholds, 0-1


@value
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


@value
class DayCompared(Value):
    """Names one revision of a day's comparison with the profile of one version."""

    day: date
    profile: str
    revision: int = 0

    def __str__(self) -> str:
        """The form used in keys; revision 0 has no suffix."""
        suffix = f":r{self.revision}" if self.revision else ""
        return f"{self.day.isoformat()}:{self.profile}{suffix}"


@value
class DriftCheckDue(FactOfModel):
    """A drift check was requested for a day of production data."""

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
        """The key of the fact that records the check's result."""
        return drift_checked_key(self.compared)

    @property
    def words(self) -> str:
        return f"the drift check of {self.day.isoformat()} is due"


def drift_checked_key(compared: DayCompared) -> str:
    """The key of the fact that records a comparison's result."""
    return f"drift:{compared}"


@value
class DriftChecked(FactOfModel):
    """The result of a comparison; one reported from outside has the same key.

    A later revision of a day includes rows that came late. `reason_key` is the same in every
    revision, so a day counts as a reason to retrain once.
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
    source: CheckSource = CheckSource.CHECK
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
        """The key of this day's reason of one kind, the same in every revision."""
        return f"{kind}:{DayCompared(self.day, self.profile)}"

    @property
    def words(self) -> str:
        return f"drift check of {self.day.isoformat()}: {self.sentence}"


DriftFact = DriftCheckDue | DriftChecked


@value
class CheckDrift(OwedEffect):
    """Compare a window of production data with the champion's reference.

    A window that is too large for a function is compared by a job.
    """

    wire_name = "check_drift"
    longest_wait = None

    day: date
    profile: str
    window_start_utc: datetime
    window_end_utc: datetime
    attempt: int = 1
    revision: int = 0
    job_attempt: int = 1

    @staticmethod
    def asked_by(due: DriftCheckDue) -> "CheckDrift":
        """The effect for a requested drift check."""
        return CheckDrift(
            due.day,
            due.profile,
            due.window_start_utc,
            due.window_end_utc,
            attempt=due.attempt,
            revision=due.revision,
        )

    @property
    def compared(self) -> DayCompared:
        return DayCompared(self.day, self.profile, self.revision)

    @property
    def key(self) -> str:
        again = f":{self.attempt}" if self.attempt > 1 else ""
        job = f":job-{self.job_attempt}" if self.job_attempt > 1 else ""
        return f"check-drift:{self.compared}{again}{job}"

    @property
    def words(self) -> str:
        return f"The drift check of {self.day.isoformat()}"

    def job_name(self, model: str) -> str:
        """The name of this attempt's job, unique to model, day, version and revision."""
        digits = digits_of(model, f"check-drift:{self.compared}:{self.attempt}")
        return str(JobName("drift", digits, self.job_attempt))


@value
class WatchDriftJob(OwedEffect):
    """Poll the job that compares a large window."""

    wire_name = "watch_drift_job"
    longest_wait = timedelta(hours=24)

    job_name: str
    check: CheckDrift
    collected: str = ""

    @property
    def key(self) -> str:
        return f"watch-drift:{self.check.compared}:{self.job_name}"

    @property
    def words(self) -> str:
        return self.check.words


@value
class ReadDriftCheck(OwedEffect):
    """Read the result of the finished drift job."""

    wire_name = "read_drift_check"
    longest_wait = None

    job_name: str
    check: CheckDrift
    collected: str = ""

    @property
    def key(self) -> str:
        return f"read-drift:{self.check.compared}:{self.job_name}"

    @property
    def words(self) -> str:
        return self.check.words


@value
class TagDrift(OwedEffect):
    """Tag the compared version in the registry with the result of the newest check."""

    wire_name = "tag_drift"
    longest_wait = None

    version: str
    day: date
    verdict: DriftVerdict
    report: str
    fact_seq: int

    @property
    def key(self) -> str:
        return f"tag-drift:{self.version}:{self.fact_seq}"

    @property
    def words(self) -> str:
        return f"Noting the drift check at version {self.version}"


@value
class PublishDrift(OwedEffect):
    """Publish the event DriftDetected."""

    wire_name = "publish_drift"
    longest_wait = None

    day: date
    profile: str
    sentence: str
    signals: tuple[DriftSignal, ...]
    report: str | None
    revision: int = 0
    current_rows: int = 0
    reference_rows: int = 0

    @staticmethod
    def of(found: DriftChecked) -> "PublishDrift":
        """The notice of a check that found drift."""
        return PublishDrift(
            found.day,
            found.profile,
            found.sentence,
            found.signals,
            found.report,
            revision=found.revision,
            current_rows=found.current_rows,
            reference_rows=found.reference_rows,
        )

    @property
    def key(self) -> str:
        return f"publish-drift:{DayCompared(self.day, self.profile, self.revision)}"

    @property
    def words(self) -> str:
        return f"Telling others of the drift of {self.day.isoformat()}"


DriftEffect = CheckDrift | WatchDriftJob | ReadDriftCheck | TagDrift | PublishDrift

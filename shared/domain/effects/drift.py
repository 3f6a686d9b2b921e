"""Compare production data with the champion's reference, and tell what was found."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from shared.domain.effects.base import Owed
from shared.domain.facts.drift import (
    DayCompared,
    DriftCheckDue,
    DriftChecked,
    DriftSignal,
    DriftVerdict,
)
from shared.domain.ids import JobName, digits_of


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CheckDrift(Owed):
    """Compare a window of production data with the champion's reference.

    Where the window is too large for a function it comes to a job of its own.
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
        """The effect that a drift check asked for comes to."""
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
        """The job of this attempt: model, day, version and revision have a name of their own."""
        digits = digits_of(model, f"check-drift:{self.compared}:{self.attempt}")
        return str(JobName("drift", digits, self.job_attempt))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class WatchDriftJob(Owed):
    """Look whether the job that compares a large window has ended."""

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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ReadDriftCheck(Owed):
    """Read what the finished job found."""

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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TagDrift(Owed):
    """Say in the registry, at the version compared with, what the newest check found."""

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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PublishDrift(Owed):
    """Tell others that drift was found."""

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

"""What is to be done about a model, as imperatives. Effects follow from the state alone.

An effect's key names it for ever; repeating it is harmless. `not_before_utc` waits for a time.
Keys are made of `[A-Za-z0-9._:-]` as long as versions are.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from shared.domain.facts import DriftSignal, DriftVerdict, Mode, checked_name
from shared.domain.ids import JobName, digits_of
from shared.domain.value import Value


class Role(StrEnum):
    """A version's part, as its tag `role` in the registry says."""

    CANDIDATE = "candidate"
    CHAMPION = "champion"
    RETIRED = "retired"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class _Timed(Value):
    not_before_utc: datetime | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TestData(_Timed):
    """Test the files that arrived in (after_seq, to_seq]."""

    __test__ = False  # it is no pytest class

    cycle_id: str
    after_seq: int
    to_seq: int

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:test"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RegisterData(_Timed):
    """Pin the accepted files, with all before them, as an immutable data version."""

    cycle_id: str
    report: str
    report_sha256: str
    previous_pins: str | None
    previous_pins_sha256: str | None
    fact_seq: int

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:register"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SubmitJob(_Timed):
    """Hand a job to Azure ML."""

    cycle_id: str
    mode: Mode
    attempt: int
    pins: str
    data_version: str
    config_sha256: str
    champion_version: str | None
    challenger_version: str | None  # mode EVALUATE: the version to evaluate
    fact_seq: int

    @property
    def job_name(self) -> str:
        return str(JobName(self.mode, self.cycle_id, self.attempt))

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:submit:{self.job_name}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class WatchJob(_Timed):
    """Look whether the job has ended."""

    cycle_id: str
    job_name: str

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:watch:{self.job_name}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FindChallenger(_Timed):
    """Look into the registry for the version that the finished job registered."""

    cycle_id: str
    job_name: str

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:find:{self.job_name}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Evaluate(_Timed):
    """Read what the job measured; the gate's verdict follows from it."""

    cycle_id: str
    job_name: str
    challenger: str

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:evaluate:{self.job_name}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Deploy(_Timed):
    """Deploy the version with no traffic; create the endpoint where there is none."""

    cycle_id: str
    version: str
    fact_seq: int

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:deploy:{self.version}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class WatchDeployment(_Timed):
    """Look whether the deployment is up, then send it a smoke test."""

    cycle_id: str
    version: str
    job_name: str  # whose evidence holds the sample request

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:smoke:{self.version}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ShiftTraffic(_Timed):
    """Move all traffic to the version, and watch until it has moved."""

    cycle_id: str
    version: str
    over: str | None
    fact_seq: int

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:shift:{self.version}:{self.over or '-'}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RestoreTraffic(_Timed):
    """An older write of ours won: give the champion its traffic back."""

    version: str
    cycle_id: str
    fact_seq: int  # the champion's, as it should stand on the endpoint
    seen_seq: int  # of the fact that asks for this

    @property
    def key(self) -> str:
        return f"restore:{self.version}:{self.seen_seq}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TagModel(_Timed):
    """Say in the registry what part a version plays."""

    version: str
    role: Role
    cycle_id: str
    fact_seq: int

    @property
    def key(self) -> str:
        return f"tag:{self.version}:{self.role}:{self.fact_seq}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RetireDeployment(_Timed):
    """Delete a deployment that serves nothing."""

    version: str
    fact_seq: int

    @property
    def key(self) -> str:
        return f"retire:{self.version}:{self.fact_seq}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CheckDrift(_Timed):
    """Compare a window of production data with the champion's reference.

    Where the window is too large for a function it comes to a job of its own.
    """

    day: date
    profile: str
    window_start_utc: datetime
    window_end_utc: datetime
    attempt: int = 1
    revision: int = 0
    job_attempt: int = 1

    @property
    def key(self) -> str:
        again = f":{self.attempt}" if self.attempt > 1 else ""
        job = f":job-{self.job_attempt}" if self.job_attempt > 1 else ""
        return f"check-drift:{self.checked}{again}{job}"

    @property
    def checked(self) -> str:
        """Day, profile and revision, as they stand in keys."""
        return checked_name(self.day, self.profile, self.revision)

    def job_name(self, model: str) -> str:
        """The job of this attempt: model, day, version and revision have a name of their own."""
        digits = digits_of(model, f"check-drift:{self.checked}:{self.attempt}")
        return str(JobName("drift", digits, self.job_attempt))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class WatchDriftJob(_Timed):
    """Look whether the job that compares a large window has ended."""

    job_name: str
    check: CheckDrift
    collected: str = ""

    @property
    def key(self) -> str:
        return f"watch-drift:{self.check.checked}:{self.job_name}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ReadDriftCheck(_Timed):
    """Read what the finished job found."""

    job_name: str
    check: CheckDrift
    collected: str = ""

    @property
    def key(self) -> str:
        return f"read-drift:{self.check.checked}:{self.job_name}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TagDrift(_Timed):
    """Say in the registry, at the version compared with, what the newest check found."""

    version: str
    day: date
    verdict: DriftVerdict
    report: str
    fact_seq: int

    @property
    def key(self) -> str:
        return f"tag-drift:{self.version}:{self.fact_seq}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PublishDrift(_Timed):
    """Tell others that drift was found."""

    day: date
    profile: str
    sentence: str
    signals: tuple[DriftSignal, ...]
    report: str | None
    revision: int = 0
    current_rows: int = 0
    reference_rows: int = 0

    @property
    def key(self) -> str:
        return f"publish-drift:{checked_name(self.day, self.profile, self.revision)}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RaiseAlert(_Timed):
    """Tell a person, in a sentence."""

    fact_seq: int
    sentence: str

    @property
    def key(self) -> str:
        return f"alert:{self.fact_seq}"


Effect = (
    TestData
    | RegisterData
    | SubmitJob
    | WatchJob
    | FindChallenger
    | Evaluate
    | Deploy
    | WatchDeployment
    | ShiftTraffic
    | RestoreTraffic
    | TagModel
    | RetireDeployment
    | CheckDrift
    | WatchDriftJob
    | ReadDriftCheck
    | TagDrift
    | PublishDrift
    | RaiseAlert
)

"""Submit jobs, watch them, and read what comes out."""

from dataclasses import dataclass
from datetime import timedelta

from shared.domain.effects.base import OfCycle
from shared.domain.facts.cycles import Mode
from shared.domain.ids import JobName


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SubmitJob(OfCycle):
    """Hand a job to Azure ML."""

    wire_name = "submit_job"
    longest_wait = None

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
        """Names the job, so that a repetition finds the one of the first time."""
        return str(JobName(self.mode, self.cycle_id, self.attempt))

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:submit:{self.job_name}"

    @property
    def words(self) -> str:
        return f"Submitting job {self.job_name}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class WatchJob(OfCycle):
    """Look whether the job has ended."""

    wire_name = "watch_job"
    longest_wait = timedelta(hours=24)  # its four steps have two hours each, and it may queue

    job_name: str

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:watch:{self.job_name}"

    @property
    def words(self) -> str:
        return f"Watching job {self.job_name}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FindChallenger(OfCycle):
    """Look into the registry for the version that the finished job registered."""

    wire_name = "find_challenger"
    longest_wait = None

    job_name: str

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:find:{self.job_name}"

    @property
    def words(self) -> str:
        return f"Looking for the version that job {self.job_name} registered"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Evaluate(OfCycle):
    """Read what the job measured; the gate's verdict follows from it."""

    wire_name = "evaluate"
    longest_wait = None

    job_name: str
    challenger: str

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:evaluate:{self.job_name}"

    @property
    def words(self) -> str:
        return f"Reading the evidence of job {self.job_name}"


JobsEffect = SubmitJob | WatchJob | FindChallenger | Evaluate

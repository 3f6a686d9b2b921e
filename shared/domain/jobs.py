"""Facts and effects of training and evaluation jobs, their models and their evidence."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from shared.domain.declared import (
    EffectOfCycle,
    FactBase,
    FactOfCycle,
    Sign,
    Step,
    Telling,
    Verdict,
)
from shared.domain.ids import JobName, registering_job
from shared.domain.retraining import Mode
from shared.domain.value import Value, value
from shared.domain.wording import plural


class JobStatus(StrEnum):
    """How a job ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def words(self) -> str:
        """The status as a phrase."""
        return "was cancelled" if self is JobStatus.CANCELED else self.value


@value
class Baseline(Value):
    """A metric of a constant answer on the frozen rows: what a model without features reaches."""

    value: float
    answer: str  # a phrase: "'no'", "the mean 152"
    decides: bool  # whether a challenger must be strictly better


@value
class MetricPair(Value):
    """One metric of challenger and champion on the same frozen rows."""

    name: str
    goal: str  # "max" or "min"
    challenger: float
    champion: float | None = None
    floor: float | None = None
    about: str = ""  # the class of a metric of one class, as a phrase: "of fraud"
    baseline: Baseline | None = None  # older evidence has none

    def beats(self, other: float) -> bool:
        """Whether the challenger is strictly better than another value of the metric."""
        return self.challenger < other if self.goal == "min" else self.challenger > other


def _tells(job: JobName | None, sign: Sign, words: str) -> tuple[Telling, ...]:
    """What a job's fact says about its step; nothing if the job belongs to no cycle."""
    if job is None or job.kind not in set(Mode):
        return ()
    return (Telling(Mode(job.kind).step, sign, words),)


@value
class JobSubmitted(FactOfCycle):
    """A job was handed to Azure ML.

    A drift job belongs to no cycle: its `cycle_id` are the digits in its name.
    """

    wire_name = "job_submitted"

    job_name: str
    champion_version: str | None  # compared with
    url: str | None = None
    collected: str = ""  # drift job: see DriftChecked.collected, as it was when it was submitted

    @property
    def job(self) -> JobName | None:
        return JobName.parse(self.job_name)

    @property
    def key(self) -> str:
        return f"job:{self.job_name}:submitted"

    @property
    def words(self) -> str:
        return f"job {self.job_name} runs"

    @property
    def tells(self) -> tuple[Telling, ...]:
        return _tells(self.job, Sign.RUNNING, self.words)


@value
class JobFinished(FactBase):
    """A job of ours ended; its name holds cycle and attempt."""

    wire_name = "job_finished"

    job_name: str
    status: JobStatus
    message: str = ""
    final: bool = False  # failed in a way that another attempt cannot end otherwise

    @property
    def job(self) -> JobName | None:
        return JobName.parse(self.job_name)

    @property
    def key(self) -> str:
        return f"job:{self.job_name}:{self.status}"

    @property
    def cycle(self) -> str | None:
        job = self.job
        return job.cycle_id if job else None

    @property
    def words(self) -> str:
        message = f": {self.message}" if self.message else ""
        return f"job {self.job_name} {self.status.words}{message}"

    @property
    def tells(self) -> tuple[Telling, ...]:
        # What a completed job brings is told by the version, or by the verdict.
        return () if self.status is JobStatus.COMPLETED else _tells(self.job, Sign.NO, self.words)


@value
class ChallengerRegistered(FactBase):
    """A version was registered; without cycle_id a person did it."""

    wire_name = "challenger_registered"

    version: str
    cycle_id: str | None = None
    job_name: str | None = None

    @staticmethod
    def tagged(version: str, tags: Mapping[str, str]) -> "ChallengerRegistered":
        """The fact for a version with these tags, whether read from an event or the registry."""
        return ChallengerRegistered(version, tags.get("cycle_id") or None, registering_job(tags))

    @property
    def key(self) -> str:
        return f"model:{self.version}"

    @property
    def cycle(self) -> str | None:
        return self.cycle_id

    @property
    def words(self) -> str:
        return (
            f"job {self.job_name} -> version {self.version}"
            if self.job_name
            else (f"version {self.version}")
        )

    @property
    def tells(self) -> tuple[Telling, ...]:
        return (Telling(Step.TRAINED, Sign.DONE, self.words),)


@value
class EvidenceRead(FactOfCycle):
    """What a job measured on the frozen rows; enough to replay the gate's verdict."""

    wire_name = "evidence_read"

    job_name: str
    champion_version: str | None  # compared with; None: no champion
    metrics: tuple[MetricPair, ...]
    train_rows: int
    test_rows: int
    data_version: str
    data_sha256: str
    test_rows_sha256: str
    config_sha256: str
    location: str  # folder of the evidence in the workspace's storage
    sha256: str  # of evidence.json
    reference: str | None = None  # training snapshot, relative to `location`
    warnings: tuple[str, ...] = ()  # what a person should know before trusting the metrics
    obstacle: str = ""  # why the champion was not scored: "it needs column x, which …"

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:evidence:{self.job_name}"

    @property
    def words(self) -> str:
        measured = plural(len(self.metrics), "metric")
        return f"job {self.job_name} measured {measured} on {plural(self.test_rows, 'row')}"

    @property
    def tells(self) -> tuple[Telling, ...]:
        return ()  # the verdict follows in the same transaction, with the numbers


@value
class ChallengerEvaluated(FactOfCycle):
    """The gate's verdict on a challenger and the champion it was compared with."""

    wire_name = "challenger_evaluated"

    challenger: str
    champion: str | None
    verdict: Verdict
    sentence: str
    job_name: str  # whose evidence it was
    config_sha256: str = ""

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:evaluated:{self.challenger}:{self.champion or '-'}"

    @property
    def words(self) -> str:
        return self.sentence

    @property
    def tells(self) -> tuple[Telling, ...]:
        sign = Sign.DONE if self.verdict is Verdict.PASSED else Sign.NO
        return (Telling(Step.COMPARED, sign, self.words),)


JobsFact = JobSubmitted | JobFinished | ChallengerRegistered | EvidenceRead | ChallengerEvaluated


@value
class SubmitJob(EffectOfCycle):
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
        """The job's name, which is its idempotency key: a repetition finds the first job."""
        return str(JobName(self.mode, self.cycle_id, self.attempt))

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:submit:{self.job_name}"

    @property
    def words(self) -> str:
        return f"Submitting job {self.job_name}"


@value
class WatchJob(EffectOfCycle):
    """Poll the job."""

    wire_name = "watch_job"
    longest_wait = timedelta(hours=24)  # its four steps have two hours each, and it may queue

    job_name: str

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:watch:{self.job_name}"

    @property
    def words(self) -> str:
        return f"Watching job {self.job_name}"


@value
class FindChallenger(EffectOfCycle):
    """Look up the version that the finished job registered."""

    wire_name = "find_challenger"
    longest_wait = None

    job_name: str

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:find:{self.job_name}"

    @property
    def words(self) -> str:
        return f"Looking for the version that job {self.job_name} registered"


@value
class Evaluate(EffectOfCycle):
    """Read the job's evidence; the gate's verdict follows from it."""

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

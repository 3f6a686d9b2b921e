"""What can happen to a model, in the past tense. A fact is keyed by its business, not its event.

Facts are recorded for ever: fields are added (with a default), never renamed or reused. A stream
belongs to one model, so keys need not name it. Times inside a fact are those of the thing itself;
when it was recorded stands in its `Entry`.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from shared.domain.value import Value


class ReasonKind(StrEnum):
    """Why a cycle opens."""

    DATA = "data"
    DRIFT = "drift"
    PERFORMANCE = "performance"  # labels came, and the champion's predictions are worse than it was
    MANUAL = "manual"
    MODEL = "model"  # a person registered a version: it is evaluated, not retrained


class Verdict(StrEnum):
    """An expected result: a value, never an exception."""

    PASSED = "passed"
    FAILED = "failed"


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


class JobStatus(StrEnum):
    """How a job ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"


class Outcome(StrEnum):
    """How a cycle ended."""

    PROMOTED = "promoted"
    REJECTED = "rejected"
    QUARANTINED = "quarantined"
    SUPERSEDED = "superseded"
    NOT_RETRAINED = "not_retrained"
    FAILED = "failed"


class Mode(StrEnum):
    """What a cycle's job does: both kinds name their jobs after it."""

    RETRAIN = "retrain"
    EVALUATE = "evaluate"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BlobRef(Value):
    """One content of one blob. `path` is decoded, inside its container; `etag` bare, no quotes."""

    container: str
    path: str
    etag: str

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def place(self) -> str:
        """`container/path`, whatever the content."""
        return f"{self.container}/{self.path}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Reason(Value):
    """One reason to open a cycle; `key` is the key of the fact that gave it, `seq` its place."""

    kind: ReasonKind
    key: str
    seq: int
    text: str = ""
    version: str | None = None  # kind MODEL: the version a person registered
    report: str | None = None  # kinds DRIFT and PERFORMANCE: where to read more


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MetricPair(Value):
    """One metric of challenger and champion on the same frozen rows."""

    name: str
    goal: str  # "max" or "min"
    challenger: float
    champion: float | None = None
    floor: float | None = None


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
class DataArrived(Value):
    """A blob landed. `stale`: a newer content of that blob was known already (set on recording).

    `listed`: it is what lies there, though its event seemed older than another's.
    """

    blob: BlobRef
    size_bytes: int
    sequencer: str | None = None  # orders the events of one blob name
    source: str = "event"  # or "reconcile": its event never came
    stale: bool = False
    listed: bool = False

    @property
    def key(self) -> str:
        return f"blob:{self.blob.place}@{self.blob.etag}{'!listed' if self.listed else ''}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RetrainRequested(Value):
    """A person asked; `request` is their idempotency key."""

    request: str
    text: str
    by: str = ""

    @property
    def key(self) -> str:
        return f"manual:{self.request}"


def checked_name(day: date, profile: str, revision: int) -> str:
    """A day's comparison with one version's reference, in keys; revision 0 has no suffix."""
    suffix = f":r{revision}" if revision else ""
    return f"{day.isoformat()}:{profile}{suffix}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DriftCheckDue(Value):
    """A day of production data is to be compared with the champion's reference."""

    day: date
    profile: str  # the champion version whose reference is meant
    window_start_utc: datetime
    window_end_utc: datetime
    attempt: int = 1  # another one where the check was given up
    revision: int = 0  # of that day: rows came late, or too few had come

    @property
    def key(self) -> str:
        again = f":{self.attempt}" if self.attempt > 1 else ""
        return f"drift-due:{checked_name(self.day, self.profile, self.revision)}{again}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DriftChecked(Value):
    """The comparison's result; one that comes from outside enters by the same key.

    A later revision of a day looks at the rows that came meanwhile. What a day gives as a reason
    is named by `reason_key`, whichever revision found it: it is a reason once.
    """

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
    def key(self) -> str:
        return f"drift:{checked_name(self.day, self.profile, self.revision)}"

    def reason_key(self, kind: ReasonKind) -> str:
        """Names this day's reason of one kind, the same in every revision."""
        return f"{kind}:{checked_name(self.day, self.profile, 0)}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CycleOpened(Value):
    """A cycle began, for these reasons, with the arrivals in (after_seq, to_seq]."""

    cycle_id: str
    reasons: tuple[Reason, ...]
    after_seq: int
    to_seq: int
    arrivals: int

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:opened"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DataTested(Value):
    """The cycle's files were tested; which one went where stands in the report blob."""

    cycle_id: str
    accepted: int
    quarantined: int
    superseded: int
    rows: int  # of the accepted files
    report: str  # path in the data container
    report_sha256: str
    findings: tuple[str, ...] = ()  # a sentence for each of the first quarantined files

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:tested"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DataRegistered(Value):
    """An immutable data version: all accepted files so far, pinned by hash."""

    cycle_id: str
    data_version: str
    pins: str  # path in the data container
    pins_sha256: str
    data_sha256: str  # of the files' hashes in order, so the same data has the same hash
    rows: int
    files: int

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:data"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RetrainDecided(Value):
    """The retrain policy's answer, and what later steps of this cycle need of the config."""

    cycle_id: str
    verdict: Verdict
    mode: Mode
    sentence: str
    config_sha256: str
    max_attempts: int = 2
    soak: timedelta = timedelta(0)
    possible_from_utc: datetime | None = None  # when a declined retraining becomes possible
    alert: bool = False  # declined, and a person has to do something about it

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:decided"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class JobSubmitted(Value):
    """A job was handed to Azure ML.

    A drift job belongs to no cycle: its `cycle_id` are the digits in its name.
    """

    cycle_id: str
    job_name: str
    champion_version: str | None  # compared with
    url: str | None = None
    collected: str = ""  # drift job: see DriftChecked.collected, as it was when it was submitted

    @property
    def key(self) -> str:
        return f"job:{self.job_name}:submitted"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class JobFinished(Value):
    """A job of ours ended; its name holds cycle and attempt."""

    job_name: str
    status: JobStatus
    message: str = ""

    @property
    def key(self) -> str:
        return f"job:{self.job_name}:{self.status}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ChallengerRegistered(Value):
    """A version entered the registry; without cycle_id a person registered it."""

    version: str
    cycle_id: str | None = None
    job_name: str | None = None

    @property
    def key(self) -> str:
        return f"model:{self.version}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EvidenceRead(Value):
    """What a job measured on the frozen rows; small enough to replay the gate from it."""

    cycle_id: str
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

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:evidence:{self.job_name}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ChallengerEvaluated(Value):
    """The gate's verdict on one pair."""

    cycle_id: str
    challenger: str
    champion: str | None
    verdict: Verdict
    sentence: str
    job_name: str  # whose evidence it was
    config_sha256: str = ""

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:evaluated:{self.challenger}:{self.champion or '-'}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DeploymentStarted(Value):
    """A deployment with no traffic was asked for."""

    cycle_id: str
    version: str

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:deploying:{self.version}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DeploymentReady(Value):
    """The deployment answered its smoke test."""

    cycle_id: str
    version: str
    sentence: str = ""

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:deployed:{self.version}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DeploymentFailed(Value):
    """The deployment did not come up, or failed its smoke test."""

    cycle_id: str
    version: str
    sentence: str

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:deployed:{self.version}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PromotionStarted(Value):
    """The fence: this version may take the traffic, as `over` still reigned when it was said."""

    cycle_id: str
    version: str
    over: str | None

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:promoting:{self.version}:{self.over or '-'}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ChampionPromoted(Value):
    """Observed traffic agrees: the version serves production."""

    cycle_id: str
    version: str
    over: str | None
    fact_seq: int  # of the PromotionStarted it fulfils, as tagged on the endpoint
    soak: timedelta = timedelta(0)

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:promoted"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TrafficChangedOutside(Value):
    """A person moved the traffic; that is respected and recorded.

    `version` is what serves now, or None when it is nothing of ours or several.
    """

    version: str | None
    observed: str  # e.g. "version-7 100 %"
    after_seq: int  # fact count when it was seen: a second such change is another fact

    @property
    def key(self) -> str:
        return f"traffic-outside:{self.after_seq}:{self.observed}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TrafficFoundStale(Value):
    """An older write of ours won over a newer one (a paused host): it is to be repaired."""

    observed: str
    found_seq: int  # fact_seq tag on the endpoint
    fact_seq: int  # the one that should be there
    after_seq: int  # fact count when it was seen

    @property
    def key(self) -> str:
        return f"traffic-stale:{self.after_seq}:{self.found_seq}:{self.fact_seq}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CycleEnded(Value):
    """A cycle is over, and why, in a sentence."""

    cycle_id: str
    outcome: Outcome
    sentence: str

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:ended"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EffectDone(Value):
    """An effect without a business result (alert, tag, retire, publish) was performed."""

    effect: str  # its key

    @property
    def key(self) -> str:
        return f"done:{self.effect}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EffectFailed(Value):
    """An effect was given up."""

    effect: str  # its key
    sentence: str

    @property
    def key(self) -> str:
        return f"failed:{self.effect}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AlertRaised(Value):
    """Something outside a cycle needs a person's eye."""

    alert: str  # a key: raised once
    sentence: str

    @property
    def key(self) -> str:
        return f"alert:{self.alert}"


Fact = (
    DataArrived
    | RetrainRequested
    | DriftCheckDue
    | DriftChecked
    | CycleOpened
    | DataTested
    | DataRegistered
    | RetrainDecided
    | JobSubmitted
    | JobFinished
    | ChallengerRegistered
    | EvidenceRead
    | ChallengerEvaluated
    | DeploymentStarted
    | DeploymentReady
    | DeploymentFailed
    | PromotionStarted
    | ChampionPromoted
    | TrafficChangedOutside
    | TrafficFoundStale
    | CycleEnded
    | EffectDone
    | EffectFailed
    | AlertRaised
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Entry(Value):
    """A recorded fact: its place in the stream (from 1) and when it was recorded."""

    seq: int
    at_utc: datetime
    fact: Fact

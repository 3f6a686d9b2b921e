"""What the use cases need from outside, as protocols.

Each port has a double in `shared/adapters/in_memory.py` that passes the same contract suite as the
real adapter. No SDK error crosses a port: adapters translate at their border (`shared/errors.py`).
Every port's methods may raise `ServiceBusyError` or `TimedOutError`; that is not repeated below.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from shared.domain.effects import CheckDrift, PublishDrift, Role
    from shared.domain.facts import (
        BlobRef,
        DriftChecked,
        Entry,
        JobStatus,
        Mode,
    )
    from shared.domain.policy import Policy
    from shared.domain.state import Champion, State


class Clock(Protocol):
    """Time comes from outside."""

    def now_utc(self) -> datetime:
        """UTC-aware."""

    def sleep(self, duration: timedelta) -> None:
        """Only for the jitter between two tries of a transaction: milliseconds."""


# --- ledger ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Head:
    """The state of one model as it was read, to decide on and to commit after."""

    state: State
    etag: str | None = None  # None: the model has no stream yet


@dataclass(frozen=True, slots=True)
class ArrivalMark:
    """What is known of one landed blob's newest content."""

    etag: str
    sequencer: str | None


@dataclass(frozen=True, slots=True)
class DueEffect:
    """One row of the outbox. `turn` counts its messages: only the newest may pass the effect on."""

    effect: str  # its key
    due_utc: datetime
    turn: int = 0
    failures: int = 0
    requeued: int = 0  # by reconcile: its message was lost, or its worker crashed
    begun_utc: datetime | None = None  # when it was first due; None until it had to wait


class Ledger(Protocol):
    """Append-only facts, one stream per model; the only mutable state of the system."""

    def head(self, model: str) -> Head:
        """The folded state; an empty one for a model without facts."""

    def commit(
        self,
        head: Head,
        entries: Sequence[Entry],
        *,
        state: State,
        due: Sequence[DueEffect],
        undue: Sequence[str],
    ) -> Head:
        """Append in one transaction, with the due effects that begin and end by it.

        Args:
            head: what was decided on; the commit holds only while nothing came after it.
            entries: at least one; numbers follow `head.state.count` without a gap.
            state: the state after them.
            due: effects that `plan` asks for now and did not before.
            undue: keys of effects that it no longer asks for.

        Raises:
            LedgerConflictError: the stream has grown since, or a fact's key is known already;
                nothing was written.
        """

    def knows(self, model: str, fact_key: str) -> bool:
        """Whether a fact of that key is recorded."""

    def arrival(self, model: str, place: str) -> ArrivalMark | None:
        """Newest known content of a landed blob (`container/path`)."""

    def arrivals(self, model: str) -> Mapping[str, ArrivalMark]:
        """All of them, by `container/path`."""

    def entries(self, model: str, *, after: int = 0, to: int | None = None) -> Iterable[Entry]:
        """Facts in (after, to], oldest first."""

    def due(self, model: str) -> Sequence[DueEffect]:
        """All due effects of a model."""

    def due_effect(self, model: str, effect: str) -> DueEffect | None:
        """One of them; None when it is not due (any more)."""

    def update_due(self, model: str, old: DueEffect, new: DueEffect) -> bool:
        """Replace one row where it still is `old`; False when it changed or is gone."""


# --- queues ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WorkMessage:
    """`turn` is called `tries` on the wire, where `dequeueCount` and `id` mean something else."""

    model: str
    effect: str
    turn: int = 0


class WorkQueue(Protocol):
    """Messages about due effects. Losing one costs minutes: reconcile sends it again."""

    def send(self, message: WorkMessage, *, delay: timedelta = timedelta(0)) -> None:
        """At least once, visible after the delay (at most six days; longer is shortened)."""


class EventQueue(Protocol):
    """The queue events come in by, to send one to ourselves again."""

    def send_again(self, body: str, *, delay: timedelta) -> None:
        """`body` is the message's text as it was received, decoded."""


class PoisonQueues(Protocol):
    """Messages that failed too often."""

    def waiting(self) -> Mapping[str, int]:
        """Approximate number of messages by queue; only queues that hold any."""


# --- data --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LandedBlob:
    """A blob as a listing of the landing container shows it."""

    blob: BlobRef
    size_bytes: int
    modified_utc: datetime


@dataclass(frozen=True, slots=True)
class LocalCopy:
    """One content of a blob on the local disk."""

    path: Path
    sha256: str
    size_bytes: int


class DataStore(Protocol):
    """Landing zone and data container of the storage account. Bodies are streamed."""

    def landed(self, model: str) -> Iterable[LandedBlob]:
        """What lies under `landing/<model>/` now."""

    def unclaimed(self, models: Sequence[str]) -> Iterable[LandedBlob]:
        """What lies in the landing container outside the folders of these models."""

    def fetch(self, blob: BlobRef) -> AbstractContextManager[LocalCopy]:
        """A local copy of exactly that content, deleted on leaving.

        Raises:
            BlobChangedError: the blob is gone or holds something else.
            BlobTooLargeError: it is larger than the adapter's limit; nothing was read.
        """

    def accept(self, blob: BlobRef, path: str) -> None:
        """Server-side copy of that content to `path` in the data container; repeatable.

        Raises:
            BlobChangedError: the blob is gone or holds something else.
        """

    def put_json(self, path: str, text: str) -> None:
        """Create `path` in the data container; the same text again is fine.

        Raises:
            DataMismatchError: it exists with another text.
        """

    def find_json(self, path: str) -> str | None:
        """What lies there; None: nothing."""

    def get_json(self, path: str, *, sha256: str) -> str:
        """Read it back.

        Raises:
            DataMismatchError: it is gone or its hash differs.
        """


class Quarantine(Protocol):
    """Where files go that may not be used, each with its report. The original stays."""

    def put(self, blob: BlobRef, path: str, *, report: str) -> bool:
        """Copy that content to `path`, with `path + ".report.json"`; repeatable.

        Returns:
            False when it lay there already.

        Raises:
            BlobChangedError: the blob is gone or holds something else.
        """

    def put_text(self, path: str, text: str) -> bool:
        """Keep something that is no blob, for example an event that could not be read."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a file may not be used."""

    test: str
    column: str | None
    sentence: str  # column, value, limit, remedy; never a row of data


@dataclass(frozen=True, slots=True)
class TestedFile:
    """What the data tests say about one file."""

    __test__ = False  # it is no pytest class

    rows: int
    findings: tuple[Finding, ...] = ()
    report: Mapping[str, Any] = field(default_factory=dict)  # JSON document

    @property
    def passed(self) -> bool:
        """No finding."""
        return not self.findings


class DataTests(Protocol):
    """The model's data contract, applied to one file."""

    def test(self, model: str, file: LocalCopy, name: str) -> TestedFile:
        """Never raises for what the file holds: that is a finding."""


class DriftChecks(Protocol):
    """The comparison of production data with a champion's reference."""

    def check(self, model: str, champion: Champion, effect: CheckDrift) -> DriftChecked:
        """The fact to record, report written."""


class ModelCatalog(Protocol):
    """The models there are: folders under ml/models."""

    def names(self) -> Sequence[str]:
        """Cheap: no file is parsed."""

    def policy(self, model: str) -> Policy:
        """Parsed model.yml.

        Raises:
            UnknownModelError: there is no such folder.
            ModelConfigError: it has mistakes.
        """


# --- Azure ML ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class JobRequest:
    """A pipeline job; `name` is its idempotency key. All but champion_version identify it."""

    name: str
    model: str
    cycle_id: str
    mode: Mode
    pins: str  # path in the data container
    data_version: str
    config_sha256: str
    champion_version: str | None
    challenger_version: str | None  # mode EVALUATE only
    fact_seq: int


@dataclass(frozen=True, slots=True)
class SubmittedJob:
    """What runs under that name: `champion_version` is what it really compares with."""

    champion_version: str | None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class JobReport:
    """How a job stands; `status` is None while it has not ended."""

    status: JobStatus | None
    message: str = ""


class Jobs(Protocol):
    """Pipeline jobs in the workspace."""

    def submit(self, job: JobRequest) -> SubmittedJob:
        """Start it, or find that it was started already (names are unique for ever).

        Raises:
            JobMismatchError: that name belongs to another job.
            RequestRefusedError: Azure ML refused it.
        """

    def report(self, name: str) -> JobReport | None:
        """None: there is no such job."""

    def cancel(self, name: str) -> None:
        """Ask it to stop; harmless when it has ended."""


class Evidence(Protocol):
    """What jobs wrote into the workspace's storage: `evidence/<model>/<job name>/…`."""

    def location(self, model: str, job_name: str) -> str:
        """Folder of a job's evidence."""

    def read(self, location: str) -> str:
        """Text of evidence.json.

        Raises:
            NotThereYetError: it is not there.
        """

    def sample_request(self, location: str) -> bytes | None:
        """Body of a scoring request with a few rows (sample_request.json), for the smoke test."""


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A version in the registry; `version` is an opaque string."""

    version: str
    tags: Mapping[str, str]


class Registry(Protocol):
    """Model versions and data versions of the workspace."""

    def of_cycle(self, model: str, cycle_id: str) -> Sequence[ModelVersion]:
        """Versions whose tag `cycle_id` is that one, in order of registration."""

    def version(self, model: str, version: str) -> ModelVersion | None:
        """One version."""

    def tag(self, model: str, version: str, *, role: Role, cycle_id: str, fact_seq: int) -> None:
        """Set tags `role`, `role_cycle_id`, `fact_seq`; other tags stay.

        A version that is gone is no error. A higher `fact_seq` found there wins: nothing is set.
        """

    def register_data(
        self, model: str, version: str, *, pins: str, data_sha256: str, fact_seq: int
    ) -> None:
        """Register the data asset `<model>` version; the same again is fine.

        Raises:
            DataMismatchError: that version exists with other pins.
        """


class Provisioning(StrEnum):
    """How far an endpoint or deployment is."""

    WORKING = "working"  # creating, updating, deleting
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class EndpointReport:
    """A model's endpoint as observed."""

    state: Provisioning
    traffic: Mapping[str, int]  # deployment name -> percent, zero entries left out
    fact_seq: int | None = None  # its tag; None: no tag of ours
    message: str = ""
    url: str | None = None  # scoring address


@dataclass(frozen=True, slots=True)
class DeploymentReport:
    """A deployment as observed."""

    state: Provisioning
    message: str = ""


@dataclass(frozen=True, slots=True)
class SmokeTest:
    """Answer to one scoring request."""

    passed: bool
    sentence: str


class Endpoints(Protocol):
    """One online endpoint a model, one deployment a version. Nothing here waits: observe."""

    def endpoint(self, model: str) -> EndpointReport | None:
        """None: it does not exist."""

    def create_endpoint(self, model: str, *, cycle_id: str, fact_seq: int) -> None:
        """Start creating it; harmless when it exists."""

    def deployment(self, model: str, name: str) -> DeploymentReport | None:
        """None: it does not exist."""

    def deployments(self, model: str) -> Sequence[str]:
        """Names of what exists; empty without an endpoint."""

    def create_deployment(
        self, model: str, name: str, *, version: str, cycle_id: str, fact_seq: int
    ) -> None:
        """Start creating it with no traffic; harmless when it exists.

        Raises:
            RequestRefusedError: for example quota.
        """

    def smoke_test(self, model: str, name: str, body: bytes | None) -> SmokeTest:
        """Send one scoring request to that deployment alone; without a body, its health."""

    def set_traffic(
        self, model: str, traffic: Mapping[str, int], *, cycle_id: str, fact_seq: int
    ) -> None:
        """Start one full update of traffic and tags together."""

    def delete_deployment(self, model: str, name: str) -> None:
        """Start deleting it; harmless when it is gone.

        Raises:
            RequestRefusedError: it still has traffic.
        """


# --- telling others ------------------------------------------------------------------------------


class EventPublisher(Protocol):
    """Our own events, for others."""

    def drift_detected(self, model: str, drift: PublishDrift) -> None:
        """At least once."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something a person should see; `key` is the same when it is sent twice."""

    model: str
    key: str
    sentence: str


class Alerts(Protocol):
    """Where people look."""

    def send(self, alert: Alert) -> None:
        """At least once."""

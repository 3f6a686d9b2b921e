"""Jobs in Azure ML, and the evidence they write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shared.domain.jobs import JobStatus
    from shared.domain.retraining import Mode
    from shared.ports.drift import Comparison


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
class DriftJobRequest:
    """The comparison of a large window; `name` is its idempotency key.

    Check and reference profile identify it. Past results and labels are given as folders: what is
    in them when the job starts counts, not what was in them when it was asked for.
    """

    name: str
    comparison: Comparison

    @property
    def model(self) -> str:
        """Whose rows are compared."""
        return self.comparison.model


@dataclass(frozen=True, slots=True)
class DataTestRequest:
    """The test of one file; `name` is its idempotency key.

    `path` lies in the data container and is made of `[a-z0-9/-]`: it comes to stand in a command.
    """

    name: str
    model: str
    path: str


@dataclass(frozen=True, slots=True)
class SubmittedJob:
    """The job of that name; `champion_version` is the version it compares with."""

    champion_version: str | None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class JobReport:
    """State of a job; `status` is None while it has not ended.

    Of a failed job `message` is what Azure ML says, `failed_steps` where it says nothing.
    """

    status: JobStatus | None
    message: str = ""
    failed_steps: tuple[str, ...] = ()


class Jobs(Protocol):
    """Pipeline jobs in the workspace."""

    def submit(self, job: JobRequest) -> SubmittedJob:
        """Start it, or find that it was started already (names are unique for ever).

        Raises:
            JobMismatchError: that name belongs to another job.
            RequestRefusedError: Azure ML refused it.
        """

    def submit_drift(self, job: DriftJobRequest) -> SubmittedJob:
        """Start the comparison of a large window, or find that it was started already.

        Raises:
            JobMismatchError: that name belongs to another job.
            RequestRefusedError: Azure ML refused it.
        """

    def submit_data_test(self, job: DataTestRequest) -> SubmittedJob:
        """Start the test of a large file, or find that it was started already.

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

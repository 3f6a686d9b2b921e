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

    Check and reference profile identify it. Past results and labels are given as folders, which the
    job reads as they are when it starts.
    """

    name: str
    comparison: Comparison

    @property
    def model(self) -> str:
        """The model whose rows are compared."""
        return self.comparison.model


@dataclass(frozen=True, slots=True)
class DataTestRequest:
    """The test of one file; `name` is its idempotency key.

    Both go into a command line.

    Args:
        path: in the data container; matches `[a-z0-9/-]+`.
        partition: `shared.domain.landing.partition_folder` of where the file landed.
    """

    name: str
    model: str
    path: str
    partition: str = ""


@dataclass(frozen=True, slots=True)
class SubmittedJob:
    """A job that exists; `champion_version` is the version it compares with."""

    champion_version: str | None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class JobReport:
    """State of a job; `status` is None until it has ended.

    For a failed job, `message` is Azure ML's error; if it is empty, `failed_steps` says more.
    `final` says that the same job would fail again.
    """

    status: JobStatus | None
    message: str = ""
    failed_steps: tuple[str, ...] = ()
    final: bool = False


class Jobs(Protocol):
    """Pipeline jobs in the workspace."""

    def submit(self, job: JobRequest) -> SubmittedJob:
        """Submit a job, or return the existing one of that name (names are unique for ever).

        Raises:
            JobMismatchError: that name belongs to another job.
            RequestRefusedError: Azure ML refused it.
        """

    def submit_drift(self, job: DriftJobRequest) -> SubmittedJob:
        """Submit the comparison of a large window, or return the existing job of that name.

        Raises:
            JobMismatchError: that name belongs to another job.
            RequestRefusedError: Azure ML refused it.
        """

    def submit_data_test(self, job: DataTestRequest) -> SubmittedJob:
        """Submit the test of a large file, or return the existing job of that name.

        Raises:
            JobMismatchError: that name belongs to another job.
            RequestRefusedError: Azure ML refused it.
        """

    def report(self, name: str) -> JobReport | None:
        """The state of a job; None if it does not exist."""

    def cancel(self, name: str) -> None:
        """Request cancellation; does nothing if the job has ended."""


class Evidence(Protocol):
    """Evidence that jobs wrote into the workspace's storage: `evidence/<model>/<job name>/…`."""

    def location(self, model: str, job_name: str) -> str:
        """The folder of a job's evidence."""

    def read(self, location: str) -> str:
        """The text of evidence.json.

        Raises:
            NotThereYetError: it does not exist.
        """

    def sample_request(self, location: str) -> bytes | None:
        """Body of a scoring request with a few rows (sample_request.json), for the smoke test."""

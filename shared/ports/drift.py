"""Drift checks: production rows compared with a champion's reference profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from shared.domain.drift import CheckDrift, DriftSignal, DriftVerdict, Performance


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A blob as a listing shows it."""

    path: str
    size_bytes: int
    modified_utc: datetime


@dataclass(frozen=True, slots=True)
class CollectedFiles:
    """The files that one comparison reads, apart from the reference and earlier results.

    Inputs are those of the window; outputs and labels may be older, since labels come late.
    """

    inputs: tuple[StoredFile, ...] = ()
    outputs: tuple[StoredFile, ...] = ()
    labels: tuple[StoredFile, ...] = ()

    @property
    def size_bytes(self) -> int:
        """Size of all the files."""
        return sum(file.size_bytes for file in (*self.inputs, *self.outputs, *self.labels))


@dataclass(frozen=True, slots=True)
class StoredCheck:
    """The address of an earlier comparison's result."""

    profile: str  # the version compared with
    day: date
    revision: int
    folder: str
    written_utc: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The input of one comparison.

    Args:
        model: whose rows they are.
        check: day, version and window.
        profile: blob of the reference profile, in the workspace's storage.
        files: rows and labels.
        past: earlier results, oldest day first.
        baseline: the champion's metric on its frozen rows; None where there is none to compare.
    """

    model: str
    check: CheckDrift
    profile: str
    files: CollectedFiles
    past: tuple[StoredCheck, ...]
    baseline: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftResult:
    """The result of a comparison; `report` is the HTML report as container/blob."""

    verdict: DriftVerdict
    sentence: str
    report: str
    signals: tuple[DriftSignal, ...] = ()
    current_rows: int = 0
    reference_rows: int = 0
    missing_days: tuple[date, ...] = ()
    performance: Performance | None = None


@dataclass(frozen=True, slots=True)
class DriftReport:
    """A stored result for people: the HTML report, and check.json as it was written."""

    stored: StoredCheck
    path: str  # container/blob of the page
    document: str
    page: bytes


class DriftChecks(Protocol):
    """Compares production rows with a reference, and reads earlier results."""

    def inputs(
        self, model: str, *, start_utc: datetime, end_utc: datetime
    ) -> tuple[StoredFile, ...]:
        """Files with the inputs that a model was asked to score in [start, end)."""

    def files(self, model: str, check: CheckDrift, *, since_utc: datetime) -> CollectedFiles:
        """Inputs in the check's window; outputs and labels since `since_utc`."""

    def past(self, model: str, *, profile: str | None = None) -> Sequence[StoredCheck]:
        """All complete earlier results of a model, or of one of its versions."""

    def compare(self, comparison: Comparison) -> DriftResult:
        """Compare now, not in a job; result and report are stored.

        Raises:
            EvidenceError: the reference is gone or cannot be read.
            ModelConfigError: model.yml has mistakes.
        """

    def read(self, model: str, check: CheckDrift) -> DriftResult:
        """Read the result that a finished job stored.

        Raises:
            NotThereYetError: no result is stored.
            EvidenceError: it cannot be read.
        """

    def report(self, stored: StoredCheck) -> DriftReport:
        """Read the report of a stored result."""

"""Files: landed, tested, accepted, quarantined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    from shared.domain.data import BlobRef


@dataclass(frozen=True, slots=True)
class LandedBlob:
    """A blob as a listing of the landing container shows it."""

    blob: BlobRef
    size_bytes: int
    modified_utc: datetime


@dataclass(frozen=True, slots=True)
class LocalCopy:
    """A local copy of one content of a blob."""

    path: Path
    sha256: str
    size_bytes: int


class DataStore(Protocol):
    """Landing zone and data container of the storage account. Bodies are streamed."""

    def landed(self, model: str) -> Iterable[LandedBlob]:
        """Blobs under `landing/<model>/`."""

    def unclaimed(self, models: Sequence[str]) -> Iterable[LandedBlob]:
        """Blobs in the landing container outside the folders of these models."""

    def fetch(self, blob: BlobRef) -> AbstractContextManager[LocalCopy]:
        """A local copy of exactly that content, deleted on leaving.

        Raises:
            BlobChangedError: the blob is gone or holds something else.
            BlobTooLargeError: it is larger than the adapter's limit; nothing was read.
        """

    def accept(self, blob: BlobRef, path: str) -> None:
        """Copy that content to `path` in the data container, server-side; idempotent.

        Raises:
            BlobChangedError: the blob is gone or holds something else.
        """

    def empty(self, folder: str) -> None:
        """Delete all blobs in a folder of the data container; its name ends with a slash."""

    def put_json(self, path: str, text: str) -> None:
        """Create `path` in the data container; the same text again is fine.

        Raises:
            DataMismatchError: it exists with another text.
        """

    def find_json(self, path: str) -> str | None:
        """The stored text; None if the blob does not exist."""

    def get_json(self, path: str, *, sha256: str) -> str:
        """Read the stored text and verify its hash.

        Raises:
            DataMismatchError: the blob is gone or its hash differs.
        """


class Quarantine(Protocol):
    """Copies of files that may not be used, each with its report. The original stays."""

    def put(self, blob: BlobRef, path: str, *, report: str) -> bool:
        """Copy that content to `path` and its report to `path + ".report.json"`; idempotent.

        Returns:
            False if it was quarantined before.

        Raises:
            BlobChangedError: the blob is gone or holds something else.
        """

    def put_text(self, path: str, text: str) -> bool:
        """Store a text, such as an unreadable event; False if it was stored before."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a file may not be used."""

    test: str
    column: str | None
    sentence: str  # column, value, limit; never a row of data
    remedy: str


@dataclass(frozen=True, slots=True)
class TestedFile:
    """The result of the data tests of one file; without findings it passed.

    `min_rows` is given where the only finding is that the file has fewer rows: it may be used if
    all files that arrived together have as many.
    """

    __test__ = False  # not a pytest class

    rows: int
    findings: tuple[Finding, ...] = ()
    report: str = "{}"  # JSON text
    min_rows: int | None = None
    notes: tuple[str, ...] = ()  # worth knowing though it passed


@dataclass(frozen=True, slots=True)
class TestedInJob:
    """The result that a job wrote about a file, and the hash of the content it read."""

    __test__ = False  # not a pytest class

    sha256: str
    tested: TestedFile


class DataTests(Protocol):
    """The model's data contract, applied to one file."""

    def test(self, model: str, file: LocalCopy, name: str) -> TestedFile:
        """Test a file. Bad content is a finding, never an error.

        Args:
            model: whose contract it is.
            file: the content.
            name: of the file; folders before it hold values of columns.

        Raises:
            BlobTooLargeError: unpacked, it is too large to be tested here.
        """

    def read(self, text: str, name: str) -> TestedInJob:
        """Read the report that a finished job wrote about the file of that name.

        Raises:
            EvidenceError: the report cannot be read.
        """

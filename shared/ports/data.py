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
    """One content of a blob on the local disk."""

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
        """Server-side copy of that content to `path` in the data container; repeatable.

        Raises:
            BlobChangedError: the blob is gone or holds something else.
        """

    def empty(self, folder: str) -> None:
        """Delete what lies in a folder of the data container; its name ends with a slash."""

    def put_json(self, path: str, text: str) -> None:
        """Create `path` in the data container; the same text again is fine.

        Raises:
            DataMismatchError: it exists with another text.
        """

    def find_json(self, path: str) -> str | None:
        """The stored text; None where there is none."""

    def get_json(self, path: str, *, sha256: str) -> str:
        """Read it back.

        Raises:
            DataMismatchError: it is gone or its hash differs.
        """


class Quarantine(Protocol):
    """Copies of files that may not be used, each with its report. The original stays."""

    def put(self, blob: BlobRef, path: str, *, report: str) -> bool:
        """Copy that content to `path`, with `path + ".report.json"`; repeatable.

        Returns:
            False when it lay there already.

        Raises:
            BlobChangedError: the blob is gone or holds something else.
        """

    def put_text(self, path: str, text: str) -> bool:
        """Keep a text, for example an event that could not be read."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a file may not be used."""

    test: str
    column: str | None
    sentence: str  # column, value, limit; never a row of data
    remedy: str


@dataclass(frozen=True, slots=True)
class TestedFile:
    """What the data tests say about one file; it passed where there is no finding."""

    __test__ = False  # not a pytest class

    rows: int
    findings: tuple[Finding, ...] = ()
    report: str = "{}"  # JSON text


@dataclass(frozen=True, slots=True)
class TestedInJob:
    """What a job says about a file, and which content it read."""

    __test__ = False  # not a pytest class

    sha256: str
    tested: TestedFile


class DataTests(Protocol):
    """The model's data contract, applied to one file."""

    def test(self, model: str, file: LocalCopy, name: str) -> TestedFile:
        """Never raises for what the file holds: that is a finding.

        Raises:
            BlobTooLargeError: unpacked, it is larger than what is tested here.
        """

    def read(self, text: str, name: str) -> TestedInJob:
        """What a finished job wrote about the file of that name.

        Raises:
            EvidenceError: it cannot be read.
        """

"""What became of the files of a cycle, and the documents in which that is stored.

The JSON is a format: what earlier releases stored is read for ever.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from shared.usecases.performers.stored_json import dumps, reading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain.data import BlobRef

_FORMAT = 1
_KIND = "fate"  # the name of `FileOutcome.kind` in stored documents


class OutcomeKind(StrEnum):
    """What became of a file."""

    ACCEPTED = "accepted"
    QUARANTINED = "quarantined"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of one content of one blob.

    `path` is its copy, in the data container or in quarantine; `sha256` and `rows` are those of an
    accepted file, `sentence` says why a quarantined one may not be used.
    """

    source: str  # container/path of the blob
    etag: str
    kind: OutcomeKind
    path: str = ""
    sha256: str = ""
    rows: int = 0
    sentence: str = ""

    @classmethod
    def superseded(cls, blob: BlobRef) -> FileOutcome:
        """Gone or overwritten before it was used; newer content is another arrival."""
        return cls(blob.place, blob.etag, OutcomeKind.SUPERSEDED)

    def to_json(self) -> str:
        """As it is stored until the report of its cycle is written."""
        return dumps(_document(self))

    @classmethod
    def from_json(cls, text: str, *, place: str) -> FileOutcome:
        """The inverse of `to_json`; `place` is where the text was stored, for the error.

        Raises:
            DataMismatchError: it cannot be read.
        """
        with reading(place):
            return _outcome(json.loads(text))


@dataclass(frozen=True, slots=True)
class DataReport:
    """The outcome of each file of a cycle, or of some of them."""

    model: str
    cycle_id: str
    files: tuple[FileOutcome, ...]

    def of_kind(self, kind: OutcomeKind) -> tuple[FileOutcome, ...]:
        """The files with that outcome."""
        return tuple(file for file in self.files if file.kind is kind)

    def to_json(self) -> str:
        """As it is stored in the data container."""
        files = [_document(file) for file in self.files]
        return dumps(
            {"format": _FORMAT, "model": self.model, "cycle_id": self.cycle_id, "files": files}
        )

    @classmethod
    def from_json(cls, text: str, *, place: str) -> DataReport:
        """The inverse of `to_json`; `place` is where the text was stored, for the error.

        Raises:
            DataMismatchError: it cannot be read.
        """
        with reading(place):
            document = json.loads(text)
            files = tuple(_outcome(item) for item in document["files"])
            return cls(document["model"], document["cycle_id"], files)


@dataclass(frozen=True, slots=True)
class QuarantineReport:
    """Why a file was set aside; stored beside it. `report` is a JSON text."""

    source: str
    etag: str
    sentence: str
    report: str

    def to_json(self) -> str:
        """As it is stored in the quarantine container."""
        return dumps(asdict(self) | {"report": json.loads(self.report)})


def _document(outcome: FileOutcome) -> dict[str, Any]:
    return {_KIND if name == "kind" else name: value for name, value in asdict(outcome).items()}


def _outcome(document: Mapping[str, Any]) -> FileOutcome:
    return FileOutcome(
        document["source"],
        document["etag"],
        OutcomeKind(document[_KIND]),
        path=document["path"],
        sha256=document["sha256"],
        rows=document["rows"],
        sentence=document["sentence"],
    )

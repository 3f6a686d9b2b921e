"""Accepts or quarantines a tested file, and stores the outcome.

The JSON is a stable format: documents of earlier releases stay readable.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from shared.domain import file_sentences
from shared.domain.ids import content_name, digits_of, path_within
from shared.domain.landing import partition_folder
from shared.errors import BlobChangedError, DataMismatchError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.domain.data import BlobRef
    from shared.ports.data import DataStore, Quarantine, TestedFile

_FORMAT = 1
_KIND = "fate"  # the name of `FileOutcome.kind` in stored documents


class OutcomeKind(StrEnum):
    """What became of a file."""

    ACCEPTED = "accepted"
    QUARANTINED = "quarantined"
    SUPERSEDED = "superseded"
    SMALL = "small"  # until all files of its cycle are tested


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of one content of one blob.

    `path` is its copy, in the data container or in quarantine; `sha256` and `rows` are those of an
    accepted or small file, `sentence` says why a quarantined one may not be used, `notes` what is
    worth knowing of an accepted one. `min_rows` are wanted of the files that arrived together with
    a small one.
    """

    source: str  # container/path of the blob
    etag: str
    kind: OutcomeKind
    path: str = ""
    sha256: str = ""
    rows: int = 0
    sentence: str = ""
    min_rows: int = 0
    notes: tuple[str, ...] = ()

    @classmethod
    def superseded(cls, blob: BlobRef) -> FileOutcome:
        """The outcome of content that is gone or overwritten; newer content is another arrival."""
        return cls(blob.place, blob.etag, OutcomeKind.SUPERSEDED)

    def to_json(self) -> str:
        """The stored form, until the report of its cycle is written."""
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
    """The outcome of all files of a cycle, or of a slice of them."""

    model: str
    cycle_id: str
    files: tuple[FileOutcome, ...]

    def of_kind(self, kind: OutcomeKind) -> tuple[FileOutcome, ...]:
        """The files with that outcome."""
        return tuple(file for file in self.files if file.kind is kind)

    def to_json(self) -> str:
        """The form stored in the data container."""
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
    """Why a file was quarantined; stored beside it. `report` is a JSON text."""

    source: str
    etag: str
    sentence: str
    report: str

    def to_json(self) -> str:
        """The form stored in the quarantine container."""
        report = json.loads(self.report)
        return dumps(
            {
                "source": self.source,
                "etag": self.etag,
                "sentence": self.sentence,
                "report": report,
            }
        )


@dataclass(frozen=True, slots=True)
class CycleFile:
    """One content of one blob, tested in a cycle."""

    model: str
    cycle_id: str
    blob: BlobRef

    @property
    def partition(self) -> str:
        """The folders that it landed in and that hold values of columns."""
        return partition_folder(self.blob.path)

    @property
    def name(self) -> str:
        """Its name, with those folders."""
        return f"{self.partition}/{self.blob.name}" if self.partition else self.blob.name

    @property
    def digits(self) -> str:
        """12 hex digits that identify it in job names and paths."""
        return digits_of(self.model, f"{self.cycle_id}:{self.blob.place}:{self.blob.etag}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleFile:
    """Accepts content that passed its tests and quarantines the rest."""

    data: DataStore
    quarantine: Quarantine

    def tested(self, file: CycleFile, tested: TestedFile, *, sha256: str) -> FileOutcome:
        """The outcome of a file that was tested as the content with that hash.

        Raises:
            BlobChangedError: the blob is gone or holds something else by now.
        """
        blob = file.blob
        if tested.min_rows is not None:
            return FileOutcome(
                blob.place,
                blob.etag,
                OutcomeKind.SMALL,
                sha256=sha256,
                rows=tested.rows,
                min_rows=tested.min_rows,
                notes=tested.notes,
            )
        if tested.findings:
            findings = [
                file_sentences.finding(item.sentence, item.remedy) for item in tested.findings
            ]
            sentence = file_sentences.quarantined(blob.name, findings)
            return self._quarantine(file, sentence, report=tested.report)
        return self._accept(file, sha256, tested.rows, tested.notes)

    def small(self, small: FileOutcome, file: CycleFile, *, together: int) -> FileOutcome:
        """The outcome of a small file once it is known how many rows arrived together."""
        try:
            if together >= small.min_rows:
                return self._accept(file, small.sha256, small.rows, small.notes)
            why = file_sentences.too_few_rows(small.rows, together, small.min_rows)
            report = dumps({"findings": [{"test": "rows", "column": None, "sentence": why}]})
            sentence = file_sentences.quarantined(file.blob.name, [why])
            return self._quarantine(file, sentence, report=report)
        except BlobChangedError:
            return FileOutcome.superseded(file.blob)

    def _accept(
        self, file: CycleFile, sha256: str, rows: int, notes: tuple[str, ...]
    ) -> FileOutcome:
        blob = file.blob
        path = "/".join(
            part
            for part in (file.model, "files", file.partition, content_name(sha256, blob.name))
            if part
        )
        self.data.accept(blob, path)
        return FileOutcome(
            blob.place,
            blob.etag,
            OutcomeKind.ACCEPTED,
            path=path,
            sha256=sha256,
            rows=rows,
            notes=notes,
        )

    def untested(self, file: CycleFile, why: str) -> FileOutcome:
        """The outcome of a file that could not be tested.

        Raises:
            BlobChangedError: the blob is gone or holds something else by now.
        """
        report = dumps({"findings": [{"test": "job", "column": None, "sentence": why}]})
        return self._quarantine(
            file, file_sentences.quarantined(file.blob.name, [why]), report=report
        )

    def _quarantine(self, file: CycleFile, sentence: str, *, report: str) -> FileOutcome:
        blob = file.blob
        inside = blob.path.removeprefix(f"{file.model}/")
        path = path_within(f"{file.model}/{file.cycle_id}", inside)
        document = QuarantineReport(blob.place, blob.etag, sentence, report)
        self.quarantine.put(blob, path, report=document.to_json())
        return FileOutcome(
            blob.place, blob.etag, OutcomeKind.QUARANTINED, path=path, sentence=sentence
        )


def untested_folder(model: str) -> str:
    """The folder for copies of large files that jobs test."""
    return f"{model}/untested/"


def store_once(data: DataStore, path: str, text: str) -> None:
    """Store a document unless another message stored one there first."""
    try:
        data.put_json(path, text)
    except DataMismatchError:
        return  # a doubled message was faster, and the file had changed since


def dumps(document: Mapping[str, Any]) -> str:
    """One line of JSON, non-ASCII unescaped. Its hash is recorded, so the format is fixed."""
    return json.dumps(document, ensure_ascii=False)


@contextmanager
def reading(place: str) -> Iterator[None]:
    """Translate errors while a document stored at `place` is read.

    Raises:
        DataMismatchError: it is not a document that the app stores.
    """
    try:
        yield
    except (ValueError, KeyError, TypeError) as exc:
        raise DataMismatchError(f"{place} cannot be read ({type(exc).__name__}: {exc})") from exc


def _document(outcome: FileOutcome) -> dict[str, Any]:
    wanted = {"min_rows": outcome.min_rows} if outcome.kind is OutcomeKind.SMALL else {}
    return {
        "source": outcome.source,
        "etag": outcome.etag,
        _KIND: outcome.kind,
        "path": outcome.path,
        "sha256": outcome.sha256,
        "rows": outcome.rows,
        "sentence": outcome.sentence,
        **wanted,
        **({"notes": list(outcome.notes)} if outcome.notes else {}),
    }


def _outcome(document: Mapping[str, Any]) -> FileOutcome:
    return FileOutcome(
        document["source"],
        document["etag"],
        OutcomeKind(document[_KIND]),
        path=document["path"],
        sha256=document["sha256"],
        rows=document["rows"],
        sentence=document["sentence"],
        min_rows=document.get("min_rows", 0),
        notes=tuple(document.get("notes", ())),
    )

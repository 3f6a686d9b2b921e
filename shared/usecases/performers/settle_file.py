"""A tested file goes where it belongs: into the data container, or into quarantine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain import sentences
from shared.domain.ids import content_name, digits_of, path_within
from shared.errors import DataMismatchError
from shared.usecases.performers.file_outcomes import FileOutcome, OutcomeKind, QuarantineReport
from shared.usecases.performers.stored_json import dumps

if TYPE_CHECKING:
    from shared.domain.data import BlobRef
    from shared.ports.data import DataStore, Quarantine, TestedFile


@dataclass(frozen=True, slots=True)
class CycleFile:
    """One content of one blob, that a cycle is to use."""

    model: str
    cycle_id: str
    blob: BlobRef

    @property
    def digits(self) -> str:
        """12 hex digits that name it in job names and paths."""
        return digits_of(self.model, f"{self.cycle_id}:{self.blob.place}:{self.blob.etag}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleFile:
    """Accepts the content that passed its tests and sets the other aside."""

    data: DataStore
    quarantine: Quarantine

    def tested(self, file: CycleFile, tested: TestedFile, *, sha256: str) -> FileOutcome:
        """The outcome of a file that was tested as the content with that hash.

        Raises:
            BlobChangedError: the blob is gone or holds something else by now.
        """
        blob = file.blob
        if not tested.passed:
            findings = [sentences.finding(item.sentence, item.remedy) for item in tested.findings]
            sentence = sentences.quarantined(blob.name, findings)
            return self._set_aside(file, sentence, report=tested.report)
        path = f"{file.model}/files/{content_name(sha256, blob.name)}"
        self.data.accept(blob, path)
        return FileOutcome(
            blob.place,
            blob.etag,
            OutcomeKind.ACCEPTED,
            path=path,
            sha256=sha256,
            rows=tested.rows,
        )

    def untested(self, file: CycleFile, why: str) -> FileOutcome:
        """The outcome of a file that could not be tested.

        Raises:
            BlobChangedError: the blob is gone or holds something else by now.
        """
        report = dumps({"findings": [{"test": "job", "column": None, "sentence": why}]})
        return self._set_aside(file, sentences.quarantined(file.blob.name, [why]), report=report)

    def _set_aside(self, file: CycleFile, sentence: str, *, report: str) -> FileOutcome:
        blob = file.blob
        inside = blob.path.removeprefix(f"{file.model}/")
        path = path_within(f"{file.model}/{file.cycle_id}", inside)
        document = QuarantineReport(blob.place, blob.etag, sentence, report)
        self.quarantine.put(blob, path, report=document.to_json())
        return FileOutcome(
            blob.place, blob.etag, OutcomeKind.QUARANTINED, path=path, sentence=sentence
        )


def store_once(data: DataStore, path: str, text: str) -> None:
    """Store what was found; what another message stored there first stays."""
    try:
        data.put_json(path, text)
    except DataMismatchError:
        return  # a doubled message was faster, and a file changed in between

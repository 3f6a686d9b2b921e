"""Documents that the app stores: their bytes are a format, since hashes of them are recorded."""

from __future__ import annotations

import pytest

from shared.domain.data import BlobRef
from shared.errors import DataMismatchError
from shared.usecases.performers.files import (
    DataReport,
    FileOutcome,
    OutcomeKind,
    QuarantineReport,
)
from shared.usecases.performers.pins import PinnedFile, Pins

ACCEPTED = FileOutcome(
    "landing/m/ä.csv", "0x1", OutcomeKind.ACCEPTED, path="m/files/c0-ä.csv", sha256="c0", rows=3
)
QUARANTINED = FileOutcome(
    "landing/m/b.csv", "0x2", OutcomeKind.QUARANTINED, path="m/c1/b.csv", sentence="File b.csv"
)
ACCEPTED_JSON = (
    '{"source": "landing/m/ä.csv", "etag": "0x1", "fate": "accepted", "path": "m/files/c0-ä.csv", '
    '"sha256": "c0", "rows": 3, "sentence": ""}'
)
QUARANTINED_JSON = (
    '{"source": "landing/m/b.csv", "etag": "0x2", "fate": "quarantined", "path": "m/c1/b.csv", '
    '"sha256": "", "rows": 0, "sentence": "File b.csv"}'
)
REPORT = DataReport("m", "c1", (ACCEPTED, QUARANTINED))
REPORT_JSON = (
    '{"format": 1, "model": "m", "cycle_id": "c1", "files": '
    f"[{ACCEPTED_JSON}, {QUARANTINED_JSON}]}}"
)
PINS = Pins("m", "v1", (PinnedFile("c0-ä.csv", "c0", 3, "landing/m/ä.csv"),))
PINS_JSON = (
    '{"format": 1, "model": "m", "data_version": "v1", "files": '
    '[{"path": "c0-ä.csv", "sha256": "c0", "rows": 3, "source": "landing/m/ä.csv"}]}'
)


@pytest.mark.parametrize(
    ("document", "text"),
    [(ACCEPTED, ACCEPTED_JSON), (REPORT, REPORT_JSON), (PINS, PINS_JSON)],
)
def test_stored_document_has_stable_bytes_and_round_trips(document, text):
    assert document.to_json() == text
    assert type(document).from_json(text, place="x.json") == document


def test_superseded_file_is_stored_without_path_and_hash():
    outcome = FileOutcome.superseded(BlobRef("landing", "m/a.csv", "0x1"))

    assert outcome.to_json() == (
        '{"source": "landing/m/a.csv", "etag": "0x1", "fate": "superseded", "path": "", '
        '"sha256": "", "rows": 0, "sentence": ""}'
    )


def test_quarantine_report_embeds_the_data_test_report_as_json():
    report = QuarantineReport("landing/m/b.csv", "0x2", "why", '{"rows": 1.50, "ä": [null]}')

    assert report.to_json() == (
        '{"source": "landing/m/b.csv", "etag": "0x2", "sentence": "why", '
        '"report": {"rows": 1.5, "ä": [null]}}'
    )


@pytest.mark.parametrize("kind", [FileOutcome, DataReport, Pins])
@pytest.mark.parametrize("text", ["", "[]", "{}", '{"fate": "eaten"}', '{"files": [1]}'])
def test_malformed_stored_document_is_refused_with_its_path(kind, text):
    with pytest.raises(DataMismatchError, match=r"m/reports/x\.json cannot be read"):
        kind.from_json(text, place="m/reports/x.json")

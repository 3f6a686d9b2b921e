"""The contracts of file stores, run on the doubles and on Azurite."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.data import BlobRef
from shared.errors import (
    BlobChangedError,
    BlobTooLargeError,
    DataMismatchError,
    NotThereYetError,
)

LIMIT_BYTES = 100_000


@pytest.fixture
def model() -> str:
    return f"m-{uuid.uuid4().hex[:12]}"


class DataStoreSuite:
    """Subclasses provide `store` (limit LIMIT_BYTES), `upload(path, content) -> BlobRef` into the
    landing zone, `delete(path)` and `accepted(path) -> bytes | None` of the data container."""

    def test_landed_blob_is_listed_with_its_etag_and_fetched_by_it(self, store, model, upload):
        ref = upload(f"{model}/tief/Prüfung #1 100%.csv", b"a,b\n1,2\n")
        upload(f"{model}-other/x.csv", b"no")

        (landed,) = store.landed(model)

        assert landed.blob == ref
        assert landed.size_bytes == 8
        assert abs(landed.modified_utc - datetime.now(UTC)) < timedelta(minutes=5)
        with store.fetch(ref) as copy:
            assert copy.path.read_bytes() == b"a,b\n1,2\n"
            assert copy.sha256 == hashlib.sha256(b"a,b\n1,2\n").hexdigest()
            assert copy.size_bytes == 8
        assert not copy.path.exists()

    def test_empty_blob_is_fetched_as_an_empty_file(self, store, model, upload):
        ref = upload(f"{model}/empty.csv", b"")

        with store.fetch(ref) as copy:
            assert copy.path.read_bytes() == b""

    def test_overwritten_or_deleted_content_raises_blob_changed(self, store, model, upload, delete):
        old = upload(f"{model}/a.csv", b"old")
        upload(f"{model}/a.csv", b"new")
        gone = upload(f"{model}/b.csv", b"gone")
        delete(f"{model}/b.csv")

        for ref in (old, gone, BlobRef("landing", f"{model}/never.csv", "0x1")):
            with pytest.raises(BlobChangedError), store.fetch(ref):
                pass
            with pytest.raises(BlobChangedError):
                store.accept(ref, f"{model}/files/x.csv")

    def test_blob_over_the_limit_is_not_fetched_but_can_be_accepted(
        self, store, model, upload, accepted
    ):
        ref = upload(f"{model}/huge.csv", b"x" * (LIMIT_BYTES + 1))

        with pytest.raises(BlobTooLargeError, match="limit"), store.fetch(ref):
            pass
        store.accept(ref, f"{model}/files/huge.csv")

        assert len(accepted(f"{model}/files/huge.csv")) == LIMIT_BYTES + 1

    def test_accepting_a_blob_is_idempotent(self, store, model, upload, accepted):
        ref = upload(f"{model}/ä b.csv", b"rows")

        store.accept(ref, f"{model}/files/1-ä b.csv")
        store.accept(ref, f"{model}/files/1-ä b.csv")

        assert accepted(f"{model}/files/1-ä b.csv") == b"rows"

    def test_emptying_a_folder_deletes_only_its_own_blobs(self, store, model, upload, accepted):
        blob = upload(f"{model}/a.csv", b"rows")
        for path in ("untested/c/1", "untested/2", "untested-3", "files/1"):
            store.accept(blob, f"{model}/{path}")

        store.empty(f"{model}/untested/")
        store.empty(f"{model}/untested/")

        assert accepted(f"{model}/untested/c/1") is None
        assert accepted(f"{model}/untested/2") is None
        assert accepted(f"{model}/untested-3") == accepted(f"{model}/files/1") == b"rows"

    def test_documents_are_immutable_and_verified_by_hash(self, store, model):
        text = '{"a": "ä"}'
        sha256 = hashlib.sha256(text.encode()).hexdigest()

        assert store.find_json(f"{model}/pins/1.json") is None
        store.put_json(f"{model}/pins/1.json", text)
        store.put_json(f"{model}/pins/1.json", text)
        assert store.find_json(f"{model}/pins/1.json") == text

        assert store.get_json(f"{model}/pins/1.json", sha256=sha256) == text
        with pytest.raises(DataMismatchError):
            store.put_json(f"{model}/pins/1.json", "{}")
        with pytest.raises(DataMismatchError):
            store.get_json(f"{model}/pins/1.json", sha256="0" * 64)
        with pytest.raises(DataMismatchError):
            store.get_json(f"{model}/pins/2.json", sha256=sha256)

    def test_blobs_outside_every_model_folder_are_listed_as_unclaimed(self, store, model, upload):
        stray = upload(f"{model}.csv", b"at the top")
        typo = upload(f"{model}-typo/deep/a.csv", b"no such model")
        upload(f"{model}/fine.csv", b"fine")

        found = {item.blob for item in store.unclaimed([model])}

        assert {stray, typo} <= found
        assert not any(item.path.startswith(f"{model}/") for item in found)


class QuarantineSuite:
    """Subclasses provide `quarantine`, `upload` and `set_aside(path) -> bytes | None`."""

    def test_quarantining_a_file_again_reports_that_it_is_not_new(
        self, quarantine, model, upload, set_aside
    ):
        ref = upload(f"{model}/bad.csv", b"bad")

        assert quarantine.put(ref, f"{model}/c1/bad.csv", report="why")
        assert not quarantine.put(ref, f"{model}/c1/bad.csv", report="why")

        assert set_aside(f"{model}/c1/bad.csv") == b"bad"
        assert set_aside(f"{model}/c1/bad.csv.report.json") == b"why"

    def test_file_quarantined_with_the_same_report_is_not_copied_again(
        self, quarantine, model, upload, set_aside
    ):
        ref = upload(f"{model}/bad.csv", b"bad")
        quarantine.put(ref, f"{model}/c1/bad.csv", report="why")
        upload(f"{model}/bad.csv", b"overwritten since")

        assert not quarantine.put(ref, f"{model}/c1/bad.csv", report="why")
        assert set_aside(f"{model}/c1/bad.csv") == b"bad"

    def test_blob_that_changed_since_its_test_is_not_quarantined(
        self, quarantine, model, upload, set_aside
    ):
        old = upload(f"{model}/bad.csv", b"bad")
        upload(f"{model}/bad.csv", b"good")

        with pytest.raises(BlobChangedError):
            quarantine.put(old, f"{model}/c2/bad.csv", report="why")

        assert set_aside(f"{model}/c2/bad.csv.report.json") is None

    def test_quarantining_the_same_text_again_reports_that_it_is_not_new(
        self, quarantine, model, set_aside
    ):
        assert quarantine.put_text(f"_rejected/{model}/event.json", "{")
        assert not quarantine.put_text(f"_rejected/{model}/event.json", "{")
        assert set_aside(f"_rejected/{model}/event.json") == b"{"


class EvidenceSuite:
    """Subclasses provide `evidence` and `write(path, content)` into the workspace's storage."""

    def test_evidence_is_read_from_the_location_the_job_writes_to(self, evidence, model, write):
        location = evidence.location(model, "retrain-0123456789ab-1")
        assert location == f"evidence/{model}/retrain-0123456789ab-1"

        with pytest.raises(NotThereYetError):
            evidence.read(location)
        assert evidence.sample_request(location) is None

        write(f"{location}/evidence.json", '{"ä": 1}'.encode())
        write(f"{location}/sample_request.json", b"{}")

        assert evidence.read(location) == '{"ä": 1}'
        assert evidence.sample_request(location) == b"{}"

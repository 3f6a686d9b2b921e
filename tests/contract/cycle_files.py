"""Testing and pinning the files of a cycle, run over the doubles and over blobs in Azurite."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from shared.adapters.in_memory import MarkedDataTests
from shared.domain.data import DataArrived, RegisterData, TestData
from shared.domain.facts import Entry
from shared.domain.state import State
from shared.errors import DataMismatchError
from shared.usecases.performers.data import TestFiles, register_data
from shared.usecases.performers.files import SettleFile
from shared.usecases.performers.large_files import LargeFiles

NOW_UTC = datetime(2026, 3, 14, 6, tzinfo=UTC)
CYCLE = "0123456789ab"
MARKED = MarkedDataTests()


class Arrivals:
    """A ledger that holds arrivals alone."""

    def __init__(self, blobs):
        self._entries = [
            Entry(seq, NOW_UTC, DataArrived(blob, 10)) for seq, blob in enumerate(blobs, 1)
        ]

    def entries(self, _model, *, after, to):
        return self._entries[after:to]


class Registry:
    def __init__(self):
        self.registered = {}

    def register_data(self, _model, version, **details):
        self.registered[version] = details["pins"]


class ChangingTests:
    """Something happens to the file while it is being tested."""

    def __init__(self, change):
        self._change = change

    def test(self, model, file, name):
        found = MARKED.test(model, file, name)
        self._change()
        return found


class CycleFilesSuite:
    """Subclasses provide `store`, `quarantine`, `upload`, `delete`, `accepted`, `set_aside`."""

    @pytest.fixture
    def test(self, store, quarantine, model):
        def perform(*blobs, data_tests=MARKED):
            settle = SettleFile(data=store, quarantine=quarantine)
            large_files = LargeFiles(
                data=store, data_tests=data_tests, jobs=None, evidence=None, settle=settle
            )
            performer = TestFiles(
                ledger=Arrivals(blobs),
                data=store,
                data_tests=data_tests,
                settle=settle,
                large_files=large_files,
                limit_bytes=1000,
            )
            return performer(TestData(CYCLE, 0, len(blobs)), State(model))

        return perform

    @pytest.fixture
    def register(self, store, model):
        def perform(tested, version=CYCLE, **changes):
            effect = RegisterData(
                version,
                report=tested.report,
                report_sha256=changes.get("report_sha256", tested.report_sha256),
                previous_pins=changes.get("previous_pins"),
                previous_pins_sha256=changes.get("previous_pins_sha256"),
                fact_seq=3,
            )
            return register_data(effect, State(model), data=store, registry=Registry())

        return perform

    def test_testing_files_twice_accepts_and_quarantines_them_once(
        self, test, model, upload, accepted, set_aside
    ):
        good, broken = upload(f"{model}/a.csv", b"a\nb\n"), upload(f"{model}/b.csv", b"broken")

        first, again = test(good, broken), test(good, broken)

        assert first == again
        assert (first.accepted, first.quarantined, first.rows) == (1, 1, 2)
        report = json.loads(accepted(first.report))
        assert [file["fate"] for file in report["files"]] == ["accepted", "quarantined"]
        assert accepted(report["files"][0]["path"]) == b"a\nb\n"
        assert set_aside(report["files"][1]["path"]) == b"broken"

    def test_files_overwritten_or_deleted_before_their_test_are_superseded(
        self, test, model, upload, delete
    ):
        old, gone = upload(f"{model}/a.csv", b"old\n"), upload(f"{model}/b.csv", b"b\n")
        upload(f"{model}/a.csv", b"new\nnew\n")
        delete(f"{model}/b.csv")

        never = ChangingTests(lambda: pytest.fail("another content was tested"))
        tested = test(old, gone, data_tests=never)

        assert (tested.superseded, tested.accepted, tested.rows) == (2, 0, 0)

    @pytest.mark.parametrize("content", [b"a\n", b"broken"])
    def test_file_overwritten_during_its_test_is_neither_accepted_nor_quarantined(
        self, test, model, upload, content
    ):
        ref = upload(f"{model}/a.csv", content)
        tests = ChangingTests(lambda: upload(f"{model}/a.csv", b"another\n"))

        assert test(ref, data_tests=tests).superseded == 1

    def test_pins_add_to_the_previous_files_without_duplicate_contents(
        self, test, register, model, upload, accepted
    ):
        first = register(test(upload(f"{model}/a.csv", b"a\n")))
        tested = test(upload(f"{model}/copy.csv", b"a\n"), upload(f"{model}/b.csv", b"b\nc\n"))

        second = register(
            tested,
            version="ba9876543210",
            previous_pins=first.pins,
            previous_pins_sha256=first.pins_sha256,
        )

        assert (second.files, second.rows) == (2, 3)
        pins = json.loads(accepted(second.pins))
        assert [file["source"].rpartition("/")[2] for file in pins["files"]] == ["a.csv", "b.csv"]

    def test_report_that_does_not_match_its_recorded_hash_is_refused(
        self, test, register, model, upload
    ):
        tested = test(upload(f"{model}/a.csv", b"a\n"))

        with pytest.raises(DataMismatchError):
            register(tested, report_sha256="0" * 64)

    def test_data_version_cannot_be_pinned_again_with_other_files(
        self, test, register, model, upload, accepted
    ):
        first = register(test(upload(f"{model}/a.csv", b"a\n")))
        pins = accepted(first.pins)

        with pytest.raises(DataMismatchError):
            register(test(upload(f"{model}/b.csv", b"b\n")))

        assert accepted(first.pins) == pins

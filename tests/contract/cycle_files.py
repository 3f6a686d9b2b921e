"""Testing and pinning the files of a cycle, run over the doubles and over blobs in Azurite."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.in_memory import InMemoryCatalog, MarkedDataTests
from shared.domain.data import DataArrived, DataWithdrawn, RegisterData, TestData
from shared.domain.facts import Entry
from shared.domain.policy import Policy
from shared.domain.retraining import ReasonKind
from shared.domain.state import State
from shared.errors import DataMismatchError
from shared.usecases.performers.data import TestFiles
from shared.usecases.performers.files import SettleFile
from shared.usecases.performers.large_files import LargeFiles
from shared.usecases.performers.register_data import register_data
from shared.usecases.performers.small_files import SmallFiles

NOW_UTC = datetime(2026, 3, 14, 6, tzinfo=UTC)
CYCLE = "0123456789ab"
MARKED = MarkedDataTests()
POLICY = Policy("c", frozenset(ReasonKind), timedelta(0), True, 1)  # noqa: FBT003 - unused here


class Statements:
    """A ledger that holds arrivals, and withdrawals of the places given as texts."""

    def __init__(self, statements):
        self._entries = [
            Entry(seq, NOW_UTC, self._fact(statement))
            for seq, statement in enumerate(statements, 1)
        ]

    def _fact(self, statement):
        if isinstance(statement, str):
            return DataWithdrawn(statement, f"r-{statement}", "wrong units")
        return DataArrived(statement, 10)

    def entries(self, _model, *, after, to=None):
        return self._entries[after:to]


class Registry:
    def __init__(self):
        self.registered = {}

    def register_data(self, _model, version, **details):
        self.registered[version] = details["pins"]


class ChangingTests:
    """Changes the file while it is being tested."""

    def __init__(self, change):
        self._change = change

    def test(self, model, file, name):
        found = MARKED.test(model, file, name)
        self._change()
        return found


class NotingTests:
    """Accepts each file with a note."""

    def test(self, model, file, name):
        return replace(MARKED.test(model, file, name), notes=("its last row may be cut",))


class CycleFilesSuite:
    """Subclasses provide `store`, `quarantine`, `upload`, `delete`, `accepted`, `set_aside`."""

    @pytest.fixture
    def test(self, store, quarantine, model):
        def perform(*blobs, data_tests=MARKED):
            ledger = Statements(blobs)
            settle = SettleFile(data=store, quarantine=quarantine)
            large_files = LargeFiles(
                data=store, data_tests=data_tests, jobs=None, evidence=None, settle=settle
            )
            performer = TestFiles(
                ledger=ledger,
                data=store,
                data_tests=data_tests,
                settle=settle,
                large_files=large_files,
                small_files=SmallFiles(ledger=ledger, data=store, settle=settle),
                limit_bytes=1000,
            )
            return performer(TestData(CYCLE, 0, len(blobs)), State(model))

        return perform

    @pytest.fixture
    def register(self, store, model):
        """Pins what was accepted; `statements` are those of the cycle, in their order."""

        def perform(tested, *statements, version=CYCLE, after=None, same_name="replace", **changes):
            effect = RegisterData(
                version,
                after_seq=0,
                to_seq=len(statements),
                report=tested.report if tested else None,
                report_sha256=changes.get("report_sha256", tested and tested.report_sha256),
                previous_pins=after and after.pins,
                previous_pins_sha256=after and after.pins_sha256,
                fact_seq=3,
            )
            policy = replace(POLICY, same_name_replaces=same_name == "replace")
            return register_data(
                effect,
                State(model),
                ledger=Statements(statements),
                catalog=InMemoryCatalog({model: policy}),
                data=store,
                registry=Registry(),
            )

        return perform

    @pytest.fixture
    def drop(self, test, register):
        """One cycle: files are tested and what was said about files is pinned."""

        def perform(*statements, **changes):
            blobs = [item for item in statements if not isinstance(item, str)]
            return register(test(*blobs) if blobs else None, *statements, **changes)

        return perform

    @pytest.fixture
    def pinned(self, accepted):
        def names(registered):
            files = json.loads(accepted(registered.pins))["files"]
            return [file["source"].rpartition("/")[2] for file in files]

        return names

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
        self, drop, model, upload, accepted
    ):
        first = drop(upload(f"{model}/a.csv", b"a\n"))

        second = drop(
            upload(f"{model}/copy.csv", b"a\n"),
            upload(f"{model}/b.csv", b"b\nc\n"),
            version="ba9876543210",
            after=first,
        )

        assert (second.files, second.rows) == (2, 3)
        pins = json.loads(accepted(second.pins))
        names = [(file["source"], file.get("also")) for file in pins["files"]]
        folder = f"landing/{model}"
        assert names == [
            (f"{folder}/a.csv", [f"{folder}/copy.csv"]),
            (f"{folder}/b.csv", None),
        ]

    def test_note_on_an_accepted_file_is_told_with_the_result(self, test, model, upload):
        tested = test(upload(f"{model}/a.csv", b"a\nb\n"), data_tests=NotingTests())

        assert tested.words == "1 file accepted (2 rows); note: a.csv: its last row may be cut"

    def test_equal_parts_of_two_partitions_are_two_files(self, drop, model, upload, accepted):
        folders = ["country=DE", "country=New+20York"]
        blobs = [
            upload(f"{model}/export/{folder.replace('+', '%')}/part-0.csv", b"a\n")
            for folder in folders
        ]

        both = drop(*blobs)

        assert (both.files, both.rows) == (2, 2)
        paths = [file["path"] for file in json.loads(accepted(both.pins))["files"]]
        assert [path.rpartition("/")[0] for path in paths] == folders
        assert {accepted(f"{model}/files/{path}") for path in paths} == {b"a\n"}

    @pytest.mark.parametrize(
        "name",
        ["MARCH.CSV", "rows", "data.csv.gz", "50 % off #1 é+ü.csv", "a" * 250 + ".csv", "月.csv"],
    )
    def test_odd_name_survives_test_and_pins(self, drop, model, upload, accepted, name):
        registered = drop(upload(f"{model}/{name}", b"a\n"))

        (file,) = json.loads(accepted(registered.pins))["files"]
        assert file["source"] == f"landing/{model}/{name}"
        assert accepted(f"{model}/files/{file['path']}") == b"a\n"

    @pytest.mark.parametrize("name", ["50 % off #1 é+ü.csv", "a" * 250 + ".csv", "月.csv"])
    def test_odd_name_survives_quarantine(self, test, model, upload, name):
        tested = test(upload(f"{model}/{name}", b"broken"))

        assert (tested.quarantined, tested.accepted) == (1, 0)

    def test_file_of_the_same_name_replaces_the_earlier_one_unless_it_adds_to_it(
        self, drop, model, upload, pinned
    ):
        first = drop(upload(f"{model}/a.csv", b"wrong\n"), upload(f"{model}/b.csv", b"b\n"))

        right = upload(f"{model}/a.csv", b"right\n")
        replaced = drop(right, version="ba9876543210", after=first)
        added = drop(right, version="ca9876543210", after=first, same_name="add")

        assert pinned(replaced) == ["b.csv", "a.csv"]
        assert pinned(added) == ["a.csv", "b.csv", "a.csv"]

    def test_broken_file_of_the_same_name_replaces_nothing(self, drop, model, upload, pinned):
        first = drop(upload(f"{model}/a.csv", b"a\n"))

        second = drop(upload(f"{model}/a.csv", b"broken"), version="ba9876543210", after=first)

        assert pinned(second) == ["a.csv"]
        assert second.data_sha256 == first.data_sha256

    def test_withdrawn_file_is_not_in_the_next_data_version(self, drop, model, upload, pinned):
        first = drop(upload(f"{model}/a.csv", b"a\n"), upload(f"{model}/b.csv", b"b\n"))

        second = drop(f"landing/{model}/a.csv", version="ba9876543210", after=first)

        assert pinned(second) == ["b.csv"]
        assert (second.files, second.rows) == (1, 1)

    def test_the_later_statement_about_a_file_holds(self, drop, model, upload, pinned):
        gone, back = f"landing/{model}/gone.csv", f"landing/{model}/back.csv"

        registered = drop(
            upload(f"{model}/gone.csv", b"a\n"), gone, back, upload(f"{model}/back.csv", b"b\n")
        )

        assert pinned(registered) == ["back.csv"]

    def test_content_that_landed_under_two_names_goes_with_the_second_withdrawal(
        self, drop, model, upload, pinned
    ):
        first = drop(upload(f"{model}/a.csv", b"same\n"), upload(f"{model}/b.csv", b"same\n"))

        second = drop(f"landing/{model}/a.csv", version="ba9876543210", after=first)
        third = drop(f"landing/{model}/b.csv", version="ca9876543210", after=second)

        assert pinned(second) == ["b.csv"]
        assert second.data_sha256 == first.data_sha256
        assert (pinned(third), third.files) == ([], 0)

    def test_report_that_does_not_match_its_recorded_hash_is_refused(
        self, test, register, model, upload
    ):
        blob = upload(f"{model}/a.csv", b"a\n")

        with pytest.raises(DataMismatchError):
            register(test(blob), blob, report_sha256="0" * 64)

    def test_data_version_cannot_be_pinned_again_with_other_files(
        self, drop, model, upload, accepted
    ):
        first = drop(upload(f"{model}/a.csv", b"a\n"))
        pins = accepted(first.pins)

        with pytest.raises(DataMismatchError):
            drop(upload(f"{model}/b.csv", b"b\n"))

        assert accepted(first.pins) == pins

    def test_small_part_of_an_export_is_kept_with_the_rows_that_arrived_together(
        self, test, model, upload, accepted
    ):
        part, rest = upload(f"{model}/0.csv", b"a\n"), upload(f"{model}/1.csv", b"b\nb\nb\n")

        first, again = (test(part, rest, data_tests=MarkedDataTests(4)) for _ in range(2))

        assert first == again
        assert (first.accepted, first.quarantined, first.rows) == (2, 0, 4)
        report = json.loads(accepted(first.report))
        assert accepted(report["files"][0]["path"]) == b"a\n"

    def test_too_few_rows_together_are_quarantined_with_the_number_of_all(
        self, test, model, upload, accepted, set_aside
    ):
        blobs = [upload(f"{model}/{number}.csv", b"a\n") for number in range(3)]

        first, again = (test(*blobs, data_tests=MarkedDataTests(4)) for _ in range(2))

        assert first == again
        assert (first.accepted, first.quarantined) == (0, 3)
        said = "1 row, 3 with all that arrived together, limit at least 4; land more rows together"
        assert said in first.findings[0]
        report = json.loads(accepted(first.report))
        assert set_aside(report["files"][2]["path"]) == b"a\n"

    def test_small_file_that_is_overwritten_after_its_test_is_superseded(self, test, model, upload):
        part, rest = upload(f"{model}/0.csv", b"a\n"), upload(f"{model}/1.csv", b"b\nb\nb\n")

        class Overwriting(MarkedDataTests):
            def test(self, model, file, name):
                if name == "1.csv":
                    upload(f"{model}/0.csv", b"new\n")
                return super().test(model, file, name)

        tested = test(part, rest, data_tests=Overwriting(4))

        assert (tested.accepted, tested.superseded) == (1, 1)

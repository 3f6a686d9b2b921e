"""The contract of `Ledger`, run on the double and on Azurite."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING

import pytest

from shared.adapters.clock import SystemClock
from shared.adapters.in_memory import InMemoryCatalog, InMemoryQueue
from shared.domain.data import BlobRef, DataArrived
from shared.domain.evolve import evolve, fold
from shared.domain.facts import Entry, Fact
from shared.domain.notices import AlertRaised
from shared.domain.policy import Policy
from shared.domain.state import State
from shared.errors import LedgerConflictError
from shared.ports.ledger import ArrivalMark, DueEffect, Head
from shared.usecases.record_fact import RecordFact

if TYPE_CHECKING:
    from shared.ports.ledger import Ledger

NOW_UTC = datetime(2026, 3, 14, 6, 0, 0, 123456, tzinfo=UTC)


def arrival(number: int, *, etag: str = "0x1", sequencer: str | None = None) -> DataArrived:
    return DataArrived(BlobRef("landing", f"m/grün {number}#?.csv", etag), 10, sequencer)


def append(
    ledger: Ledger, head: Head, *facts: Fact, due: tuple[str, ...] = (), undue: tuple[str, ...] = ()
) -> Head:
    state, entries = head.state, []
    for fact in facts:
        entry = Entry(state.count + 1, NOW_UTC, fact)
        state = evolve(state, entry)
        entries.append(entry)
    rows = [DueEffect(key, NOW_UTC) for key in due]
    return ledger.commit(head, entries, state=state, due=rows, undue=undue)


class LedgerSuite:
    """Subclasses provide the fixture `ledger`."""

    @pytest.fixture
    def model(self) -> str:
        return f"m-{uuid.uuid4().hex[:12]}"

    def test_model_without_facts_has_an_empty_head(self, ledger, model):
        head = ledger.head(model)

        assert head.state == State(model)
        assert head.etag is None
        assert list(ledger.entries(model)) == []

    def test_committed_facts_and_due_effects_are_read_back(self, ledger, model):
        facts = [arrival(1, sequencer="00a"), AlertRaised("x", "Straße ≥ 1 %")]

        after = append(ledger, ledger.head(model), *facts, due=("cycle:test", "alert:2"))

        assert ledger.head(model) == after
        assert [entry.fact for entry in ledger.entries(model)] == facts
        assert [entry.seq for entry in ledger.entries(model)] == [1, 2]
        assert next(iter(ledger.entries(model))).at_utc == NOW_UTC
        assert fold(model, ledger.entries(model)) == after.state
        assert {row.effect for row in ledger.due(model)} == {"cycle:test", "alert:2"}
        assert ledger.knows(model, facts[0].key)
        assert not ledger.knows(model, "blob:landing/other@0x1")
        assert ledger.find(model, facts[1].key) == Entry(2, NOW_UTC, facts[1])
        assert ledger.find(model, "blob:landing/other@0x1") is None

    def test_entries_are_read_by_sequence_range(self, ledger, model):
        append(ledger, ledger.head(model), *[arrival(number) for number in range(5)])

        assert [entry.seq for entry in ledger.entries(model, after=1, to=3)] == [2, 3]
        assert [entry.seq for entry in ledger.entries(model, after=3)] == [4, 5]

    def test_commit_on_a_stale_head_is_refused_and_writes_nothing(self, ledger, model):
        old = ledger.head(model)
        current = append(ledger, old, arrival(1), due=("a",))

        with pytest.raises(LedgerConflictError):
            append(ledger, old, arrival(2), due=("b",))

        assert ledger.head(model) == current
        assert [row.effect for row in ledger.due(model)] == ["a"]
        assert not ledger.knows(model, arrival(2).key)

    def test_commit_is_refused_by_the_etag_even_if_all_its_rows_are_new(self, ledger, model):
        first = append(ledger, ledger.head(model), arrival(1), due=("a",))
        append(ledger, first, arrival(2))
        # All its rows would be new, so only the ETag inside the transaction refuses it.
        beyond = replace(first, state=replace(first.state, count=5))

        # The first commit of a stream that already exists is refused too.
        before_all = Head(State(model, count=7))

        for stale in (first, beyond, before_all):
            with pytest.raises(LedgerConflictError):
                append(ledger, stale, arrival(3), due=("b",), undue=("a",))

        assert ledger.head(model).state.count == 2
        assert [row.effect for row in ledger.due(model)] == ["a"]
        assert not ledger.knows(model, arrival(3).key)

    def test_commit_of_due_effects_alone_on_a_stale_head_is_refused(self, ledger, model):
        old = append(ledger, ledger.head(model), arrival(1), due=("a",))
        current = append(ledger, old, arrival(2), due=("b",))

        with pytest.raises(LedgerConflictError):
            append(ledger, old, due=("c",), undue=("a",))

        assert ledger.head(model) == current
        assert {row.effect for row in ledger.due(model)} == {"a", "b"}

    def test_commit_that_would_overwrite_a_fact_is_refused(self, ledger, model):
        head = append(ledger, ledger.head(model), arrival(1), arrival(2))
        miscounted = replace(head, state=replace(head.state, count=1))

        with pytest.raises(LedgerConflictError):
            append(ledger, miscounted, arrival(3))

        assert ledger.head(model) == head
        assert [entry.fact for entry in ledger.entries(model)] == [arrival(1), arrival(2)]

    def test_commit_containing_a_duplicate_fact_is_refused_as_a_whole(self, ledger, model):
        head = append(ledger, ledger.head(model), arrival(1))

        with pytest.raises(LedgerConflictError):
            append(ledger, head, arrival(2), arrival(1), due=("x",))

        assert ledger.head(model) == head
        assert not ledger.knows(model, arrival(2).key)
        assert list(ledger.due(model)) == []

    def test_commit_adds_and_removes_due_effects(self, ledger, model):
        head = append(ledger, ledger.head(model), arrival(1), due=("a/b #?", "b"))

        append(ledger, head, arrival(2), due=("c",), undue=("a/b #?",))

        assert {row.effect for row in ledger.due(model)} == {"b", "c"}
        assert ledger.due_effect(model, "a/b #?") is None
        assert ledger.due_effect(model, "b") == DueEffect("b", NOW_UTC)

    @pytest.mark.parametrize("change", [{"due": ("a",)}, {"undue": ("b",)}])
    def test_adding_a_due_effect_twice_or_removing_a_missing_one_is_refused(
        self, ledger, model, change
    ):
        head = append(ledger, ledger.head(model), arrival(1), due=("a",))

        with pytest.raises(LedgerConflictError):
            append(ledger, head, arrival(2), **change)

        assert ledger.head(model) == head
        assert [row.effect for row in ledger.due(model)] == ["a"]

    def test_second_update_of_the_same_due_row_is_refused(self, ledger, model):
        append(ledger, ledger.head(model), arrival(1), due=("a",))
        row = ledger.due_effect(model, "a")
        later = replace(
            row, turn=1, failures=1, due_utc=NOW_UTC + timedelta(seconds=2), begun_utc=NOW_UTC
        )

        assert ledger.update_due(model, row, later)
        assert not ledger.update_due(model, row, replace(row, turn=1))

        assert ledger.due_effect(model, "a") == later

    def test_exactly_one_of_eight_concurrent_updates_of_a_due_effect_wins(self, ledger, model):
        append(ledger, ledger.head(model), arrival(1), due=("a",))
        row = ledger.due_effect(model, "a")

        for turn in range(1, 6):
            later = [replace(row, turn=turn, failures=number) for number in range(8)]
            with ThreadPoolExecutor(len(later)) as threads:
                won = list(threads.map(partial(ledger.update_due, model, row), later))
            assert won.count(True) == 1
            row = later[won.index(True)]
            assert ledger.due_effect(model, "a") == row

    def test_effect_that_is_no_longer_due_cannot_be_updated(self, ledger, model):
        head = append(ledger, ledger.head(model), arrival(1), due=("a",))
        row = ledger.due_effect(model, "a")
        append(ledger, head, arrival(2), undue=("a",))

        assert not ledger.update_due(model, row, replace(row, turn=1))
        assert ledger.due_effect(model, "a") is None

    def test_arrival_mark_keeps_the_newest_content_of_each_blob(self, ledger, model):
        head = append(ledger, ledger.head(model), arrival(1, etag="0x1", sequencer="01"))
        head = append(ledger, head, arrival(1, etag="0x2", sequencer="02"))
        append(ledger, head, replace(arrival(1, etag="0x0", sequencer="00"), stale=True))

        place = arrival(1).blob.place

        assert ledger.arrival(model, place) == ArrivalMark("0x2", "02")
        assert ledger.arrivals(model) == {place: ArrivalMark("0x2", "02")}
        assert ledger.arrival(model, "landing/m/never.csv") is None

    def test_facts_and_state_beyond_the_string_limit_are_stored(self, ledger, model):
        facts = [AlertRaised(f"a{number}", "ä" * 40_000) for number in range(5)]

        after = append(ledger, ledger.head(model), *facts)

        assert ledger.head(model) == after
        assert [entry.fact for entry in ledger.entries(model)] == facts

    def test_models_have_separate_streams(self, ledger, model):
        append(ledger, ledger.head(model), arrival(1), due=("a",))

        other = f"{model}-x"

        assert ledger.head(other).etag is None
        assert list(ledger.due(other)) == []
        assert not ledger.knows(other, arrival(1).key)

    def test_facts_of_six_concurrent_writers_are_numbered_without_gaps(self, ledger, model):
        policy = Policy(
            "c",
            reasons=frozenset(),
            cooldown=timedelta(0),
            drift_overrides_cooldown=False,
            jobs_per_30_days=1,
        )
        clock = SystemClock()
        failures: list[BaseException] = []

        def write(writer: int) -> None:
            # A recorder each, as in separate processes: only the ledger orders the commits.
            record = RecordFact(
                ledger=ledger,
                work=InMemoryQueue(clock),
                catalog=InMemoryCatalog({model: policy}),
                clock=clock,
                random=Random(writer),  # noqa: S311 - jitter
            )
            for number in range(10):
                fact = AlertRaised(f"{writer}-{number}", "x")
                try:
                    _until_won(record, model, fact)
                except BaseException as exc:  # noqa: BLE001 - raised again in the test's thread
                    failures.append(exc)
                    return

        threads = [threading.Thread(target=write, args=(writer,)) for writer in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert failures == []
        entries = list(ledger.entries(model))
        assert [entry.seq for entry in entries] == list(range(1, 61))
        assert len({entry.fact.key for entry in entries}) == 60
        assert ledger.head(model).state == fold(model, entries)
        assert len(ledger.due(model)) == 60


def _until_won(record: RecordFact, model: str, fact: Fact) -> None:
    while True:
        try:
            record(model, fact)
        except LedgerConflictError:
            continue  # as the host does by redelivering the message
        return

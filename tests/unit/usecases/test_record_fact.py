"""Recording a fact: duplicates, stale arrivals, lost races, and the work messages sent."""

from __future__ import annotations

import contextlib
import threading
from datetime import timedelta

import pytest
from recording import OneModel, arrival

from shared.adapters.in_memory import InMemoryLedger
from shared.domain.data import DataArrived
from shared.domain.evolve import evolve
from shared.domain.facts import Entry
from shared.domain.retraining import CycleOpened
from shared.domain.rollout import ChampionPromoted
from shared.errors import LedgerConflictError, UnknownModelError


def arrived(world):
    return [fact for fact in world.facts() if isinstance(fact, DataArrived)]


class LosingLedger(InMemoryLedger):
    """The first commits lose their race; another host's fact is in between."""

    def __init__(self, races):
        super().__init__()
        self.races = races
        self.tries = 0

    def commit(self, head, entries, **changes):
        self.tries += 1
        if self.tries <= self.races:
            raise LedgerConflictError("overtaken")
        return super().commit(head, entries, **changes)


def test_due_effect_is_sent_once_without_delay():
    world = OneModel()

    world.record("m", arrival())

    ((effect, visible_utc),) = world.messages()
    assert effect.endswith(":test")
    assert visible_utc == world.clock.now_utc()
    assert {row.effect for row in world.ledger.due("m")} == {effect}


def test_delayed_effect_is_sent_with_its_delay():
    world = OneModel()
    cycle = world.record("m", arrival()).state.cycle
    soak = timedelta(hours=3)

    world.record("m", ChampionPromoted(cycle.cycle_id, "2", over="1", fact_seq=5, soak=soak))

    (row,) = [row for row in world.ledger.due("m") if row.effect.startswith("retire:1")]
    assert row.due_utc == world.clock.now_utc() + soak
    assert (row.effect, row.due_utc) in world.messages()


def test_duplicate_fact_is_not_recorded_and_sends_nothing():
    world = OneModel()
    world.record("m", arrival())
    sent = world.messages()

    again = world.record("m", arrival())

    assert not again.new
    assert world.messages() == sent
    assert arrived(world) == [arrival()]


@pytest.mark.parametrize(
    ("sequencer", "stale"), [("0a", True), ("9", True), ("0c", False), (None, False)]
)
def test_arrival_with_a_lower_sequencer_is_stale(sequencer, stale):
    world = OneModel()
    world.record("m", arrival("0x2", sequencer="0b"))

    world.record("m", arrival("0x1", sequencer=sequencer))

    assert [fact.stale for fact in arrived(world)] == [False, stale]
    assert world.ledger.arrival("m", "landing/m/a.csv").etag == ("0x2" if stale else "0x1")


def test_lost_race_is_retried_after_a_pause():
    world = OneModel(LosingLedger(races=3))
    began_utc = world.clock.now_utc()

    assert world.record("m", arrival()).new

    assert world.ledger.tries >= 4
    assert world.clock.now_utc() > began_utc


def test_eighth_lost_race_raises_and_writes_nothing():
    world = OneModel(LosingLedger(races=8))

    with pytest.raises(LedgerConflictError, match="lost 8 races"):
        world.record("m", arrival())

    assert world.facts() == []
    assert world.messages() == []


def test_race_lost_to_the_same_fact_counts_as_a_duplicate():
    class Doubled(InMemoryLedger):
        """Another host commits the same first fact just before."""

        overtaken = False

        def commit(self, head, entries, **changes):
            if not self.overtaken:
                self.overtaken = True
                super().commit(head, entries, **changes)
            return super().commit(head, entries, **changes)

    world = OneModel(Doubled())

    assert not world.record("m", arrival()).new
    assert arrived(world) == [arrival()]


def test_commits_to_one_model_within_a_process_are_serialised():
    meeting = threading.Barrier(2)

    class Watched(InMemoryLedger):
        """Two commits at once would meet here."""

        met = False

        def commit(self, head, entries, **changes):
            with contextlib.suppress(threading.BrokenBarrierError):
                meeting.wait(timeout=0.1)
                self.met = True
            return super().commit(head, entries, **changes)

    world = OneModel(Watched())
    threads = [
        threading.Thread(target=world.record, args=("m", arrival(name=f"{number}.csv")))
        for number in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not world.ledger.met
    assert len(arrived(world)) == 2


def test_unknown_model_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownModelError, match="Did you mean m"):
        OneModel().record("mm", arrival())


def test_missing_decisions_after_a_fact_are_recorded_once():
    world = OneModel()
    head = world.ledger.head("m")
    entry = Entry(1, world.clock.now_utc(), arrival())
    world.ledger.commit(head, [entry], state=evolve(head.state, entry), due=[], undue=[])

    assert world.record.go_on("m")
    assert not world.record.go_on("m")

    assert [type(fact) for fact in world.facts()] == [DataArrived, CycleOpened]
    assert len(world.messages()) == 1

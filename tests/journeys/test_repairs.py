"""What reconcile repairs, and what it leaves unchanged."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from chances import CALM, POLICY, Chances
from simulated_world import World
from simulation import check, simulate
from unreliable import CountingLedger, Crash

from shared.domain.data import DataArrived
from shared.domain.drift import DriftVerdict
from shared.domain.evolve import evolve
from shared.domain.facts import Entry
from shared.domain.jobs import ChallengerEvaluated, ChallengerRegistered
from shared.domain.notices import EffectFailed
from shared.domain.retraining import CycleEnded, Outcome, ReasonKind
from shared.errors import ServiceBusyError
from shared.ports.ledger import DueEffect
from shared.ports.queues import WorkMessage
from shared.usecases.perform_effect import Performed


def with_champion(**kwargs) -> World:
    world = World(**kwargs)
    world.upload("diabetes/first.csv", b"a\nb\n")
    world.run_until_quiet()
    return world


def facts(world, kind):
    return [e.fact for e in world.ledger.entries("diabetes") if isinstance(e.fact, kind)]


def test_file_without_event_is_found_by_reconcile_and_used():
    world = World(chances=replace(CALM, event_lost=1.0))

    world.upload("diabetes/first.csv", b"a\nb\n")
    world.run_until_quiet()

    assert [fact.source for fact in facts(world, DataArrived)] == ["reconcile"]
    assert world.ledger.head("diabetes").state.past[-1].outcome is Outcome.PROMOTED


def test_event_delivered_twenty_times_gives_one_cycle_one_job_one_deployment():
    world = World()
    world.upload("diabetes/first.csv", b"a\nb\n")
    (message,) = world.events.messages.values()
    for number in range(20):
        world.events.send_again(str(message.body), delay=timedelta(seconds=number * 31))

    world.run_until_quiet()

    assert len(world.ledger.head("diabetes").state.past) == 1
    assert len(world.azure_ml.jobs) == 1
    assert world.endpoints.created == {("diabetes", "version-1"): 1}


def test_late_event_for_older_content_is_stale_and_not_tested():
    world = World()
    old = world.blobs.upload("landing", "diabetes/a.csv", b"old\n")
    new = world.blobs.upload("landing", "diabetes/a.csv", b"new\n")
    host = world.hosts[0]

    host.arrive(DataArrived(new, 4, sequencer="0a"))
    host.arrive(DataArrived(old, 4, sequencer="9"))
    world.run_until_quiet()

    assert [fact.stale for fact in facts(world, DataArrived)] == [False, True]
    assert len(world.ledger.head("diabetes").state.past) == 1


def test_file_overwritten_before_it_was_read_is_superseded():
    world = World()
    world.upload("diabetes/a.csv", b"old\n")
    world.blobs.upload("landing", "diabetes/a.csv", b"new\nnew\n")  # its event never comes

    world.run_until_quiet()

    state = world.ledger.head("diabetes").state
    assert [past.outcome for past in state.past] == [Outcome.SUPERSEDED, Outcome.PROMOTED]
    assert state.data is not None
    assert state.data.rows == 2


def test_files_of_an_effect_that_was_given_up_go_into_the_next_cycle():
    world = World()
    world.upload("diabetes/first.csv", b"a\nb\n")

    class Down:
        def register_data(self, *_args, **_kwargs):
            raise ServiceBusyError("Azure ML has not answered")

    hosts = world.hosts
    world.replace_ports(registry=Down())
    world.run_for(timedelta(hours=12))
    world.hosts = hosts

    (failed,) = facts(world, EffectFailed)
    assert "tried 100 times" in failed.sentence
    state = world.ledger.head("diabetes").state
    assert state.past[-1].outcome is Outcome.FAILED

    world.upload("diabetes/second.csv", b"c\nd\n")
    world.run_until_quiet()

    state = world.ledger.head("diabetes").state
    assert state.past[-1].outcome is Outcome.PROMOTED
    assert state.data is not None
    assert state.data.files == 2


def test_effect_that_always_crashes_its_worker_is_given_up():
    world = World()
    world.upload("diabetes/first.csv", b"a\nb\n")

    class Bug:
        def fetch(self, _blob):
            raise ZeroDivisionError

        def landed(self, _model):
            return []

        def unclaimed(self, _models):
            return []

    world.replace_ports(data=Bug())
    world.hosts = [
        replace(host, reconcile=replace(host.reconcile, data=Bug())) for host in world.hosts
    ]
    for _ in range(200):
        for message in world.events.visible():
            world.deliver(message)
        for message in world.work.visible():
            world.work.take(message)
            try:
                world.hosts[0].perform(message.body)
            except ZeroDivisionError:
                world.work.release(message)
            else:
                world.work.acknowledge(message)
        world.clock.advance(timedelta(minutes=10))
        world.hosts[0].reconcile()

    (failed,) = facts(world, EffectFailed)
    assert "crashed 20 times" in failed.sentence
    assert world.ledger.head("diabetes").state.cycle is None
    assert any("work-poison" in alert.sentence for alert in world.ports.alerts.sent.values())


def test_error_in_one_model_does_not_stop_the_repairs_of_others():
    world = World(policies={"diabetes": POLICY, "iris": POLICY})
    world.upload("iris/a.csv", b"a\nb\n")
    world.run_until_quiet()

    class Down:
        def endpoint(self, model):
            raise ServiceBusyError(f"{model}: Azure ML has not answered")

    reconcile = world.hosts[0].reconcile
    down = replace(reconcile, endpoints=Down())
    world.blobs.upload("landing", "diabetes/lost.csv", b"a\nb\n")
    world.clock.advance(timedelta(minutes=5))

    repairs = down()

    assert repairs.errors == ["iris: iris: Azure ML has not answered"]
    assert repairs.arrivals == 1


def test_duplicate_message_of_a_waiting_effect_is_obsolete():
    world = World()
    world.upload("diabetes/first.csv", b"a\nb\n")
    while not any("watch" in str(item.body) for item in world.work.messages.values()):
        if not world.step():
            world.clock.advance(timedelta(seconds=1))
    (message,) = world.work.messages.values()
    world.work.send(message.body)
    world.clock.advance(timedelta(seconds=3))

    results = [world.hosts[number].perform(message.body) for number in (0, 1)]

    assert results == [Performed.WAITING, Performed.OBSOLETE]
    assert world.hosts[0].perform(WorkMessage("diabetes", "nobody:asked")) is Performed.OBSOLETE


def test_drift_check_is_requested_once_a_day_and_only_with_a_champion():
    world = World()
    asked = world.hosts[0].check_drift("diabetes")
    assert asked.fact_key is None
    assert "no version serves yet" in asked.sentence

    world = with_champion()
    first = world.hosts[0].check_drift("diabetes")
    second = world.hosts[1].check_drift("diabetes")

    assert (first.new, second.new) == (True, False)
    assert first.fact_key == second.fact_key
    world.run_until_quiet()
    ((_, effect),) = world.ports.drift_checks.checked
    assert effect.window_end_utc - effect.window_start_utc == timedelta(days=1)
    assert world.ledger.head("diabetes").state.last_drift.verdict is DriftVerdict.DRIFT


@pytest.mark.parametrize("seed", [random.Random(5).randrange(10**6)])  # noqa: S311 - a seed
def test_all_cycles_end_even_if_half_of_the_events_are_lost(seed):
    world, _ = simulate(cycles=40, seed=seed, chances=Chances(event_lost=0.5, event_doubled=0.5))

    check(world)


class CrashingLedger(CountingLedger):
    """Crashes its host once, when `commits_left` reaches zero."""

    commits_left = 1_000_000
    most_entries = 0

    def commit(self, head, entries, **changes):
        self.commits_left -= 1
        self.most_entries = max(self.most_entries, len(entries))
        if self.commits_left == 0:
            raise Crash
        return super().commit(head, entries, **changes)


def register_forty_versions(world: World) -> None:
    """Registered manually while a cycle is open; the policy allows none of them as a reason."""
    world.policies["diabetes"] = replace(POLICY, reasons=frozenset({ReasonKind.DATA}))
    world.upload("diabetes/first.csv", b"a\nb\n")
    while world.ledger.head("diabetes").state.cycle is None:
        world.step()
    for number in range(40):
        world.hosts[0].record("diabetes", ChallengerRegistered(f"manual-{number}"))


def test_forty_decisions_are_committed_in_several_transactions():
    world = World(make_ledger=CrashingLedger)
    register_forty_versions(world)

    world.run_until_quiet()

    past = [line.outcome for line in world.ledger.head("diabetes").state.past]
    assert len(facts(world, CycleEnded)) == 41
    assert past == [Outcome.NOT_RETRAINED] * 20
    assert world.ledger.most_entries == 21  # two rows each, of a hundred


@pytest.mark.parametrize("commits", [1, 2, 3])
def test_decisions_left_by_a_crashed_host_are_completed_by_reconcile(commits):
    world = World(make_ledger=CrashingLedger)
    register_forty_versions(world)
    while world.azure_ml.models.get("diabetes") is None or not facts(world, ChallengerEvaluated):
        world.run_for(timedelta(seconds=30))
    world.ledger.commits_left = commits

    world.run_until_quiet()

    assert world.crashes == 1
    assert len(facts(world, CycleEnded)) == 41


def test_fact_recorded_without_its_decision_is_completed_by_reconcile():
    world = World()
    blob = world.blobs.upload("landing", "diabetes/first.csv", b"a\nb\n")
    head = world.ledger.head("diabetes")
    entry = Entry(1, world.clock.now_utc(), DataArrived(blob, 4))
    # Its host crashed, or an older version of the app decided nothing.
    world.ledger.commit(head, [entry], state=evolve(head.state, entry), due=[], undue=[])

    repairs = world.hosts[0].reconcile()

    assert repairs.decided == 1
    assert world.ledger.head("diabetes").state.cycle is not None
    world.run_until_quiet()
    assert world.ledger.head("diabetes").state.champion is not None


def test_outbox_written_by_another_version_is_rebuilt():
    world = World()
    world.upload("diabetes/first.csv", b"a\nb\n")
    while not (due := world.ledger.due("diabetes")):
        world.step()
    head = world.ledger.head("diabetes")
    world.ledger.commit(
        head,
        (),
        state=head.state,
        due=[DueEffect("an-effect-of-old:1", world.clock.now_utc())],
        undue=[row.effect for row in due],
    )

    world.run_until_quiet()

    assert world.ledger.head("diabetes").state.past[-1].outcome is Outcome.PROMOTED


def test_file_in_landing_is_used_even_if_its_event_looked_stale():
    world = World()
    gone = world.blobs.upload("landing", "diabetes/a.csv", b"old\n")
    there = world.blobs.upload("landing", "diabetes/a.csv", b"new\nnew\n")
    world.hosts[0].arrive(DataArrived(gone, 4, sequencer="0b"))
    world.hosts[0].arrive(DataArrived(there, 8, sequencer="0a"))

    world.run_until_quiet()
    world.run_for(timedelta(hours=2))

    assert [(f.stale, f.listed) for f in facts(world, DataArrived)] == [
        (False, False),
        (True, False),
        (False, True),
    ]
    data = world.ledger.head("diabetes").state.data
    assert data is not None
    assert data.rows == 2


def test_manually_registered_version_without_event_is_found_by_reconcile():
    world = with_champion()
    world.chances = replace(CALM, event_lost=1.0)
    version = world.azure_ml.register("diabetes", {"author": "Ada"})

    world.run_for(timedelta(hours=6))

    (last,) = (line for line in world.ledger.head("diabetes").state.past if line.version == version)
    assert last.reasons == (ReasonKind.MODEL,)
    assert len([f for f in facts(world, ChallengerRegistered) if f.version == version]) == 1


def test_version_registered_days_ago_is_ignored_by_reconcile():
    world = with_champion()
    world.chances = replace(CALM, event_lost=1.0)
    world.run_for(timedelta(days=1))
    world.azure_ml.register("diabetes", {})
    world.clock.advance_to(world.clock.now_utc() + timedelta(days=4))

    world.run_for(timedelta(hours=1))

    assert len(facts(world, ChallengerRegistered)) == 1


def test_unclaimed_blob_is_alerted_once_by_event_or_reconcile():
    world = World()
    world.upload("nobody/a.csv", b"x\n")
    world.upload("stray.csv", b"x\n")
    world.run_for(timedelta(minutes=1))
    written = {item.blob.etag for item in world.blobs.listing("quarantine")}

    world.run_for(timedelta(hours=1))

    assert world.hosts[0].reconcile().rejected == 0
    assert {item.blob.etag for item in world.blobs.listing("quarantine")} == written
    assert len(world.ports.alerts.sent) == 2


def test_marks_and_folders_of_an_export_make_no_cycle_no_copy_and_no_alert():
    world = World()
    for name in ("_SUCCESS", "_started_17", "_committed_17", ".part-0.csv.crc", "", "folder"):
        world.upload(f"diabetes/export/{name}", b"")
    world.upload("_SUCCESS", b"")
    world.upload("nobody/_SUCCESS", b"")

    world.run_for(timedelta(hours=1))  # by event and by reconcile

    assert world.ledger.head("diabetes").state.count == 0
    assert world.blobs.listing("quarantine") == []
    assert not world.ports.alerts.sent


def test_parts_beside_marks_are_used():
    world = World()
    for name, content in {"_SUCCESS": b"", "part-0.csv": b"a\nb\n", "part-1.csv": b""}.items():
        world.upload(f"diabetes/export/{name}", content)

    world.run_until_quiet()

    data = world.ledger.head("diabetes").state.data
    assert (data.files, data.rows) == (1, 2)
    assert not world.ports.alerts.sent


def test_reconcile_records_at_most_a_thousand_files_a_run():
    world = World()
    for number in range(1_200):
        world.blobs.upload("landing", f"diabetes/{number}.csv", b"%d\n" % number)
    world.clock.advance_to(world.clock.now_utc() + timedelta(minutes=5))

    first, second = (world.hosts[0].reconcile() for _ in range(2))

    assert (first.arrivals, second.arrivals) == (1_000, 200)
    assert first.errors == [
        "diabetes: 1,200 files without an event, limit 1,000 a run; the next one goes on"
    ]
    assert second.errors == []


def test_repeated_request_returns_the_cycle_that_took_it():
    world = World()
    world.upload("diabetes/first.csv", b"a\nb\n")
    while world.ledger.head("diabetes").state.cycle is None:
        world.step()
    world.upload("diabetes/second.csv", b"c\nd\n")
    ask = partial(world.hosts[0].request, "diabetes", request="audit-7", text="new labels")
    assert ask().cycle_id is None  # the open cycle must end first
    world.run_until_quiet()

    again = ask()

    assert not again.new
    assert again.cycle_id == world.ledger.head("diabetes").state.past[-1].cycle_id

"""Rechecked days, and windows too large for a function, through the whole app."""

from __future__ import annotations

from datetime import date, timedelta

from simulated_world import World

from shared.adapters.in_memory import InMemoryCatalog, JobScript
from shared.domain.drift import DriftChecked, DriftVerdict
from shared.domain.jobs import JobFinished, JobSubmitted
from shared.domain.notices import EffectFailed
from shared.usecases.explain import Explain


def with_champion() -> World:
    world = World()
    world.ports.drift_checks.verdict_of = lambda *_: DriftVerdict.NO_DRIFT
    world.upload("diabetes/first.csv", b"a\nb\n")
    world.run_until_quiet()
    return world


def checked(world):
    return [
        entry.fact
        for entry in world.ledger.entries("diabetes")
        if isinstance(entry.fact, DriftChecked)
    ]


def run_daily_timer(world):
    for host in world.hosts:  # on both hosts, as a timer that fires twice would
        host.check_drift("diabetes")
        host.check_drift.late("diabetes")
    world.run_until_quiet()


def advance_one_day(world):
    world.run_for(timedelta(days=1))


def test_late_rows_trigger_a_revision_whose_drift_opens_a_cycle():
    world = with_champion()
    run_daily_timer(world)
    (first,) = checked(world)
    world.late["diabetes", first.window_start_utc.date()] = 500
    world.ports.drift_checks.verdict_of = lambda _model, effect: (
        DriftVerdict.DRIFT if effect.revision else DriftVerdict.NO_DRIFT
    )

    advance_one_day(world)
    run_daily_timer(world)

    again = next(fact for fact in checked(world) if fact.revision == 1)
    assert again.day == first.day
    assert again.window_end_utc == first.window_end_utc
    assert len(world.ports.publisher.published) == 1
    past = world.ledger.head("diabetes").state.past[-1]
    assert [kind.value for kind in past.reasons] == ["drift"]
    told = Explain(world.ledger, InMemoryCatalog(world.policies))("diabetes", past.cycle_id)
    assert told is not None
    assert told.steps[0].sentence.endswith(
        f"Report: GET /api/models/diabetes/drift/{first.day.isoformat()}."
    )

    jobs = len(world.azure_ml.jobs)
    run_daily_timer(world)
    assert len(world.azure_ml.jobs) == jobs


def test_day_without_late_rows_is_not_rechecked():
    world = with_champion()
    run_daily_timer(world)

    advance_one_day(world)
    run_daily_timer(world)

    assert [fact.revision for fact in checked(world)] == [0, 0]


def test_day_with_too_few_rows_is_rechecked_for_three_days():
    world = with_champion()
    world.ports.drift_checks.verdict_of = lambda *_: DriftVerdict.NOT_ENOUGH_DATA
    host = world.hosts[0]
    host.check_drift("diabetes")
    world.run_until_quiet()
    (first,) = checked(world)

    for _ in range(5):
        advance_one_day(world)
        host.check_drift.late("diabetes")
        world.run_until_quiet()

    assert [fact.revision for fact in checked(world)] == [0, 1, 2, 3]
    assert {fact.day for fact in checked(world)} == {first.day}


def test_day_can_be_rechecked_manually_after_late_rows_arrived():
    world = with_champion()
    host = world.hosts[0]
    host.check_drift("diabetes")
    world.run_until_quiet()
    (first,) = checked(world)
    assert not host.check_drift("diabetes").new
    world.late["diabetes", first.window_start_utc.date()] = 3

    asked = host.check_drift("diabetes", first.day)

    assert asked.new
    assert asked.fact_key == f"{first.key}:r1"
    assert not world.hosts[1].check_drift("diabetes", first.day).new
    world.run_until_quiet()
    assert [fact.revision for fact in checked(world)] == [0, 1]


def test_repeated_check_of_today_covers_the_longer_window():
    world = with_champion()
    host = world.hosts[0]
    host.check_drift("diabetes")
    world.run_until_quiet()
    (night,) = checked(world)
    world.run_for(timedelta(hours=4))
    world.late["diabetes", night.window_start_utc.date()] = 50

    host.check_drift("diabetes")
    world.run_until_quiet()

    morning = checked(world)[-1]
    assert (morning.day, morning.revision) == (night.day, 1)
    assert morning.window_end_utc - night.window_end_utc >= timedelta(hours=4)


def test_large_window_requested_twice_runs_one_job():
    world = with_champion()
    world.ports.drift_checks.is_large = lambda *_: True

    run_daily_timer(world)

    (fact,) = checked(world)
    assert fact.verdict is DriftVerdict.NO_DRIFT
    names = [name for name in world.azure_ml.jobs if name.startswith("drift-")]
    assert len(names) == 1
    kinds = [type(entry.fact) for entry in world.ledger.entries("diabetes")]
    assert kinds.count(JobSubmitted) == 2  # the training job and the drift job
    assert JobFinished in kinds


def test_hanging_drift_job_is_cancelled_after_a_day_and_can_be_requested_again():
    world = with_champion()
    world.ports.drift_checks.is_large = lambda *_: True
    world.azure_ml.script_of = lambda _job: JobScript(timedelta(days=365))
    world.hosts[0].check_drift("diabetes")

    world.run_for(timedelta(hours=26))

    (job,) = [name for name in world.azure_ml.jobs if name.startswith("drift-")]
    assert world.azure_ml.report(job).status == "canceled"
    failed = [e.fact for e in world.ledger.entries("diabetes") if isinstance(e.fact, EffectFailed)]
    assert len(failed) == 1
    said = [alert.sentence for alert in world.ports.alerts.sent.values()]
    assert (
        f"The drift check of 2026-03-14 was given up: waited 1 d for job {job}, "
        "which is the limit." in said
    )

    world.azure_ml.script_of = lambda _job: JobScript()
    day = checked_day(failed[0])
    assert world.hosts[0].check_drift("diabetes", day).new
    world.run_for(timedelta(hours=1))
    assert [fact.day for fact in checked(world)] == [day]


def checked_day(failed: EffectFailed) -> date:

    return date.fromisoformat(failed.effect.split(":")[1])


def test_drift_job_that_fails_twice_is_alerted():
    world = with_champion()
    world.ports.drift_checks.is_large = lambda *_: True
    world.azure_ml.script_of = lambda _job: JobScript(fails=True)

    world.hosts[0].check_drift("diabetes")
    world.run_until_quiet()

    assert checked(world) == []
    said = [alert.sentence for alert in world.ports.alerts.sent.values()]
    assert any("failed twice" in sentence for sentence in said)
    assert world.ledger.head("diabetes").state.champion is not None

"""Facts and what follows from them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stories import (
    CHAMPION,
    CYCLE,
    DATA,
    EVIDENCE,
    NOON_UTC,
    POLICY,
    arrival,
    drift,
    metric,
    plan,
    record,
)

from shared.domain.data import DataRegistered, DataTested, TestData
from shared.domain.drift import CheckDrift, CheckSource, DriftCheckDue, PublishDrift
from shared.domain.evolve import evolve
from shared.domain.facts import Entry
from shared.domain.jobs import ChallengerRegistered, JobFinished, JobStatus, JobSubmitted, SubmitJob
from shared.domain.notices import AlertRaised, EffectDone, EffectFailed, RaiseAlert
from shared.domain.retraining import Outcome, Reason, ReasonKind, RetrainRequested
from shared.domain.rollout import (
    ChampionPromoted,
    DeploymentFailed,
    DeploymentReady,
    DeploymentStarted,
    RestoreTraffic,
    RetireDeployment,
    Role,
    TagModel,
    TrafficChangedOutside,
    TrafficFoundStale,
)
from shared.domain.state import State
from shared.errors import FactConflictError


def after_tests(state, *, accepted=1, quarantined=0, superseded=0):
    cycle_id = state.cycle.cycle_id
    findings = (
        ("File bad.csv quarantined: column bmi: 4.2 % missing, limit 1 %.",) if quarantined else ()
    )
    return DataTested(
        cycle_id,
        accepted,
        quarantined,
        superseded,
        rows=10,
        report="r",
        report_sha256="r",
        findings=findings,
    )


def registered(state, data_sha256="d"):
    cycle_id = state.cycle.cycle_id
    return DataRegistered(cycle_id, cycle_id, "p", "p", data_sha256=data_sha256, rows=10, files=1)


def up_to_job(state, **kwargs):
    state = record(state, after_tests(state), **kwargs)
    return record(state, registered(state), **kwargs)


def evidence(state, challenger=0.43, champion=None, against=None):
    cycle_id = state.cycle.cycle_id
    return replace(
        EVIDENCE,
        cycle_id=cycle_id,
        job_name=f"retrain-{cycle_id}-1",
        champion_version=against,
        metrics=(metric(challenger, champion),),
    )


def up_to_ready(state, version="8", **gate):
    cycle_id = state.cycle.cycle_id
    job = f"retrain-{cycle_id}-1"
    state = record(
        state, JobSubmitted(cycle_id, job, None), ChallengerRegistered(version, cycle_id, job)
    )
    state = record(state, evidence(state, **gate))
    if state.cycle is None:
        return state
    return record(state, DeploymentStarted(cycle_id, version), DeploymentReady(cycle_id, version))


def test_arrivals_during_an_open_cycle_are_batched_into_the_next_one():
    state = record(State("m"), arrival("a.csv"))
    first = state.cycle
    state = record(state, arrival("b.csv"), arrival("c.csv"))

    state = record(state, after_tests(state, accepted=0, superseded=1))

    assert first is not None
    assert state.past[-1].outcome is Outcome.SUPERSEDED
    assert state.cycle is not None
    assert state.cycle.cycle_id != first.cycle_id
    assert state.cycle.opening.arrivals == 2
    (effect,) = plan(state)
    assert isinstance(effect, TestData)
    assert effect.after_seq == first.opening.to_seq


@given(st.lists(st.sampled_from(["arrive", "request", "test", "alert"]), max_size=30))
def test_every_arrival_is_taken_by_exactly_one_cycle(events):
    state, ranges, arrived = State("m"), [], []
    for number, event in enumerate(events):
        before = state.cycle
        if event == "arrive":
            arrived.append(state.count + 1)
            state = record(state, arrival(f"{number}.csv"))
        elif event == "request":
            state = record(state, RetrainRequested(str(number), "why"))
        elif event == "test" and before is not None and before.opening.arrivals:
            state = record(state, after_tests(state, accepted=0, quarantined=1))
        elif event == "alert":
            state = record(state, AlertRaised(str(number), "x"))
        if state.cycle is not None and state.cycle != before:
            opening = state.cycle.opening
            span = (opening.after_seq, opening.to_seq)
            if opening.arrivals and span not in ranges:
                ranges.append(span)

    taken = [seq for seq in arrived if sum(low < seq <= high for low, high in ranges) == 1]
    assert len(taken) == len(arrived) - state.waiting_arrivals
    assert all(sum(low < seq <= high for low, high in ranges) <= 1 for seq in arrived)


def test_promoting_the_first_champion_tags_it_and_ends_the_cycle():
    state = up_to_ready(up_to_job(record(State("m"), arrival())))
    assert state.cycle is not None

    state = record(
        state,
        ChampionPromoted(state.cycle.cycle_id, "8", None, 15, soak=timedelta(hours=1)),
    )

    assert state.cycle is None
    assert state.champion is not None
    assert (state.champion.version, state.champion.reference) == (
        "8",
        "challenger/reference.profile",
    )
    assert state.past[-1].outcome is Outcome.PROMOTED
    assert [type(effect) for effect in state.outstanding] == [TagModel]


def test_old_champions_deployment_is_retired_after_the_soak_time():
    state = replace(up_to_job(record(State("m"), arrival())), champion=CHAMPION)
    state = up_to_ready(state, challenger=0.5, champion=0.4, against="7")
    assert state.cycle is not None

    state = record(
        state, ChampionPromoted(state.cycle.cycle_id, "8", "7", 15, soak=timedelta(hours=1))
    )

    retire = [effect for effect in state.outstanding if isinstance(effect, RetireDeployment)]
    assert [(effect.version, effect.not_before_utc) for effect in retire] == [
        ("7", NOON_UTC + timedelta(hours=1))
    ]
    roles = {e.version: e.role for e in state.outstanding if isinstance(e, TagModel)}
    assert roles == {"8": Role.CHAMPION, "7": Role.RETIRED}


def test_challenger_that_is_not_better_is_rejected_and_the_champion_stays():
    state = replace(up_to_job(record(State("m"), arrival())), champion=CHAMPION)

    state = up_to_ready(state, challenger=0.459, champion=0.459, against="7")

    assert state.cycle is None
    assert state.champion == CHAMPION
    assert state.past[-1].sentence == (
        "Version 8 stays out: not shown to be better. "
        "R² 0.459 against 0.459 (champion 7) on the same 89 rows."
    )
    assert [effect.role for effect in state.outstanding if isinstance(effect, TagModel)] == [
        Role.REJECTED
    ]


@pytest.mark.parametrize(("named", "passed"), [("7", True), ("6", False)])
def test_request_unseats_the_champion_that_it_names_and_no_other(named, passed):
    state = State("m", champion=CHAMPION, data=DATA)
    state = record(state, RetrainRequested("r", "paid_back leaks", "dana", unseat=named))

    state = up_to_ready(state, challenger=0.43, champion=0.99, against="7")

    assert (state.cycle is not None) is passed
    if not passed:
        assert state.past[-1].outcome is Outcome.REJECTED


def test_failed_deployment_ends_the_cycle_and_is_cleaned_up():
    state = up_to_job(record(State("m"), arrival()))
    cycle_id = state.cycle.cycle_id
    job = f"retrain-{cycle_id}-1"
    state = record(state, ChallengerRegistered("8", cycle_id, job))
    state = record(state, evidence(state), DeploymentStarted(cycle_id, "8"))

    state = record(state, DeploymentFailed(cycle_id, "8", "smoke test failed: answered 500"))

    assert state.champion is None
    assert state.past[-1].outcome is Outcome.FAILED
    assert "smoke test failed" in state.past[-1].sentence
    kinds = [type(effect) for effect in state.outstanding]
    assert kinds == [RaiseAlert, TagModel, RetireDeployment]


def test_second_failed_job_ends_the_cycle_with_its_error():
    state = up_to_job(record(State("m"), arrival()))
    cycle_id = state.cycle.cycle_id

    for attempt in (1, 2):
        name = f"retrain-{cycle_id}-{attempt}"
        state = record(state, JobSubmitted(cycle_id, name, None))
        state = record(state, JobFinished(name, JobStatus.FAILED, "step train: exit code 1"))

    assert state.past[-1].outcome is Outcome.FAILED
    assert state.past[-1].sentence == (
        f"Training failed after 2 attempts; last job retrain-{cycle_id}-2: step train: exit code 1."
    )


def test_job_that_would_fail_again_ends_the_cycle_without_a_retry():
    state = up_to_job(record(State("m"), arrival()))
    name = f"retrain-{state.cycle.cycle_id}-1"
    why = "ml/models/m/pipeline.py:3  imports lightgbm, which the training environment lacks"

    state = record(state, JobFinished(name, JobStatus.FAILED, why, final=True))

    assert state.cycle is None
    assert state.past[-1].outcome is Outcome.FAILED
    assert state.past[-1].sentence == (
        f"Training failed and would again, so it was not tried twice; job {name}: {why}."
    )


def test_cancelled_training_job_ends_the_cycle_without_a_retry():
    state = up_to_job(record(State("m"), arrival()))
    name = f"retrain-{state.cycle.cycle_id}-1"

    state = record(state, JobFinished(name, JobStatus.CANCELED))

    assert state.cycle is None
    assert "was cancelled" in state.past[-1].sentence


def test_giving_up_an_effect_ends_the_cycle_and_passes_its_files_to_the_next():
    state = record(State("m"), arrival("a.csv"))
    (step,) = plan(state)

    state = record(state, EffectFailed.of(step, "storage refused"))

    assert state.past[-1].outcome is Outcome.FAILED
    assert state.cycle is None
    state = record(state, arrival("b.csv"))
    assert state.cycle is not None
    assert state.cycle.opening.arrivals == 2
    assert state.cycle.opening.after_seq == 0


def test_late_facts_of_an_ended_cycle_do_not_revert_data_or_champion():
    state = record(State("m", data=DATA), AlertRaised("x", "y"))

    late = DataRegistered("ffffffffffff", "old", "p", "p", data_sha256="o", rows=1, files=1)
    state = record(state, late, ChampionPromoted("ffffffffffff", "3", None, 1))

    assert state.data == DATA
    assert state.champion is None


def test_drift_opens_a_cycle_on_the_newest_data_and_is_published():
    state = State("m", champion=CHAMPION, data=DATA)

    state = record(state, drift())

    assert state.cycle is not None
    assert state.cycle.has(ReasonKind.DRIFT)
    effects = plan(state)
    assert [type(effect) for effect in effects] == [SubmitJob, PublishDrift]


def test_drift_reported_by_another_monitor_is_not_republished():
    state = record(
        State("m", champion=CHAMPION, data=DATA), replace(drift(), source=CheckSource.OUTSIDE)
    )

    assert state.cycle is not None
    assert not any(isinstance(effect, PublishDrift) for effect in plan(state))


def test_drift_against_a_retired_champions_reference_is_ignored():
    state = record(State("m", champion=CHAMPION, data=DATA), drift(profile="6"))

    assert state.cycle is None
    assert plan(state) == ()


def test_drift_check_is_no_longer_due_once_its_result_is_recorded():
    day = date(2026, 3, 14)
    due = DriftCheckDue(day, "7", NOON_UTC - timedelta(days=1), NOON_UTC)
    state = record(State("m", champion=CHAMPION), due)
    assert [type(effect) for effect in plan(state)] == [CheckDrift]

    state = record(state, replace(drift(), verdict="no_drift"))

    assert plan(state) == ()


def test_alert_is_no_longer_due_once_sent_or_given_up():
    state = record(State("m"), AlertRaised("x", "look"))
    (alert,) = plan(state)
    assert isinstance(alert, RaiseAlert)

    assert plan(record(state, EffectDone(alert.key))) == ()
    assert plan(record(state, EffectFailed(alert.key, "no"))) == ()


def test_manual_traffic_change_is_respected_and_alerted():
    state = record(State("m", champion=CHAMPION), TrafficChangedOutside("5", "version-5 100 %", 0))

    assert state.champion is not None
    assert state.champion.version == "5"
    assert state.previous_champion == CHAMPION
    assert [type(effect) for effect in plan(state)] == [RaiseAlert]


def test_stale_traffic_write_is_repaired_and_alerted():
    fact = TrafficFoundStale("version-6 100 %", found_seq=1, fact_seq=3, after_seq=0)

    state = record(State("m", champion=CHAMPION), fact)

    assert [type(effect) for effect in plan(state)] == [RestoreTraffic, RaiseAlert]


def test_history_keeps_the_last_twenty_cycles():
    state = State("m")
    for number in range(30):
        state = record(state, RetrainRequested(str(number), "why"))

    assert len(state.past) == 20
    assert state.past[-1].sentence.startswith("Not retrained: no file has passed its tests yet.")


def test_fact_that_skips_a_sequence_number_is_refused():
    with pytest.raises(FactConflictError, match="cannot follow"):
        evolve(State("m"), Entry(2, NOON_UTC, arrival()))


def test_manually_registered_version_waits_for_the_open_cycle_then_opens_its_own():
    state = replace(record(State("m"), arrival()), champion=CHAMPION, data=DATA)
    state = record(state, ChallengerRegistered("20"), arrival("b.csv"))

    state = record(state, after_tests(state, accepted=0, superseded=1))

    assert state.cycle is not None
    assert [reason.version for reason in state.cycle.opening.reasons] == ["20"]
    assert state.cycle.opening.arrivals == 0
    assert state.waiting_arrivals == 1
    (effect,) = plan(state)
    assert isinstance(effect, SubmitJob)
    assert effect.job_name == f"evaluate-{state.cycle.cycle_id}-1"
    assert effect.challenger_version == "20"
    assert state.cycle.cycle_id != CYCLE
    assert POLICY.max_attempts == 2


def test_manually_registered_version_is_not_evaluated_unless_the_policy_allows_it():
    policy = replace(POLICY, reasons=frozenset({ReasonKind.DATA}))
    state = State("m", champion=CHAMPION, data=DATA)

    state = record(state, ChallengerRegistered("8"), policy=policy)

    assert state.past[-1].outcome is Outcome.NOT_RETRAINED
    assert "a version registered by hand is not a reason" in state.past[-1].sentence
    assert state.outstanding == ()  # never judged, so not tagged as rejected either


def test_manual_rollback_restores_the_older_versions_drift_reference():
    before = replace(CHAMPION, version="6", evidence="evidence/m/j", reference="r.parquet")
    state = State("m", champion=CHAMPION, previous_champion=before)

    state = record(state, TrafficChangedOutside("6", "version-6 100 %", 0))

    assert state.champion is not None
    assert (state.champion.version, state.champion.evidence, state.champion.reference) == (
        "6",
        "evidence/m/j",
        "r.parquet",
    )
    assert state.champion.cycle_id is None
    assert state.previous_champion == CHAMPION


def test_manual_request_after_a_quarantined_file_says_that_no_file_has_passed():
    state = record(State("m"), arrival("bad.csv"))
    state = record(state, after_tests(state, accepted=0, quarantined=1))
    assert state.past[-1].outcome is Outcome.QUARANTINED

    state = record(state, RetrainRequested("r", "why"))

    assert state.past[-1].sentence == (
        "Not retrained: no file has passed its tests yet. The first version needs one that does."
    )


def test_manual_request_together_with_a_quarantined_file_names_the_file():
    state = record(State("m"), RetrainRequested("first", "opens and ends"))
    state = replace(state, waiting=(), first_waiting=None)
    both = replace(
        state,
        waiting=(Reason(ReasonKind.MANUAL, "manual:r", 1, "why"),),
        first_waiting=Reason(ReasonKind.DATA, "blob:x", 2, "bad.csv"),
        waiting_arrivals=1,
    )
    state = record(both, AlertRaised("x", "wakes the ladder"))
    assert state.cycle is not None

    state = record(state, after_tests(state, accepted=0, quarantined=1))

    assert state.past[-1].outcome is Outcome.NOT_RETRAINED
    assert state.past[-1].sentence == (
        "Not retrained: no file has passed its tests yet. File bad.csv quarantined: column bmi: "
        "4.2 % missing, limit 1 %. The first version needs one that does."
    )

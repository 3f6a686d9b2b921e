"""What a cooldown or a budget postpones follows by itself when its time has come."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from stories import CHAMPION, FULL_STORY, NOON_UTC, POLICY, arrival, drift, open_state, plan, record

from shared.domain.jobs import JobSubmitted, SubmitJob
from shared.domain.retraining import (
    CycleEnded,
    Outcome,
    ReasonKind,
    ResumeRetraining,
    RetrainDecided,
    RetrainingPossible,
    RetrainRequested,
)

TESTED, REGISTERED = FULL_STORY[:2]
LAST_UTC = NOON_UTC - timedelta(days=1)
POSSIBLE_UTC = LAST_UTC + POLICY.cooldown


def postponed_state(**known):
    state = open_state(champion=CHAMPION, last_retraining_utc=LAST_UTC, **known)
    return record(state, TESTED, REGISTERED)


def resume(state):
    [effect] = [item for item in state.outstanding if isinstance(item, ResumeRetraining)]
    return effect


def test_retraining_in_a_cooldown_is_due_again_at_its_end():
    state = postponed_state()

    assert state.past[-1].outcome is Outcome.NOT_RETRAINED
    early = resume(state).not_before_utc - POSSIBLE_UTC
    assert timedelta(seconds=2) < early < timedelta(minutes=1)


def test_postponed_reasons_open_a_cycle_that_trains_once_the_time_has_come():
    state = postponed_state()
    effect = resume(state)

    state = record(
        state,
        RetrainingPossible(effect.postponed, effect.reasons),
        now_utc=effect.not_before_utc,
    )

    assert [reason.kind for reason in state.cycle.opening.reasons] == [ReasonKind.DATA]
    [step] = plan(state, now_utc=effect.not_before_utc)
    assert isinstance(step, SubmitJob)


def test_budget_postpones_to_the_day_on_which_it_allows_a_job_again():
    starts = tuple(NOON_UTC - timedelta(days=29, hours=hours) for hours in (2, 1))
    policy = replace(POLICY, jobs_per_30_days=2, cooldown=timedelta(0))
    state = open_state(champion=CHAMPION, job_starts_utc=starts)

    state = record(state, TESTED, REGISTERED, policy=policy)

    wait = resume(state).not_before_utc - (starts[0] + timedelta(days=30))
    assert timedelta(0) < wait < timedelta(minutes=1)


def test_several_postponed_cycles_resume_as_one():
    state = postponed_state()
    state = record(state, arrival("b.csv", "0x2"))
    cycle = state.cycle.cycle_id
    state = record(
        state,
        replace(TESTED, cycle_id=cycle),
        replace(REGISTERED, cycle_id=cycle, data_version=cycle),
    )

    effect = resume(state)

    assert effect.postponed == cycle
    assert [reason.text for reason in effect.reasons] == ["", "b.csv"]


def test_training_that_starts_for_another_reason_takes_the_postponed_rows_along():
    state = record(postponed_state(), RetrainRequested("r1", "now", "a person"))
    [step] = [effect for effect in plan(state) if isinstance(effect, SubmitJob)]

    state = record(state, JobSubmitted(step.cycle_id, step.job_name, "7"))

    assert not [item for item in state.outstanding if isinstance(item, ResumeRetraining)]


def test_drift_in_a_cooldown_is_postponed_as_data_is():
    strict = replace(POLICY, drift_overrides_cooldown=False)
    state = open_state(champion=CHAMPION, last_retraining_utc=LAST_UTC, cycle=None)

    state = record(state, drift(), policy=strict)

    assert [reason.kind for reason in resume(state).reasons] == [ReasonKind.DRIFT]


@pytest.mark.parametrize("reasons", [frozenset(), frozenset({ReasonKind.DRIFT})])
def test_retraining_that_is_not_allowed_does_not_resume(reasons):
    state = open_state(champion=CHAMPION, last_retraining_utc=LAST_UTC)

    state = record(state, TESTED, REGISTERED, policy=replace(POLICY, reasons=reasons))

    assert state.past[-1].outcome is Outcome.NOT_RETRAINED
    assert not [item for item in state.outstanding if isinstance(item, ResumeRetraining)]


def test_decision_recorded_late_about_a_cycle_that_is_over_postpones_nothing():
    state = postponed_state()
    again = RetrainDecided(
        "feedfeedfeed", "failed", "retrain", "x", "c", possible_from_utc=LAST_UTC
    )

    late = record(state, again, CycleEnded("feedfeedfeed", Outcome.NOT_RETRAINED, "x"))

    assert late.outstanding == state.outstanding

"""Facts may arrive in any order and more than once."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stories import (
    CHAMPION,
    CYCLE,
    FULL_STORY,
    JOB,
    NOON_UTC,
    OPENED,
    empty_cycle,
    open_state,
    plan,
)

from shared.domain.cycle import Cycle, learn
from shared.domain.data import DataTested, RegisterData, TestData
from shared.domain.facts import Entry
from shared.domain.jobs import (
    ChallengerRegistered,
    Evaluate,
    FindChallenger,
    JobFinished,
    JobStatus,
    SubmitJob,
    WatchJob,
)
from shared.domain.retraining import Mode
from shared.domain.rollout import Deploy, ShiftTraffic, WatchDeployment
from shared.errors import FactConflictError

STORY = tuple(Entry(3 + place, NOON_UTC, fact) for place, fact in enumerate(FULL_STORY))


@given(st.permutations(STORY + STORY))
def test_any_order_and_any_redelivery_ends_in_the_same_cycle(deliveries):
    assert reduce(learn, deliveries, empty_cycle()) == reduce(learn, STORY, empty_cycle())


@given(st.sets(st.sampled_from(range(len(STORY)))), st.randoms())
def test_planned_effects_depend_on_known_facts_not_on_their_order(places, chance):
    known = [STORY[place] for place in sorted(places)]
    shuffled = list(known)
    chance.shuffle(shuffled)

    plans = [
        plan(open_state(cycle=reduce(learn, order, empty_cycle()))) for order in (known, shuffled)
    ]

    assert plans[0] == plans[1]
    assert len(plans[0]) <= 1


def test_effects_of_a_successful_cycle_are_planned_in_order():
    kinds = []
    cycle = empty_cycle()
    for entry in (None, *STORY):
        if entry is not None:
            cycle = learn(cycle, entry)
        kinds += [type(effect) for effect in plan(open_state(cycle=cycle))]

    assert list(dict.fromkeys(kinds)) == [
        TestData,
        RegisterData,
        SubmitJob,
        WatchJob,
        Evaluate,
        Deploy,
        WatchDeployment,
        ShiftTraffic,
    ]


def _after(*facts):
    entries = [Entry(3 + place, NOON_UTC, fact) for place, fact in enumerate(facts)]
    return open_state(cycle=reduce(learn, entries, empty_cycle()))


def test_challenger_registered_before_its_job_completes_is_evaluated_at_once():
    state = _after(*FULL_STORY[:4], ChallengerRegistered("8", CYCLE, JOB))

    assert plan(state) == (Evaluate(CYCLE, JOB, "8"),)


def test_completed_job_without_a_known_version_triggers_a_registry_lookup():
    state = _after(*FULL_STORY[:4], JobFinished(JOB, JobStatus.COMPLETED))

    assert plan(state) == (FindChallenger(CYCLE, JOB),)


def test_failed_job_is_retried_once_under_a_new_name():
    failed = JobFinished(JOB, JobStatus.FAILED, "step train: exit code 1")
    second = JobFinished(f"retrain-{CYCLE}-2", JobStatus.FAILED, "step train: exit code 1")

    (effect,) = plan(_after(*FULL_STORY[:4], failed))

    assert isinstance(effect, SubmitJob)
    assert effect.job_name == f"retrain-{CYCLE}-2"
    assert plan(_after(*FULL_STORY[:4], failed, second)) == ()


def test_untagged_version_after_a_retry_is_evaluated_with_the_second_jobs_evidence():
    failed = JobFinished(JOB, JobStatus.FAILED)

    state = _after(*FULL_STORY[:4], failed, ChallengerRegistered("9", CYCLE))

    assert plan(state) == (Evaluate(CYCLE, f"retrain-{CYCLE}-2", "9"),)


def test_evidence_against_an_old_champion_triggers_an_evaluate_only_job():
    state = replace(_after(*FULL_STORY[:6]), champion=CHAMPION)

    (effect,) = plan(state)

    assert isinstance(effect, SubmitJob)
    assert effect.mode is Mode.EVALUATE
    assert effect.job_name == f"evaluate-{CYCLE}-1"
    assert effect.champion_version == "7"
    assert effect.challenger_version == "8"


def test_traffic_is_not_shifted_if_the_champion_changed_after_promotion_started():
    state = replace(_after(*FULL_STORY[:11]), champion=CHAMPION)

    assert not any(isinstance(effect, ShiftTraffic) for effect in plan(state))


def test_same_key_with_different_content_is_a_conflict():
    cycle = learn(empty_cycle(), STORY[0])
    other = DataTested(CYCLE, 0, 1, 0, rows=0, report="x", report_sha256="x")

    with pytest.raises(FactConflictError, match="other content"):
        learn(cycle, Entry(9, NOON_UTC, other))


def test_facts_of_another_cycle_are_ignored():
    other = ChallengerRegistered("9", "ba9876543210", "retrain-ba9876543210-1")

    assert learn(empty_cycle(), Entry(3, NOON_UTC, other)) == Cycle(Entry(2, NOON_UTC, OPENED))

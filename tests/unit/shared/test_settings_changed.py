"""A cycle starts again where model.yml or pipeline.py changes under it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from stories import (
    CHAMPION,
    CYCLE,
    EVIDENCE,
    FULL_STORY,
    JOB,
    NOON_UTC,
    OPENED,
    POLICY,
    empty_cycle,
    open_state,
    plan,
    record,
)

from shared.domain.facts import Entry
from shared.domain.jobs import ChallengerRegistered, JobSubmitted, SubmitJob
from shared.domain.retraining import Outcome, Reason, ReasonKind, RetrainDecided, SettingsChanged

TESTED, REGISTERED, DECIDED = FULL_STORY[:3]
NEW_POLICY = replace(POLICY, config_sha256="new")
CHANGED = SettingsChanged(CYCLE, decided="cfg", found="new")


def test_cycle_starts_again_for_the_same_reasons_under_the_new_settings():
    state = record(open_state(), TESTED, REGISTERED, CHANGED, policy=NEW_POLICY)

    assert state.past[-1].outcome is Outcome.SUPERSEDED
    assert "starts again under the new settings" in state.past[-1].sentence
    assert state.cycle is not None
    assert state.cycle.cycle_id != CYCLE
    kinds = [reason.kind for reason in state.cycle.opening.reasons]
    assert kinds == [ReasonKind.DATA, ReasonKind.SETTINGS]
    [effect] = plan(state, NEW_POLICY)
    assert isinstance(effect, SubmitJob)
    assert effect.config_sha256 == "new"


def test_evidence_of_a_job_that_used_other_settings_is_not_judged():
    story = (TESTED, REGISTERED, JobSubmitted(CYCLE, JOB, None), ChallengerRegistered("8", CYCLE))
    other = replace(EVIDENCE, config_sha256="new")

    state = record(open_state(), *story, other, policy=POLICY)

    assert state.past[-1].outcome is Outcome.SUPERSEDED
    assert state.champion is None


def test_evidence_of_a_release_that_recorded_no_settings_is_judged():
    story = (TESTED, REGISTERED, JobSubmitted(CYCLE, JOB, None), ChallengerRegistered("8", CYCLE))

    state = record(open_state(), *story, replace(EVIDENCE, config_sha256=""))

    assert state.past == ()


def test_cycle_that_starts_again_is_not_held_up_by_its_own_cooldown():
    state = open_state(champion=CHAMPION)
    state = record(state, TESTED, REGISTERED, JobSubmitted(CYCLE, JOB, "7"))

    state = record(state, CHANGED, policy=NEW_POLICY, now_utc=NOON_UTC + timedelta(minutes=5))

    decided = state.cycle.one(RetrainDecided)
    assert decided.verdict == "passed"
    assert decided.config_sha256 == "new"


def test_version_registered_by_hand_starts_again_in_a_cycle_of_its_own():
    by_hand = Reason(ReasonKind.MODEL, "model:9", 1, version="9")
    opened = Entry(2, NOON_UTC, replace(OPENED, reasons=(by_hand,), arrivals=0, to_seq=0))
    state = open_state(cycle=replace(empty_cycle(), opened=opened), taken_seq=0)
    state = record(state, DECIDED)

    state = record(state, CHANGED, policy=NEW_POLICY)

    [reason] = state.cycle.opening.reasons
    assert (reason.kind, reason.version) == (ReasonKind.MODEL, "9")
    assert state.waiting == ()


@pytest.mark.parametrize("times", [2, 3])
def test_settings_that_change_again_and_again_add_one_reason_each_time(times):
    state = record(open_state(), TESTED, REGISTERED)
    for number in range(times):
        changed = SettingsChanged(state.cycle.cycle_id, decided="x", found=f"new-{number}")
        state = record(state, changed, policy=replace(POLICY, config_sha256=f"new-{number}"))

    kinds = [reason.kind for reason in state.cycle.opening.reasons]
    assert kinds == [ReasonKind.DATA, ReasonKind.SETTINGS]
    assert len(state.past) == times

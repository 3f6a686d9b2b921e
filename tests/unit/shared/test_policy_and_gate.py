"""Yes or no, each with its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stories import CHAMPION, DATA, EVIDENCE, NOON_UTC, OPENED, POLICY, metric, open_state

from shared.domain.cycle import Cycle
from shared.domain.declared import Verdict
from shared.domain.facts import Entry
from shared.domain.gate import judge
from shared.domain.jobs import MetricPair
from shared.domain.policy import decide_retraining
from shared.domain.retraining import GateMode, Reason, ReasonKind
from shared.domain.state import Learnt
from shared.domain.wording import duration, number, numbers, plural

BETTER = GateMode.EVERY_METRIC_BETTER


def answer(*kinds, policy=POLICY, **known):
    reasons = tuple(Reason(kind, f"{kind}:1", 1) for kind in kinds)
    cycle = Cycle(Entry(2, NOON_UTC, replace(OPENED, reasons=reasons)))
    state = open_state(cycle=cycle, **known)
    return decide_retraining(state, cycle, data=DATA, policy=policy, now_utc=NOON_UTC)


YESTERDAY = NOON_UTC - timedelta(days=1)


def test_the_first_model_needs_no_cooldown():
    assert answer(ReasonKind.DATA, last_retraining_utc=YESTERDAY).verdict is Verdict.PASSED


def test_new_data_within_the_cooldown_waits_and_says_until_when():
    no = answer(ReasonKind.DATA, champion=CHAMPION, last_retraining_utc=YESTERDAY)

    assert no.verdict is Verdict.FAILED
    assert no.possible_from_utc == NOON_UTC + timedelta(days=6)
    assert no.sentence == (
        "Postponed: cooldown of 7 d since 13 Mar 12:00 UTC. "
        "The rows wait for the next cycle; retraining is possible again from 20 Mar 12:00 UTC."
    )


@pytest.mark.parametrize("kind", [ReasonKind.DRIFT, ReasonKind.MANUAL])
def test_drift_and_a_persons_wish_override_the_cooldown(kind):
    assert answer(kind, champion=CHAMPION, last_retraining_utc=YESTERDAY).verdict is Verdict.PASSED


def test_drift_waits_too_where_the_model_says_so():
    policy = replace(POLICY, drift_overrides_cooldown=False)

    no = answer(ReasonKind.DRIFT, policy=policy, champion=CHAMPION, last_retraining_utc=YESTERDAY)

    assert no.verdict is Verdict.FAILED


def test_the_cooldown_ends_on_the_second():
    before = NOON_UTC - timedelta(days=7)

    yes = answer(ReasonKind.DATA, champion=CHAMPION, last_retraining_utc=before)

    assert yes.verdict is Verdict.PASSED


def test_the_budget_holds_for_everybody_and_says_when_a_job_falls_out_of_it():
    starts = tuple(NOON_UTC - timedelta(days=29 - day) for day in range(20))

    no = answer(ReasonKind.MANUAL, champion=CHAMPION, job_starts_utc=starts)

    assert no.verdict is Verdict.FAILED
    assert no.possible_from_utc == NOON_UTC + timedelta(days=1)
    assert no.sentence.startswith("Postponed: 20 jobs in 30 days, the budget is 20.")


def test_the_same_data_settings_and_champion_teach_nothing_new():
    learnt = Learnt("d", "cfg", "7", "bbbbbbbbbbbb")

    no = answer(ReasonKind.DRIFT, champion=CHAMPION, learnt=learnt)
    by_hand = answer(ReasonKind.MANUAL, champion=CHAMPION, learnt=learnt)
    other_config = answer(
        ReasonKind.DRIFT, champion=CHAMPION, learnt=replace(learnt, config_sha256="x")
    )

    assert no.verdict is Verdict.FAILED
    assert "nothing new. Cycle bbbbbbbbbbbb" in no.sentence
    assert by_hand.verdict is Verdict.PASSED
    assert other_config.verdict is Verdict.PASSED


def test_a_reason_that_the_model_does_not_allow_is_named():
    policy = replace(POLICY, reasons=frozenset({ReasonKind.MANUAL}))

    no = answer(ReasonKind.DATA, policy=policy)

    assert no.sentence == (
        "Not retrained: new data is not a reason to retrain this model "
        "(allowed: manual; see retrain.reasons in model.yml)."
    )


def test_a_first_model_above_its_floor_passes():
    verdict = judge(EVIDENCE, BETTER, challenger="1")

    assert verdict.verdict is Verdict.PASSED
    assert verdict.sentence == "First model, R² 0.43 is above the floor 0.30."


def test_a_first_model_below_a_floor_says_which():
    evidence = replace(EVIDENCE, metrics=(metric(0.43), MetricPair("mae", "min", 61, floor=60)))

    verdict = judge(evidence, BETTER, challenger="1")

    assert verdict.verdict is Verdict.FAILED
    assert verdict.sentence == "Version 1 stays out: MAE 61.0 is above the ceiling 60.0."


def test_one_metric_that_is_worse_keeps_the_champion():
    metrics = (metric(0.47, 0.46), MetricPair("mae", "min", 44.2, 44.1))

    verdict = judge(
        replace(EVIDENCE, champion_version="9", metrics=metrics), BETTER, challenger="10"
    )

    assert verdict.verdict is Verdict.FAILED
    assert verdict.sentence == (
        "Version 10 stays out: not shown to be better. "
        "MAE 44.2 against 44.1, lower is better (champion 9) on the same 89 rows."
    )


def test_no_metric_shows_nothing():
    assert judge(replace(EVIDENCE, metrics=()), BETTER, challenger="1").verdict is Verdict.FAILED


finite = st.floats(-1e6, 1e6, allow_nan=False)


@given(finite, finite, st.sampled_from(["min", "max"]))
def test_a_pair_is_never_better_both_ways_and_ties_lose(first, second, goal):
    def passes(challenger, champion):
        pair = MetricPair("r2", goal, challenger, champion)
        evidence = replace(EVIDENCE, champion_version="1", metrics=(pair,))
        return judge(evidence, BETTER, challenger="2").verdict is Verdict.PASSED

    assert not (passes(first, second) and passes(second, first))
    assert passes(first, second) or passes(second, first) or first == second


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.3, "0.30"),
        (0.462, "0.462"),
        (0.4649, "0.465"),
        (44.123, "44.1"),
        (61.0, "61.0"),
        (1342.0, "1,342"),
        (0.00123, "0.00123"),
        (0.0, "0"),
        (-0.5, "-0.50"),
        (1.0, "1.00"),
    ],
)
def test_numbers_have_three_figures(value, text):
    assert number(value) == text


def test_two_numbers_that_differ_are_shown_to_differ():
    assert numbers(0.46201, 0.46203) == ("0.46201", "0.46203")
    assert numbers(0.5, 0.5) == ("0.50", "0.50")


def test_durations_and_counts_read_well():
    assert [duration(timedelta(seconds=s)) for s in (40, 600, 10_800, 604_800, 129_600)] == [
        "40 s",
        "10 min",
        "3 h",
        "7 d",
        "1 d 12 h",
    ]
    assert plural(1, "file") == "1 file"
    assert plural(1342, "row") == "1,342 rows"

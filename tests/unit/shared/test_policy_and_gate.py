"""The retrain policy and the gate: each verdict with its reason."""

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
from shared.domain.jobs import Baseline, MetricPair
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


def test_cooldown_does_not_apply_before_the_first_champion():
    assert answer(ReasonKind.DATA, last_retraining_utc=YESTERDAY).verdict is Verdict.PASSED


def test_new_data_within_the_cooldown_is_postponed_to_its_end():
    no = answer(ReasonKind.DATA, champion=CHAMPION, last_retraining_utc=YESTERDAY)

    assert no.verdict is Verdict.FAILED
    assert no.possible_from_utc == NOON_UTC + timedelta(days=6)
    assert no.sentence == (
        "Postponed: cooldown of 7 d since 13 Mar 12:00 UTC. "
        "It follows by itself from 20 Mar 12:00 UTC, with all rows that landed by then."
    )


@pytest.mark.parametrize("kind", [ReasonKind.DRIFT, ReasonKind.MANUAL])
def test_drift_and_manual_requests_override_the_cooldown(kind):
    assert answer(kind, champion=CHAMPION, last_retraining_utc=YESTERDAY).verdict is Verdict.PASSED


def test_drift_waits_for_the_cooldown_if_so_configured():
    policy = replace(POLICY, drift_overrides_cooldown=False)

    no = answer(ReasonKind.DRIFT, policy=policy, champion=CHAMPION, last_retraining_utc=YESTERDAY)

    assert no.verdict is Verdict.FAILED


def test_cooldown_is_over_exactly_at_its_end():
    before = NOON_UTC - timedelta(days=7)

    yes = answer(ReasonKind.DATA, champion=CHAMPION, last_retraining_utc=before)

    assert yes.verdict is Verdict.PASSED


def test_job_budget_limits_manual_requests_too_and_says_when_it_frees_up():
    starts = tuple(NOON_UTC - timedelta(days=29 - day) for day in range(20))

    no = answer(ReasonKind.MANUAL, champion=CHAMPION, job_starts_utc=starts)

    assert no.verdict is Verdict.FAILED
    assert no.possible_from_utc == NOON_UTC + timedelta(days=1)
    assert no.sentence.startswith("Postponed: 20 jobs in 30 days, the budget is 20.")


def test_retraining_on_unchanged_data_and_settings_is_refused_unless_manual():
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


def test_disallowed_reason_is_named_in_the_refusal():
    policy = replace(POLICY, reasons=frozenset({ReasonKind.MANUAL}))

    no = answer(ReasonKind.DATA, policy=policy)

    assert no.sentence == (
        "Not retrained: new data is not a reason to retrain this model "
        "(allowed: manual; see retrain.reasons in model.yml)."
    )


def test_first_model_above_its_floor_passes():
    verdict = judge(EVIDENCE, BETTER, challenger="1")

    assert verdict.verdict is Verdict.PASSED
    assert verdict.sentence == "First model, R² 0.43 is above the floor 0.30."


def test_first_model_below_a_floor_fails_and_names_the_metric():
    evidence = replace(EVIDENCE, metrics=(metric(0.43), MetricPair("mae", "min", 61, floor=60)))

    verdict = judge(evidence, BETTER, challenger="1")

    assert verdict.verdict is Verdict.FAILED
    assert verdict.sentence == "Version 1 stays out: MAE 61.0 is above the ceiling 60.0."


def test_one_worse_metric_keeps_the_champion():
    metrics = (metric(0.47, 0.46), MetricPair("mae", "min", 44.2, 44.1))

    verdict = judge(
        replace(EVIDENCE, champion_version="9", metrics=metrics), BETTER, challenger="10"
    )

    assert verdict.verdict is Verdict.FAILED
    assert verdict.sentence == (
        "Version 10 stays out: not shown to be better. "
        "MAE 44.2 against 44.1, lower is better (champion 9) on the same 89 rows."
    )


def test_sentence_names_the_class_of_a_metric_and_repeats_the_warnings():
    metrics = (MetricPair("f1", "max", 0.0, 0.38, about="of fraud"),)
    warned = ("The challenger never predicts fraud.",)
    evidence = replace(EVIDENCE, champion_version="9", metrics=metrics, warnings=warned)

    assert judge(evidence, BETTER, challenger="10").sentence == (
        "Version 10 stays out: not shown to be better. F1 of fraud 0 against 0.38 (champion 9) "
        "on the same 89 rows. The challenger never predicts fraud."
    )


WORD = Reason(ReasonKind.MANUAL, "manual:r", 3, "paid_back gives it away", unseat="9")
NO_COLUMN = "it needs column x, which the data no longer have"


@pytest.mark.parametrize(
    ("obstacle", "unseat", "aside"),
    [
        (NO_COLUMN, None, f"Champion 9 cannot be compared: {NO_COLUMN}."),
        (
            "",
            WORD,
            "Champion 9 need not be beaten, by a person's word: paid_back gives it away.",
        ),
    ],
)
def test_challenger_is_judged_like_a_first_model_without_a_champion_to_beat(
    obstacle, unseat, aside
):
    evidence = replace(
        EVIDENCE, champion_version="9", metrics=(metric(0.43, 0.99),), obstacle=obstacle
    )
    weak = replace(evidence, metrics=(metric(0.2, 0.99),))

    good = judge(evidence, BETTER, challenger="10", unseat=unseat)
    bad = judge(weak, BETTER, challenger="10", unseat=unseat)

    assert (good.verdict, good.champion) == (Verdict.PASSED, "9")
    assert good.sentence == (f"{aside} Judged like a first model: R² 0.43 is above the floor 0.30.")
    assert bad.verdict is Verdict.FAILED
    assert bad.sentence == f"Version 10 stays out: R² 0.20 is below the floor 0.30. {aside}"


def constant(value: float, *, decides: bool = True) -> Baseline:
    return Baseline(value, "'no'", decides=decides)


def test_challenger_that_is_not_better_than_a_constant_answer_stays_out():
    pair = MetricPair("accuracy", "max", 0.98, 0.97, baseline=constant(0.98))
    first = MetricPair("accuracy", "max", 0.98, floor=0.9, baseline=constant(0.98))

    over = judge(replace(EVIDENCE, champion_version="9", metrics=(pair,)), BETTER, challenger="10")
    alone = judge(replace(EVIDENCE, metrics=(first,)), BETTER, challenger="10")

    assert over.verdict is alone.verdict is Verdict.FAILED
    assert (
        over.sentence
        == alone.sentence
        == (
            "Version 10 stays out: not better than always answering 'no' "
            "(accuracy 0.98 against 0.98), on 89 rows."
        )
    )


def test_both_grounds_of_a_rejection_are_told():
    pair = MetricPair("mae", "min", 9.0, floor=8.0, baseline=constant(7.5))

    assert judge(replace(EVIDENCE, metrics=(pair,)), BETTER, challenger="1").sentence == (
        "Version 1 stays out: MAE 9.00 is above the ceiling 8.00. Not better than always answering "
        "'no' (MAE 9.00 against 7.50)."
    )


def test_baseline_that_does_not_decide_is_told_and_passes():
    metrics = (
        MetricPair("accuracy", "max", 0.85, floor=0.8, baseline=constant(0.87, decides=False)),
        MetricPair("f1", "max", 0.48, floor=0.3, about="(class 1)", baseline=constant(0.23)),
    )

    verdict = judge(replace(EVIDENCE, metrics=metrics), BETTER, challenger="1")

    assert verdict.verdict is Verdict.PASSED
    assert verdict.sentence == (
        "First model, accuracy 0.85 is above the floor 0.80; F1 (class 1) 0.48 is above the floor "
        "0.30. A model without features reaches accuracy 0.87 (always 'no'), F1 (class 1) 0.23 "
        "(always 'no')."
    )


def test_evidence_without_metrics_fails_the_gate():
    assert judge(replace(EVIDENCE, metrics=()), BETTER, challenger="1").verdict is Verdict.FAILED


finite = st.floats(-1e6, 1e6, allow_nan=False)


@given(finite, finite, st.sampled_from(["min", "max"]))
def test_exactly_one_of_two_different_values_is_better_and_a_tie_fails(first, second, goal):
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
def test_numbers_are_rounded_to_three_significant_figures(value, text):
    assert number(value) == text


def test_different_numbers_are_never_shown_as_equal():
    assert numbers(0.46201, 0.46203) == ("0.46201", "0.46203")
    assert numbers(0.5, 0.5) == ("0.50", "0.50")


def test_durations_and_counts_are_formatted_with_units():
    assert [duration(timedelta(seconds=s)) for s in (40, 600, 10_800, 604_800, 129_600)] == [
        "40 s",
        "10 min",
        "3 h",
        "7 d",
        "1 d 12 h",
    ]
    assert plural(1, "file") == "1 file"
    assert plural(1342, "row") == "1,342 rows"

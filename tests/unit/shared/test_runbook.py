"""Every alert can be looked up in the runbook by its wording."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from examples import examples

from shared.domain import file_sentences, sentences
from shared.domain.effects import Effect
from shared.domain.landing import Table
from shared.domain.retraining import Mode, Outcome

RUNBOOK = (Path(__file__).resolve().parents[3] / "docs" / "runbook.md").read_text("utf-8")


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_a_row_in_the_runbook(outcome):
    assert f"| `{outcome}` |" in RUNBOOK


@pytest.mark.parametrize(
    ("phrase", "sentence"),
    [
        (
            "Training failed after 2 attempts",
            sentences.job_failed(Mode.RETRAIN, "retrain-0123456789ab-2", 2, ""),
        ),
        (
            "Evaluation failed",
            sentences.job_failed(Mode.EVALUATE, "evaluate-0123456789ab-2", 2, ""),
        ),
        (
            "Training failed and would again, so it was not tried twice; job ",
            sentences.job_failed_for_good(Mode.RETRAIN, "retrain-0123456789ab-1", "why"),
        ),
        ("was cancelled", sentences.job_canceled("x")),
        (
            "File march-b.csv quarantined: column bmi: 4.2 % missing, limit 1 %",
            file_sentences.quarantined("march-b.csv", ["column bmi: 4.2 % missing, limit 1 %"]),
        ),
        ("was not put into production: ", sentences.deployment_failed("2", "quota", None)),
        (
            "look at its log, then send the file again",
            file_sentences.not_tested(sentences.job_was_canceled("test-0123456789ab-1")),
        ),
        (
            "refused: it is a Delta table",
            file_sentences.table_refused(Table("Delta", "m/trips/")),
        ),
        ("Traffic was changed outside: ", sentences.traffic_outside("version-1 100 %", "2")),
        ("An older write won over a newer one: ", sentences.traffic_stale("version-1 100 %", "2")),
        ("belongs to no model and was quarantined", sentences.arrival_rejected("landing/x", "why")),
        (
            "An event could not be handled and was kept as quarantine/_rejected/",
            sentences.event_rejected("why", "quarantine/_rejected/x/event.json"),
        ),
        ("in work-poison failed too often", sentences.poisoned("work-poison", 2)),
        ("events-poison", sentences.poisoned("events-poison", 2)),
        ("was given up", sentences.effect_failed("x", "y")),
        ("Not retrained: production data drifted, but no labelled row", sentences.no_labels("v1")),
        ("failed twice", sentences.job_failed_twice("drift-0123456789ab-2", "")),
        ("was cancelled", sentences.job_was_canceled("drift-0123456789ab-1")),
        ("wait for the next cycle", file_sentences.files_wait(2)),
    ],
)
def test_every_alert_sentence_is_quoted_in_the_runbook(phrase, sentence):
    assert phrase in sentence
    assert phrase in RUNBOOK


GIVEN_UP = [effect for effect in examples(Effect) if effect.wire_name != "raise_alert"]


@pytest.mark.parametrize("effect", GIVEN_UP, ids=lambda effect: effect.wire_name)
def test_every_effect_that_can_be_given_up_is_in_the_runbook(effect):
    pattern = re.sub(r"retrain-\w+-1|2026-03-14|(?<=version )x", "…", effect.words)
    assert pattern in RUNBOOK

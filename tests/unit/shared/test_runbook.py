"""Whoever is woken by an alert finds its words in the runbook."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.domain import sentences
from shared.domain.facts import Outcome

RUNBOOK = (Path(__file__).resolve().parents[3] / "docs" / "runbook.md").read_text("utf-8")


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_a_line(outcome):
    assert f"| `{outcome}` |" in RUNBOOK


@pytest.mark.parametrize(
    ("phrase", "sentence"),
    [
        ("Training failed after 2 attempts", sentences.job_failed("retrain-0123456789ab-2", 2, "")),
        ("Evaluation failed", sentences.job_failed("evaluate-0123456789ab-2", 2, "")),
        ("was cancelled", sentences.job_canceled("x")),
        (
            "File march-b.csv set aside: column bmi: 4.2 % missing, limit 1 %",
            sentences.set_aside("march-b.csv", ["column bmi: 4.2 % missing, limit 1 %"]),
        ),
        ("was not put into production: ", sentences.deployment_failed("2", "quota", None)),
        (
            "look at its log, then send the file again",
            sentences.not_tested(sentences.job_was_canceled("test-0123456789ab-1")),
        ),
        ("Traffic was changed outside: ", sentences.traffic_outside("version-1 100 %", "2")),
        ("An older write won over a newer one: ", sentences.traffic_stale("version-1 100 %", "2")),
        ("belongs to no model and was set aside", sentences.arrival_rejected("landing/x", "why")),
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
        ("wait for the next cycle", sentences.files_wait(2)),
    ],
)
def test_the_words_of_every_alert_stand_in_it(phrase, sentence):
    assert phrase in sentence
    assert phrase in RUNBOOK


@pytest.mark.parametrize("doing", sentences._DOINGS.values())
def test_every_step_that_can_be_given_up_stands_in_it(doing):
    assert doing.partition("{")[0].strip() in RUNBOOK

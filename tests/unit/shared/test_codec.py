"""The ledger is a format: what was recorded once must be read for ever."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stories import CHAMPION, DATA, FULL_STORY, NOON_UTC, arrival, drift, record

from shared.domain.codec import (
    CodecError,
    fact_from_json,
    fact_to_json,
    state_from_json,
    state_to_json,
)
from shared.domain.effects import EFFECTS
from shared.domain.facts import FACTS
from shared.domain.jobs import JobFinished
from shared.domain.retraining import RetrainRequested
from shared.domain.rollout import ChampionPromoted
from shared.domain.state import State

_RECORDED = Path(__file__).resolve().parents[2] / "wire" / "facts.format_1.jsonl"
GOLDEN = [json.loads(line) for line in _RECORDED.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("line", GOLDEN, ids=lambda line: json.loads(line["json"])["is"])
def test_a_fact_recorded_by_the_first_version_is_still_read_and_keeps_its_key(line):
    fact = fact_from_json(line["json"])

    assert fact.key == line["key"]
    # Fields that were added later come on top; none is renamed, none changes its value.
    assert holds(json.loads(fact_to_json(fact)), json.loads(line["json"]))


def holds(written, recorded):
    """Whether all that was recorded is written again, whatever came on top."""
    if isinstance(recorded, dict):
        return all(holds(written[name], value) for name, value in recorded.items())
    if isinstance(recorded, list):
        return len(written) == len(recorded) and all(map(holds, written, recorded))
    return written == recorded


def test_every_kind_of_fact_has_a_recorded_example():
    assert {fact_from_json(line["json"]).wire_name for line in GOLDEN} == set(FACTS)


def test_names_of_facts_and_effects_are_not_used_twice():
    assert FACTS.keys().isdisjoint(EFFECTS)


def test_fields_that_are_not_known_here_are_skipped():
    text = json.dumps(json.loads(fact_to_json(FULL_STORY[0])) | {"added_later": [1, {"a": 2}]})

    assert fact_from_json(text) == FULL_STORY[0]


def test_a_missing_field_takes_its_default_and_one_without_a_default_is_named():
    assert fact_from_json('{"is":"job_finished","job_name":"x","status":"failed"}') == JobFinished(
        "x", "failed"
    )
    promoted = '{"is":"champion_promoted","cycle_id":"c","version":"8","over":null,"fact_seq":1}'
    assert fact_from_json(promoted) == ChampionPromoted("c", "8", None, 1, timedelta(0))
    with pytest.raises(CodecError, match="lacks status"):
        fact_from_json('{"is":"job_finished","job_name":"x"}')


def test_a_fact_of_a_newer_version_is_named():
    with pytest.raises(CodecError, match="'moon_landed' is not known here"):
        fact_from_json('{"is":"moon_landed"}')


def test_a_number_that_json_cannot_hold_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        fact_to_json(RetrainRequested("r", float("nan")))


def test_a_state_with_an_open_cycle_and_outstanding_effects_is_read_back():
    state = record(State("m", champion=CHAMPION, data=DATA), drift(), arrival())
    assert state.cycle is not None
    assert state.outstanding

    assert state_from_json(state_to_json(state)) == state


@given(st.text(), st.text())
def test_any_text_survives(text, by):
    fact = RetrainRequested("r", text, by)

    assert fact_from_json(fact_to_json(fact)) == fact
    assert NOON_UTC.tzinfo is not None

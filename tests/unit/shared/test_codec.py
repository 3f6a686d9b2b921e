"""The ledger is a format: what was recorded once must be read for ever."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stories import CHAMPION, DATA, FULL_STORY, arrival, drift, record

from shared.domain.codec import (
    CodecError,
    fact_from_json,
    fact_to_json,
    state_from_json,
    state_to_json,
)
from shared.domain.facts import FACTS
from shared.domain.jobs import JobFinished
from shared.domain.retraining import RetrainRequested
from shared.domain.rollout import ChampionPromoted
from shared.domain.state import State

_RECORDED = Path(__file__).resolve().parents[2] / "wire" / "facts.format_1.jsonl"
GOLDEN = [json.loads(line) for line in _RECORDED.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("line", GOLDEN, ids=lambda line: json.loads(line["json"])["is"])
def test_fact_recorded_in_format_1_is_still_read_with_the_same_key(line):
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


def test_every_fact_type_has_a_recorded_example():
    assert {fact_from_json(line["json"]).wire_name for line in GOLDEN} == set(FACTS)


def test_unknown_fields_are_ignored():
    text = json.dumps(json.loads(fact_to_json(FULL_STORY[0])) | {"added_later": [1, {"a": 2}]})

    assert fact_from_json(text) == FULL_STORY[0]


def test_missing_field_takes_its_default_or_is_reported_by_name():
    assert fact_from_json('{"is":"job_finished","job_name":"x","status":"failed"}') == JobFinished(
        "x", "failed"
    )
    promoted = '{"is":"champion_promoted","cycle_id":"c","version":"8","over":null,"fact_seq":1}'
    assert fact_from_json(promoted) == ChampionPromoted("c", "8", None, 1, timedelta(0))
    with pytest.raises(CodecError, match="lacks status"):
        fact_from_json('{"is":"job_finished","job_name":"x"}')


def test_unknown_fact_type_is_reported_by_name():
    with pytest.raises(CodecError, match="'moon_landed' is not known here"):
        fact_from_json('{"is":"moon_landed"}')


def test_nan_is_refused_because_it_is_not_valid_json():
    with pytest.raises(ValueError, match="not JSON compliant"):
        fact_to_json(RetrainRequested("r", float("nan")))


def test_state_with_an_open_cycle_and_outstanding_effects_round_trips():
    state = record(State("m", champion=CHAMPION, data=DATA), drift(), arrival())
    assert state.cycle is not None
    assert state.outstanding

    assert state_from_json(state_to_json(state)) == state


@given(st.text(), st.text())
def test_any_text_round_trips(text, by):
    fact = RetrainRequested("r", text, by)

    assert fact_from_json(fact_to_json(fact)) == fact

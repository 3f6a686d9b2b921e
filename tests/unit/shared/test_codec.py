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
from shared.domain.evolve import fold
from shared.domain.facts import FACTS, Entry
from shared.domain.jobs import JobFinished
from shared.domain.retraining import ResumeRetraining, RetrainRequested
from shared.domain.rollout import ChampionPromoted, DeploymentFailed
from shared.domain.state import State

_WIRE = Path(__file__).resolve().parents[2] / "wire"
_RECORDED = (_WIRE / "facts.format_1.jsonl").read_text(encoding="utf-8")
_FOLDED = (_WIRE / "state_of_facts.format_1.json").read_text(encoding="utf-8")
GOLDEN = [json.loads(line) for line in _RECORDED.splitlines()]


@pytest.mark.parametrize("line", GOLDEN, ids=lambda line: json.loads(line["json"])["is"])
def test_fact_recorded_in_format_1_is_still_read_with_the_same_key(line):
    fact = fact_from_json(line["json"])

    assert fact.key == line["key"]
    # Fields added later may appear; none is renamed or changes its value.
    assert holds(json.loads(fact_to_json(fact)), json.loads(line["json"]))


def holds(written, recorded):
    """Whether all recorded fields are written again, apart from fields added since."""
    if isinstance(recorded, dict):
        return all(holds(written[name], value) for name, value in recorded.items())
    if isinstance(recorded, list):
        return len(written) == len(recorded) and all(map(holds, written, recorded))
    return written == recorded


def test_facts_of_the_first_version_still_fold_to_the_state_that_it_made_of_them():
    # Made by the release before facts and effects declared themselves, of the facts it knew.
    state = json.loads(_FOLDED)
    facts = [fact_from_json(line["json"]) for line in GOLDEN]
    # The deployment of one version ended in one way.
    story = [fact for fact in facts if not isinstance(fact, DeploymentFailed)][: state["count"]]

    entries = [
        Entry(number, NOON_UTC + timedelta(minutes=number - 1), fact)
        for number, fact in enumerate(story, start=1)
    ]

    written = json.loads(state_to_json(fold("diabetes", entries)))
    # That release forgot a retraining that a cooldown had postponed.
    written["outstanding"] = [
        effect for effect in written["outstanding"] if effect["is"] != ResumeRetraining.wire_name
    ]
    assert holds(written, state)


def test_effect_given_up_before_such_facts_had_a_cycle_is_one_of_the_cycle_in_its_key():
    of_a_cycle, of_none = (
        fact_from_json(f'{{"is":"effect_failed","effect":"{key}","sentence":"quota"}}')
        for key in ("0123456789ab:submit:retrain-0123456789ab-1", "tag:8:champion:21")
    )

    assert (of_a_cycle.cycle, of_none.cycle) == ("0123456789ab", None)


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

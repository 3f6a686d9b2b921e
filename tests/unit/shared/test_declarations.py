"""Every fact and effect declares everything about itself in its own class."""

from __future__ import annotations

import typing

import pytest
from examples import EXAMPLE_CYCLE, example, examples

from shared.domain.codec import fact_from_json, fact_to_json
from shared.domain.declared import (
    EffectBase,
    EffectOfCycle,
    FactBase,
    FactOfCycle,
    Step,
    Telling,
)
from shared.domain.effects import EFFECTS, Effect
from shared.domain.facts import FACTS, Fact
from shared.domain.notices import EffectFailed

_FACT_KINDS = typing.get_args(Fact)
_EFFECT_KINDS = typing.get_args(Effect)


def _name(thing):
    return getattr(thing, "__name__", type(thing).__name__)


def _all_below(kind):
    below = kind.__subclasses__()
    return [*below, *(deeper for one in below for deeper in _all_below(one))]


@pytest.mark.parametrize("kind", [*_FACT_KINDS, *_EFFECT_KINDS], ids=_name)
def test_every_fact_and_effect_is_registered_under_its_own_wire_name(kind):
    assert vars(kind)["wire_name"]
    assert (FACTS | EFFECTS)[kind.wire_name] is kind


def test_wire_names_of_facts_and_effects_are_unique():
    assert len(FACTS) + len(EFFECTS) == len(_FACT_KINDS) + len(_EFFECT_KINDS)
    assert FACTS.keys().isdisjoint(EFFECTS)


@pytest.mark.parametrize(("base", "known"), [(FactBase, FACTS), (EffectBase, EFFECTS)])
def test_every_class_with_a_wire_name_is_in_its_union(base, known):
    # slots=True makes a second class of each; the first one stays a subclass too.
    named = {vars(kind)["wire_name"] for kind in _all_below(base) if "wire_name" in vars(kind)}

    assert named == set(known)


@pytest.mark.parametrize("kind", _EFFECT_KINDS, ids=_name)
def test_every_effect_declares_its_longest_wait(kind):
    assert "longest_wait" in vars(kind)


@pytest.mark.parametrize("one", [*examples(Fact), *examples(Effect)], ids=_name)
def test_every_fact_and_effect_has_a_key_and_a_description(one):
    assert one.key
    assert one.words


@pytest.mark.parametrize("fact", examples(Fact), ids=_name)
def test_every_fact_declares_its_cycle_and_its_explanation_lines(fact):
    speaks_of_a_cycle = isinstance(fact, FactOfCycle) or "cycle" in vars(type(fact))

    assert fact.cycle == (EXAMPLE_CYCLE if speaks_of_a_cycle else None)
    assert all(isinstance(one, Telling) and one.words for one in fact.tells)


@pytest.mark.parametrize("effect", examples(Effect), ids=_name)
def test_effect_belongs_to_its_cycle_or_to_none(effect):
    assert effect.cycle == (EXAMPLE_CYCLE if isinstance(effect, EffectOfCycle) else None)


@pytest.mark.parametrize("effect", examples(Effect), ids=_name)
def test_giving_up_an_effect_is_recorded_on_its_cycle(effect):
    fact = EffectFailed.of(effect, "storage refused")

    assert (fact.effect, fact.cycle, fact.doing) == (effect.key, effect.cycle, effect.words)


def test_every_explanation_step_is_covered_by_some_fact():
    told = {one.step for fact in examples(Fact) for one in fact.tells}
    told |= {one.step for one in example(FACTS["job_submitted"]).tells}

    assert told == set(Step)


@pytest.mark.parametrize("fact", examples(Fact), ids=_name)
def test_every_fact_round_trips_through_json(fact):
    assert fact_from_json(fact_to_json(fact)) == fact

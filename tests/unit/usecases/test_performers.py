"""Every type of effect has a performer."""

from __future__ import annotations

import typing
from types import SimpleNamespace

import pytest

from functions._performers import performers_over
from shared.domain.effects import Effect

EFFECTS = typing.get_args(Effect)
NO_APP = SimpleNamespace()  # registering a performer makes no adapter


@pytest.mark.parametrize("effect", EFFECTS)
def test_every_effect_has_a_performer(effect):
    assert effect in performers_over(NO_APP).registered()


def test_only_effects_have_performers():
    assert performers_over(NO_APP).registered() == set(EFFECTS)

"""Results of effects without a business result, and alerts."""

import re
from collections.abc import Mapping
from typing import Any

from shared.domain.declared import EffectBase, FactOfModel, OwedEffect
from shared.domain.value import value


@value
class EffectDone(FactOfModel):
    """An effect without a business result (alert, tag, retire, publish) was performed."""

    wire_name = "effect_done"

    effect: str  # its key

    @property
    def key(self) -> str:
        return f"done:{self.effect}"

    @property
    def words(self) -> str:
        return f"done: {self.effect}"


@value
class EffectFailed(FactOfModel):
    """An effect was given up."""

    wire_name = "effect_failed"

    effect: str  # its key
    sentence: str
    cycle_id: str | None = None  # the cycle that it was a step of
    doing: str = ""  # what it was to do, in words

    @property
    def key(self) -> str:
        return f"failed:{self.effect}"

    @property
    def cycle(self) -> str | None:
        return self.cycle_id

    @property
    def words(self) -> str:
        return f"{self.doing or self.effect} was given up: {self.sentence}"

    @staticmethod
    def of(effect: EffectBase, sentence: str) -> "EffectFailed":
        """The fact that this effect was given up, with the reason."""
        return EffectFailed(effect.key, sentence, cycle_id=effect.cycle, doing=effect.words)

    @staticmethod
    def upgraded(stored: Mapping[str, Any]) -> Mapping[str, Any]:
        """Facts stored before `cycle_id` existed have it at the start of the effect's key."""
        match = re.match(r"([0-9a-f]{12}):", stored["effect"])
        return stored if match is None else {"cycle_id": match[1]} | dict(stored)


@value
class AlertRaised(FactOfModel):
    """Something outside a cycle needs a person's attention."""

    wire_name = "alert_raised"

    alert: str  # a key: raised once
    sentence: str

    @property
    def key(self) -> str:
        return f"alert:{self.alert}"

    @property
    def words(self) -> str:
        return self.sentence


NoticesFact = EffectDone | EffectFailed | AlertRaised


@value
class RaiseAlert(OwedEffect):
    """Send a person an alert, one sentence."""

    wire_name = "raise_alert"
    longest_wait = None

    fact_seq: int
    sentence: str

    @property
    def key(self) -> str:
        return f"alert:{self.fact_seq}"

    @property
    def words(self) -> str:
        return "Sending an alert"


NoticesEffect = RaiseAlert

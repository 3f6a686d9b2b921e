"""Queues: work, events, and poison queues of messages that failed too often."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from shared.domain.value import Value, value
from shared.errors import EventRejectedError

if TYPE_CHECKING:
    from collections.abc import Mapping

_TURN = "tries"


@value
class WorkMessage(Value):
    """Names a due effect. On the wire `turn` is `tries`: Functions has its own `dequeueCount`."""

    model: str
    effect: str
    turn: int = 0

    def to_json(self) -> str:
        """The body of the message."""
        return json.dumps({"model": self.model, "effect": self.effect, _TURN: self.turn})

    @classmethod
    def from_json(cls, body: str | bytes) -> WorkMessage:
        """The inverse of `to_json`; a message without `tries` is the first one.

        Raises:
            EventRejectedError: it is anything else, or has an unknown field.
        """
        try:
            document = json.loads(body)
        except (ValueError, RecursionError) as exc:
            raise EventRejectedError(f"message in queue work is not JSON: {exc}") from exc
        if not isinstance(document, dict):
            raise EventRejectedError(
                f"message in queue work is a JSON {type(document).__name__}, not an object"
            )
        unknown = sorted(document.keys() - {"model", "effect", _TURN})
        if unknown:
            raise EventRejectedError(
                f"message in queue work has {', '.join(map(repr, unknown))}; allowed: model, "
                f"effect, {_TURN}"
            )
        model, effect, turn = document.get("model"), document.get("effect"), document.get(_TURN, 0)
        if not (isinstance(model, str) and isinstance(effect, str) and type(turn) is int):
            raise EventRejectedError(
                f"message in queue work: model {model!r} and effect {effect!r} must be text, "
                f"{_TURN} {turn!r} a whole number"
            )
        return cls(model, effect, turn)


class WorkQueue(Protocol):
    """Messages about due effects. A lost one costs minutes: reconcile sends it again."""

    def send(self, message: WorkMessage, *, delay: timedelta = timedelta(0)) -> None:
        """Send a message, visible after the delay (capped at six days); delivered at least once."""


class EventQueue(Protocol):
    """The queue of incoming events; an event can be sent again."""

    def send_again(self, body: str, *, delay: timedelta) -> None:
        """Send a received message again, visible after the delay; `body` is its decoded text."""


class PoisonQueues(Protocol):
    """The poison queues, which hold messages that failed too often."""

    def waiting(self) -> Mapping[str, int]:
        """Approximate number of messages by queue; empty queues are left out."""

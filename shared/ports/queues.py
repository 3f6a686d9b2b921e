"""Messages about due effects, and those that failed too often."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class WorkMessage:
    """`turn` is called `tries` on the wire, where `dequeueCount` and `id` mean something else."""

    model: str
    effect: str
    turn: int = 0


class WorkQueue(Protocol):
    """Messages about due effects. Losing one costs minutes: reconcile sends it again."""

    def send(self, message: WorkMessage, *, delay: timedelta = timedelta(0)) -> None:
        """At least once, visible after the delay (at most six days; longer is shortened)."""


class EventQueue(Protocol):
    """The queue events come in by, to send one to ourselves again."""

    def send_again(self, body: str, *, delay: timedelta) -> None:
        """`body` is the message's text as it was received, decoded."""


class PoisonQueues(Protocol):
    """Messages that failed too often."""

    def waiting(self) -> Mapping[str, int]:
        """Approximate number of messages by queue; only queues that hold any."""

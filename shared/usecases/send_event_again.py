"""An event lost its races against other writers: the same message comes again, a little later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from shared.ports.queues import EventQueue

_EARLIEST_SECONDS = 5
_LATEST_SECONDS = 30


@dataclass(frozen=True, slots=True)
class SendEventAgain:
    """A lost race must never count towards the poison queue."""

    events: EventQueue
    random: Random

    def __call__(self, body: str) -> None:
        """`body` is the message's text; the delay is random, so that writers do not meet again."""
        seconds = self.random.uniform(_EARLIEST_SECONDS, _LATEST_SECONDS)
        self.events.send_again(body, delay=timedelta(seconds=seconds))

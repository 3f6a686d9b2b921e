"""Requeues an event whose write lost its races against other writers."""

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
    """Requeues the message, so that a lost race never counts towards the poison queue."""

    events: EventQueue
    random: Random

    def __call__(self, body: str) -> None:
        """Send the message's text again after a random delay, so that writers do not collide."""
        seconds = self.random.uniform(_EARLIEST_SECONDS, _LATEST_SECONDS)
        self.events.send_again(body, delay=timedelta(seconds=seconds))

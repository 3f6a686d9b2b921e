"""A storage queue: at least once, unordered, with delays and a poison queue."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from shared.ports.clock import Clock
    from shared.ports.queues import WorkMessage

_VISIBILITY = timedelta(minutes=1)
_MOST_DELIVERIES = 5


@dataclass(slots=True)
class QueuedMessage:
    """A message in the queue; `body` is a WorkMessage or an event's text."""

    body: WorkMessage | str
    visible_utc: datetime
    order: int
    deliveries: int = 0


@dataclass(slots=True)
class InMemoryQueue:
    """Ports `WorkQueue`, `EventQueue` and `PoisonQueues`; a simulated host takes the messages."""

    clock: Clock
    name: str = "work"
    messages: dict[int, QueuedMessage] = field(default_factory=dict)
    poisoned: list[QueuedMessage] = field(default_factory=list)
    _orders: itertools.count[int] = field(default_factory=itertools.count)

    def send(self, message: WorkMessage, *, delay: timedelta = timedelta(0)) -> None:
        """Visible after the delay."""
        self._put(message, delay)

    def send_again(self, body: str, *, delay: timedelta) -> None:
        """Visible after the delay."""
        self._put(body, delay)

    def _put(self, body: WorkMessage | str, delay: timedelta) -> None:
        order = next(self._orders)
        visible_utc = self.clock.now_utc() + max(delay, timedelta(0))
        self.messages[order] = QueuedMessage(body, visible_utc, order)

    def visible(self) -> list[QueuedMessage]:
        """The messages that a host could take now, oldest first."""
        now_utc = self.clock.now_utc()
        return [item for item in self.messages.values() if item.visible_utc <= now_utc]

    def next_visible_utc(self) -> datetime | None:
        """When the next message can be taken; None when the queue is empty."""
        return min((item.visible_utc for item in self.messages.values()), default=None)

    def take(self, message: QueuedMessage) -> None:
        """Deliver a message: it is hidden for a minute, and poisoned after five deliveries."""
        message.deliveries += 1
        message.visible_utc = self.clock.now_utc() + _VISIBILITY

    def acknowledge(self, message: QueuedMessage) -> None:
        """Delete the message: its handler returned."""
        self.messages.pop(message.order, None)

    def release(self, message: QueuedMessage) -> None:
        """Make the message visible again: its handler raised."""
        if message.deliveries >= _MOST_DELIVERIES:
            self.acknowledge(message)
            self.poisoned.append(message)
        else:
            message.visible_utc = self.clock.now_utc()

    def waiting(self) -> Mapping[str, int]:
        """The length of its poison queue; see `PoisonQueues.waiting`."""
        return {f"{self.name}-poison": len(self.poisoned)} if self.poisoned else {}

"""Storage queues: work, events that are sent again, and poison queues."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.adapters.storage_account import storage_errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.adapters.storage_account import StorageAccount
    from shared.ports.queues import WorkMessage

_LONGEST_DELAY = timedelta(days=6)  # the service takes less than seven
_NEVER = -1  # messages do not expire


class StorageWorkQueue:
    """Port `WorkQueue` on the queue `work`."""

    def __init__(self, account: StorageAccount, *, queue: str = "work") -> None:
        self._account = account
        self._name = queue

    def send(self, message: WorkMessage, *, delay: timedelta = timedelta(0)) -> None:
        """Send a message that becomes visible after the delay; see `WorkQueue.send`."""
        _send(self._account, self._name, message.to_json(), delay=delay)


class StorageEventQueue:
    """Port `EventQueue` on the queue `events`."""

    def __init__(self, account: StorageAccount, *, queue: str = "events") -> None:
        self._account = account
        self._name = queue

    def send_again(self, body: str, *, delay: timedelta) -> None:
        """Send the text of a received message again, visible after the delay."""
        _send(self._account, self._name, body, delay=delay)


class StoragePoisonQueues:
    """Port `PoisonQueues`: `<queue>-poison` of each queue, which the host creates when needed."""

    def __init__(
        self, account: StorageAccount, *, queues: Sequence[str] = ("events", "work")
    ) -> None:
        self._account = account
        self._names = [f"{queue}-poison" for queue in queues]

    def waiting(self) -> Mapping[str, int]:
        """Approximate number of messages by queue; empty queues are left out."""
        counts = {name: self._count(name) for name in self._names}
        return {name: count for name, count in counts.items() if count}

    def _count(self, name: str) -> int:
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415 - with the SDK

        with storage_errors(f"look into {name}"):
            try:
                properties = self._account.queue(name).get_queue_properties()
            except ResourceNotFoundError:
                return 0
        return int(properties.approximate_message_count or 0)


def _send(account: StorageAccount, queue: str, text: str, *, delay: timedelta) -> None:
    seconds = math.ceil(min(max(delay, timedelta(0)), _LONGEST_DELAY).total_seconds())
    with storage_errors(f"send to queue {queue}"):
        account.queue(queue).send_message(text, visibility_timeout=seconds, time_to_live=_NEVER)

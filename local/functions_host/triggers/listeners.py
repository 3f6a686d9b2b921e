"""The queue and timer listeners of one host."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from local.functions_host.configuration.definitions import QueueTrigger, TimerTrigger
from local.functions_host.triggers.queue import QueueListener
from local.functions_host.triggers.timer import TimerListener

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from azure.storage.blob.aio import ContainerClient

    from local.functions_host.configuration.definitions import FunctionDefinition
    from local.functions_host.configuration.host_json import QueueSettings
    from local.functions_host.storage import Storage
    from local.functions_host.triggers.invoker import Invoker


class Listeners:
    """Queue and timer listeners of an app's functions; those of disabled functions do not start.

    Args:
        container: where timers keep their leases and status.
        host_id: names both; hosts of the same app share it.
        lease_seconds: after how long a killed host's queue messages come back.
    """

    def __init__(
        self,
        definitions: Sequence[FunctionDefinition],
        *,
        queues: QueueSettings,
        storage: Storage,
        container: ContainerClient,
        host_id: str,
        invoker: Invoker,
        log: logging.Logger,
        lease_seconds: int,
    ) -> None:
        self._queues = [
            QueueListener(
                item,
                item.trigger,
                settings=queues,
                storage=storage,
                invoker=invoker,
                log=log,
                lease_seconds=lease_seconds,
            )
            for item in definitions
            if isinstance(item.trigger, QueueTrigger) and not item.disabled
        ]
        # A disabled timer can be fired by hand, as on Azure.
        self._timers = {
            item.name: TimerListener(
                item,
                item.trigger,
                container=container,
                host_id=host_id,
                invoker=invoker,
                log=log,
            )
            for item in definitions
            if isinstance(item.trigger, TimerTrigger)
        }
        self._disabled = {item.name for item in definitions if item.disabled}

    @property
    def timers(self) -> Mapping[str, TimerListener]:
        """By the function's name."""
        return self._timers

    def start(self) -> None:
        """Begin to listen."""
        for queue in self._queues:
            queue.start()
        for name, timer in self._timers.items():
            if name not in self._disabled:
                timer.start()

    async def stop_listening(self) -> None:
        """Start no new calls; running ones continue."""
        sources: list[QueueListener | TimerListener] = [*self._queues, *self._timers.values()]
        await _all([source.stop_listening for source in sources])

    async def settle_messages(self) -> None:
        """Wait until each message taken is deleted or given back."""
        await _all([queue.finish for queue in self._queues])

    async def release_timers(self) -> None:
        """Wait for running timers and release their leases."""
        await _all([timer.stop for timer in self._timers.values()])


async def _all(actions: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Run all of them at once; the first failure is raised when all have ended."""
    results = await asyncio.gather(*(action() for action in actions), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result

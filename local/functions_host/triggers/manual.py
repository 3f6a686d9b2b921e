"""Fires a function by hand, as the admin route of Azure's host does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from local.functions_host.configuration.definitions import (
    EventGridTrigger,
    FunctionDefinition,
    HttpTrigger,
    QueueTrigger,
    TimerTrigger,
)
from local.functions_host.triggers.queue_values import add_json_members
from local.functions_host.worker.functions_host_worker import wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.functions_host.triggers.event_grid import EventGridTriggers
    from local.functions_host.triggers.invoker import Invoker
    from local.functions_host.triggers.timer import TimerListener

_REASON = "This function was programmatically called via the host APIs."


def check_input(function: FunctionDefinition, given: str) -> None:
    """Refuse what a function cannot be fired with.

    Raises:
        ValueError: says what is wrong.
    """
    match function.trigger:
        case HttpTrigger():
            raise ValueError(f"{function.name} is an HTTP function: call its URL")
        case EventGridTrigger():
            try:
                event = json.loads(given)
            except ValueError as exc:
                raise ValueError(f"input must be an event as JSON: {exc}") from exc
            if not isinstance(event, dict):
                raise ValueError("input must be one event object")  # noqa: TRY004 - the caller's text is at fault


class ManualTrigger:
    """Fires timers, queue functions and Event Grid functions with a given input."""

    def __init__(
        self,
        *,
        invoker: Invoker,
        timers: Mapping[str, TimerListener],
        event_grid: EventGridTriggers,
    ) -> None:
        self._invoker = invoker
        self._timers = timers
        self._event_grid = event_grid

    async def fire(self, function: FunctionDefinition, given: str) -> None:
        """Call the function and wait for it.

        Raises:
            ValueError: this input or function cannot be fired by hand.
            InvocationError: it failed.
        """
        check_input(function, given)
        match function.trigger:
            case TimerTrigger():
                await self._timers[function.name].invoke(None, past_due=False, reason=_REASON)
            case EventGridTrigger():
                await self._event_grid.fire(function, json.loads(given), reason=_REASON)
            case QueueTrigger(binary=binary):
                metadata = {
                    "QueueTrigger": wire.datum("string", given),
                    "Id": wire.datum("string", ""),
                    "DequeueCount": wire.datum("json", "0"),
                }
                add_json_members(metadata, given)
                await self._invoker.invoke(
                    function,
                    wire.datum("bytes", given.encode()) if binary else wire.datum("string", given),
                    metadata=metadata,
                    reason=_REASON,
                )

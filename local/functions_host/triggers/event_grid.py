"""The webhook Event Grid pushes to: /runtime/webhooks/EventGrid?functionName=X."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import web

from local.functions_host.configuration.definitions import EventGridTrigger
from local.functions_host.errors import InvocationError
from local.functions_host.triggers.http import given_key
from local.functions_host.worker.functions_host_worker import wire

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local.functions_host.configuration.definitions import FunctionDefinition
    from local.functions_host.keys import Keys
    from local.functions_host.triggers.invoker import Invoker

PATH = "/runtime/webhooks/eventgrid"
_VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"


class EventGridTriggers:
    """All Event Grid functions of an app behind one webhook."""

    def __init__(
        self, functions: Iterable[FunctionDefinition], *, invoker: Invoker, keys: Keys
    ) -> None:
        self._functions = {
            function.name.lower(): function
            for function in functions
            if isinstance(function.trigger, EventGridTrigger) and not function.disabled
        }
        self._invoker = invoker
        self._keys = keys

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a handshake or take events: 202 when all succeeded, 500 when any failed."""
        if not self._keys.opens_event_grid(given_key(request)):
            return web.Response(status=HTTPStatus.UNAUTHORIZED)
        name = request.query.get("functionName", "")
        function = self._functions.get(name.lower())
        if function is None:
            return web.Response(
                status=HTTPStatus.NOT_FOUND, text=f"cannot find function: '{name}'\n"
            )
        if request.method == "OPTIONS":
            return _allow(request)
        if request.method != "POST":
            return web.Response(status=HTTPStatus.BAD_REQUEST)
        try:
            content = json.loads(await request.read())
        except ValueError as exc:
            return web.Response(status=HTTPStatus.BAD_REQUEST, text=f"not JSON: {exc}\n")
        return await self._deliver(request.headers.get("aeg-event-type"), content, function)

    async def _deliver(
        self, kind: str | None, content: Any, function: FunctionDefinition
    ) -> web.Response:
        events = content if isinstance(content, list) else [content]
        if not events or not all(isinstance(event, dict) for event in events):
            return web.Response(
                status=HTTPStatus.BAD_REQUEST, text="the body must hold event objects\n"
            )
        if kind == "SubscriptionValidation":
            return _handshake(events[0])
        if kind == "Unsubscribe":
            return web.Response(status=HTTPStatus.ACCEPTED)
        if kind != "Notification" and "specversion" not in events[0]:
            return web.Response(
                status=HTTPStatus.BAD_REQUEST,
                text=f"aeg-event-type {kind!r} is not one of SubscriptionValidation, Notification, "
                "Unsubscribe, and this is not a CloudEvent\n",
            )
        results = await asyncio.gather(
            *(self.fire(function, event, reason="EventGrid trigger fired") for event in events),
            return_exceptions=True,
        )
        failed = [result for result in results if isinstance(result, BaseException)]
        for error in failed:
            if not isinstance(error, InvocationError):
                raise error
        if failed:
            return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)
        return web.Response(status=HTTPStatus.ACCEPTED)

    async def fire(
        self, function: FunctionDefinition, event: dict[str, Any], *, reason: str
    ) -> None:
        """Call the function with one event.

        Raises:
            InvocationError: it failed.
        """
        value = wire.datum("json", json.dumps(event, ensure_ascii=False))
        data = wire.datum("json", json.dumps(event.get("data"), ensure_ascii=False))
        await self._invoker.invoke(function, value, metadata={"data": data}, reason=reason)


def _allow(request: web.Request) -> web.Response:
    """CloudEvents' handshake."""
    origin = request.headers.get("WebHook-Request-Origin")
    if origin is None:
        return web.Response(
            status=HTTPStatus.BAD_REQUEST, text="WebHook-Request-Origin is missing\n"
        )
    return web.Response(headers={"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"})


def _handshake(event: dict[str, Any]) -> web.Response:
    """Event Grid's own handshake."""
    data = event.get("data")
    code = data.get("validationCode") if isinstance(data, dict) else None
    if event.get("eventType") != _VALIDATION or not isinstance(code, str):
        return web.Response(
            status=HTTPStatus.BAD_REQUEST, text=f"no {_VALIDATION} with data.validationCode\n"
        )
    return web.json_response({"validationResponse": code})

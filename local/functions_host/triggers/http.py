"""HTTP in and out: requests become function calls, their answers become responses."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from local.functions_host.configuration.definitions import HttpTrigger
from local.functions_host.configuration.routing import best_first
from local.functions_host.errors import HostStoppingError, InvocationError
from local.functions_host.worker.functions_host_worker import wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from local.functions_host.configuration.definitions import FunctionDefinition
    from local.functions_host.keys import Keys
    from local.functions_host.triggers.invoker import Invoker

# The server frames the answer itself.
_NOT_PASSED_ON = {"content-length", "transfer-encoding", "connection"}


def given_key(request: web.Request) -> str | None:
    """The access key of a request: its header first, then its query."""
    return request.headers.get("x-functions-key") or request.query.get("code")


class HttpTriggers:
    """All HTTP functions of an app.

    Args:
        limit_seconds: how long a caller waits; the function itself runs on, as behind Azure's
            load balancer.
    """

    def __init__(
        self,
        functions: Iterable[FunctionDefinition],
        *,
        invoker: Invoker,
        keys: Keys,
        limit_seconds: float,
    ) -> None:
        self._routes = best_first(
            [
                (function.trigger.template, (function, function.trigger))
                for function in functions
                if isinstance(function.trigger, HttpTrigger) and not function.disabled
            ]
        )
        self._invoker = invoker
        self._keys = keys
        self._limit_seconds = limit_seconds
        self._calls: set[asyncio.Task[wire.Message | None]] = set()

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a request; 404 when no route and method fits, as on Azure (which has no 405)."""
        for template, (function, trigger) in self._routes:
            if trigger.methods is not None and request.method not in trigger.methods:
                continue
            parameters = template.match(request.rel_url.raw_path)
            if parameters is None:
                continue
            if not self._keys.opens_function(
                given_key(request), function=function.name, level=trigger.auth_level
            ):
                return web.Response(status=HTTPStatus.UNAUTHORIZED)
            return await self._call(function, request, parameters)
        if request.path == "/":
            return web.Response(text="The functions host is running.\n")
        return web.Response(status=HTTPStatus.NOT_FOUND)

    def _forget(self, call: asyncio.Task[wire.Message | None]) -> None:
        self._calls.discard(call)
        if not call.cancelled():
            call.exception()  # seen: its caller may have gone at the limit, the log has it

    async def _call(
        self, function: FunctionDefinition, request: web.Request, parameters: Mapping[str, str]
    ) -> web.Response:
        value = wire.datum(
            "http",
            {
                "method": request.method,
                "url": str(request.url),
                "headers": _joined(request.headers.items(), lower=True),
                "query": _joined(request.query.items(), lower=False),
                "params": dict(parameters),
                "body": wire.datum("bytes", await request.read()),
            },
        )
        metadata = {
            name: wire.datum("string", text)
            for name, text in (value["value"]["query"] | dict(parameters)).items()
        }
        reason = f"This function was called by {request.method} {request.path}."
        call = asyncio.create_task(
            self._invoker.invoke(function, value, metadata=metadata, reason=reason)
        )
        self._calls.add(call)
        call.add_done_callback(self._forget)
        done, _ = await asyncio.wait({call}, timeout=self._limit_seconds)
        if not done:
            return web.Response(
                status=HTTPStatus.GATEWAY_TIMEOUT,
                text=f"No answer within {self._limit_seconds:.0f} s; the function runs on.\n",
            )
        try:
            answer = call.result()
        except HostStoppingError:
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
        except InvocationError:
            return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)  # the log has it, as there
        return _response(answer)


def _joined(items: Iterable[tuple[str, str]], *, lower: bool) -> dict[str, str]:
    """One value per name: several joined by commas, empty ones left out, as on Azure."""
    joined: dict[str, str] = {}
    for name, text in items:
        key = name.lower() if lower else name
        joined[key] = f"{joined[key]},{text}" if key in joined else text
    return {key: text for key, text in joined.items() if text}


def _response(answer: wire.Message | None) -> web.Response:
    if answer is None:
        return web.Response(status=HTTPStatus.NO_CONTENT)
    if answer["type"] != "http":
        value = wire.value_of(answer)
        kind = "application/json" if answer["type"] == "json" else "text/plain"
        if isinstance(value, bytes):
            return web.Response(body=value, content_type="application/octet-stream")
        return web.Response(text=str(value), content_type=kind)
    content = answer["value"]
    response = web.Response(status=content["status"], body=wire.value_of(content["body"]))
    for name, text in content["headers"].items():
        if name.lower() not in _NOT_PASSED_ON:
            response.headers[name] = text
    for cookie in content["cookies"]:
        response.headers.add("Set-Cookie", cookie)
    return response

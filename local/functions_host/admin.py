"""The host's admin routes: status, list of functions, firing a function by hand."""

from __future__ import annotations

import asyncio
import json
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import web

from local.functions_host.configuration.definitions import HttpTrigger
from local.functions_host.errors import InvocationError
from local.functions_host.triggers.http import given_key
from local.functions_host.triggers.manual import check_input

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.functions_host.configuration.definitions import FunctionDefinition
    from local.functions_host.keys import Keys
    from local.functions_host.triggers.manual import ManualTrigger
    from local.functions_host.worker_process import Worker

PREFIX = "/admin/"


class AdminRoutes:
    """What is under /admin, for holders of the master key."""

    def __init__(
        self,
        functions: Mapping[str, FunctionDefinition],
        *,
        host_id: str,
        url: str,
        keys: Keys,
        worker: Worker,
        manual: ManualTrigger,
    ) -> None:
        self._functions = {name.lower(): function for name, function in functions.items()}
        self._host_id = host_id
        self._url = url
        self._keys = keys
        self._worker = worker
        self._manual = manual
        self._started = time.monotonic()
        self._fired: set[asyncio.Task[None]] = set()

    async def handle(self, request: web.Request) -> web.Response:  # noqa: PLR0911 - one a route
        """Answer one request; 404 for what this host does not have."""
        # Azure's routes are matched without regard to case, names of functions included.
        parts = request.path.lower().removeprefix(PREFIX).strip("/").split("/")
        if parts == ["host", "ping"]:
            return web.Response()
        if not self._keys.opens_admin(given_key(request)):
            return web.Response(status=HTTPStatus.UNAUTHORIZED)
        match request.method, parts:
            case "GET", ["host", "status"]:
                return web.json_response(self._status())
            case "GET", ["functions"]:
                described = [self._described(item) for item in self._functions.values()]
                return web.json_response(described)
            case method, ["functions", name]:
                function = self._functions.get(name)
                if function is None:
                    return web.Response(status=HTTPStatus.NOT_FOUND)
                if method == "GET":
                    return web.json_response(self._described(function))
                if method == "POST":
                    return await self._invoke(request, function)
        return web.Response(status=HTTPStatus.NOT_FOUND)

    def _status(self) -> dict[str, Any]:
        ready = self._worker.is_ready
        return {
            "id": self._host_id,
            "state": "Running" if ready else "Error",
            "version": "4.0-local",
            "processUptime": int((time.monotonic() - self._started) * 1000),
            "errors": [] if ready else [self._worker.last_error],
            "workerRestarts": self._worker.restarts,
        }

    def _described(self, function: FunctionDefinition) -> dict[str, Any]:
        trigger = function.trigger
        url = f"{self._url}/{trigger.template.text}" if isinstance(trigger, HttpTrigger) else None
        return {
            "name": function.name,
            "language": "python",
            "isDisabled": function.disabled,
            "href": f"{self._url}{PREFIX}functions/{function.name}",
            "invokeUrlTemplate": url,
            "config": {"bindings": list(function.raw_bindings)},
        }

    async def _invoke(self, request: web.Request, function: FunctionDefinition) -> web.Response:
        """Start the function and answer at once, as Azure does; the log tells how it went."""
        if request.content_type != "application/json":
            return web.Response(status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        try:
            content = json.loads(await request.read())
        except ValueError as exc:
            return web.Response(status=HTTPStatus.BAD_REQUEST, text=f"not JSON: {exc}\n")
        given = content.get("input") if isinstance(content, dict) else None
        if not isinstance(content, dict) or not isinstance(given, str | None):
            return web.Response(
                status=HTTPStatus.BAD_REQUEST, text='the body must be {"input": "text"}\n'
            )
        try:
            check_input(function, given or "")
        except ValueError as exc:
            return web.Response(status=HTTPStatus.BAD_REQUEST, text=f"{exc}\n")
        task = asyncio.create_task(self._run(function, given or ""))
        self._fired.add(task)
        task.add_done_callback(self._fired.discard)
        return web.Response(status=HTTPStatus.ACCEPTED)

    async def _run(self, function: FunctionDefinition, given: str) -> None:
        try:
            await self._manual.fire(function, given)
        except InvocationError:
            return  # in the log, with its traceback

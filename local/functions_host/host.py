"""A Functions host for one v2 app: HTTP front end, listeners, and the worker behind them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
import time
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from local.functions_host import event_grid_trigger
from local.functions_host.admin import PREFIX as ADMIN_PREFIX
from local.functions_host.admin import AdminRoutes
from local.functions_host.definitions import (
    EventGridTrigger,
    FunctionDefinition,
    HttpTrigger,
    QueueTrigger,
    TimerTrigger,
    read_definitions,
)
from local.functions_host.errors import FunctionAppError
from local.functions_host.event_grid_trigger import EventGridTriggers
from local.functions_host.host_json import read_host_json
from local.functions_host.http_trigger import HttpTriggers
from local.functions_host.invoker import Invoker
from local.functions_host.keys import Keys
from local.functions_host.outputs import Outputs
from local.functions_host.queue_trigger import QueueListener
from local.functions_host.queue_values import add_json_members
from local.functions_host.storage import DEFAULT_CONNECTION, Storage
from local.functions_host.timer_trigger import TimerListener
from local.functions_host.worker.functions_host_worker import wire
from local.functions_host.worker_process import Worker, worker_command

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_SCRIPT = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_\-]*\.py$")
_HOSTS_CONTAINER = "azure-webjobs-hosts"
_LARGEST_BODY_BYTES = 100 * 1024 * 1024
# Settings that would change behaviour on Azure and not here.
_UNSUPPORTED_SETTINGS = ("WEBSITE_TIME_ZONE", "FUNCTIONS_WORKER_PROCESS_COUNT")


class FunctionsHost:
    """Runs one app.

    Args:
        app_dir: folder with function_app.py and host.json.
        python: interpreter of an environment made from the app's requirements.txt only.
        settings: app settings, the app's environment variables.
        state: folder for keys.
        log: what app and host print is appended to it.
        port: 0 takes any free one.
        storage_connection_string: AzureWebJobsStorage, unless the settings name another; locks
            and timers' memory lie there, so hosts over one storage share them.
        http_limit_seconds: how long an HTTP caller waits; Azure's load balancer gives it 230 s.
        lease_seconds: after how long a killed host's queue messages come back.
        grace_seconds: how long running functions may go on when the host stops.
    """

    def __init__(
        self,
        *,
        app_dir: Path,
        python: Path,
        settings: Mapping[str, str],
        state: Path,
        log: Path,
        storage_connection_string: str,
        port: int = 0,
        http_limit_seconds: float = 230.0,
        lease_seconds: int = 60,
        grace_seconds: float = 10.0,
    ) -> None:
        self._app_dir = app_dir.absolute()
        # Not resolved: a virtual environment's python is a link, and the link is what counts.
        self._python = python.absolute()
        self._settings = {DEFAULT_CONNECTION: storage_connection_string, **settings}
        self._state = state
        self._log_path = log
        self._port = port
        self._http_limit_seconds = http_limit_seconds
        self._lease_seconds = lease_seconds
        self._grace_seconds = grace_seconds
        self._storage = Storage()
        self._functions: dict[str, FunctionDefinition] = {}
        self._queue_listeners: list[QueueListener] = []
        self._timers: dict[str, TimerListener] = {}
        self._runner: web.AppRunner | None = None
        self._log: logging.Logger | None = None
        self._worker: Worker | None = None
        self._invoker: Invoker | None = None
        self._keys = Keys()
        self._http: HttpTriggers | None = None
        self._event_grid: EventGridTriggers | None = None
        self._admin: AdminRoutes | None = None

    @property
    def url(self) -> str:
        """Where the host answers, without a slash at the end."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def master_key(self) -> str:
        """Key for the admin routes and every function."""
        return self._keys.master

    @property
    def function_key(self) -> str:
        """Host key: opens every function of level "function"."""
        return self._keys.host

    @property
    def functions(self) -> Sequence[FunctionDefinition]:
        """What was indexed."""
        return list(self._functions.values())

    @property
    def worker(self) -> Worker:
        """The worker process, once started."""
        if self._worker is None:
            raise FunctionAppError("the host has not been started")
        return self._worker

    def webhook_url(self, function: str) -> str:
        """Where Event Grid pushes events for a function; holds a key."""
        query = f"functionName={function}&code={self._keys.event_grid}"
        return f"{self.url}/runtime/webhooks/EventGrid?{query}"

    @property
    def host_id(self) -> str:
        """Names this app's locks and timers; hosts of the same app share it."""
        named = self._settings.get("AzureFunctionsWebHost__hostid")
        if named:
            return named
        return f"local-{hashlib.sha256(str(self._app_dir).encode()).hexdigest()[:16]}"

    async def start(self) -> None:
        """Load the app and begin to listen.

        Raises:
            FunctionAppError: the app cannot be run, or Azure or this host would refuse it.
            ProcessFailedError: the worker does not start, or the port is taken.
        """
        if self._runner is not None:
            return
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        script = self._script()
        self._refuse_settings()
        host = read_host_json(self._app_dir / "host.json")
        self._log = _open_log(self._log_path, self._state)
        await self._listen()
        command = worker_command(
            python=self._python,
            app_dir=self._app_dir,
            script=script,
            environ=self._environ(),
            log=self._log_path,
        )
        self._worker = Worker(command, log=self._log)
        described = await self._worker.start()
        if not described:
            raise FunctionAppError(
                f"{self._app_dir / script} registers no function. Azure reports success with zero "
                "functions here; decorate functions with the app, or register the blueprints"
            )
        definitions = read_definitions(
            described, self._settings, host=host, now_utc=datetime.now(UTC)
        )
        self._functions = {item.name: item for item in definitions}
        self._keys = Keys.load(self._state, list(self._functions))
        self._invoker = Invoker(
            worker=self._worker,
            outputs=Outputs(self._storage, is_base64=host.queues.base64),
            timeout=host.function_timeout,
            log=self._log,
        )
        self._http = HttpTriggers(
            definitions,
            invoker=self._invoker,
            keys=self._keys,
            limit_seconds=self._http_limit_seconds,
        )
        self._event_grid = EventGridTriggers(definitions, invoker=self._invoker, keys=self._keys)
        self._admin = AdminRoutes(
            self._functions,
            host_id=self.host_id,
            url=self.url,
            keys=self._keys,
            worker=self._worker,
            fire=self._fire,
            check=_check_input,
        )
        container = self._storage.container(self._settings[DEFAULT_CONNECTION], _HOSTS_CONTAINER)
        for item in definitions:
            if isinstance(item.trigger, TimerTrigger):
                self._timers[item.name] = TimerListener(
                    item,
                    item.trigger,
                    container=container,
                    host_id=self.host_id,
                    invoker=self._invoker,
                    log=self._log,
                )
                if not item.disabled:
                    self._timers[item.name].start()
            elif isinstance(item.trigger, QueueTrigger) and not item.disabled:
                listener = QueueListener(
                    item,
                    item.trigger,
                    settings=host.queues,
                    storage=self._storage,
                    invoker=self._invoker,
                    log=self._log,
                    lease_seconds=self._lease_seconds,
                )
                listener.start()
                self._queue_listeners.append(listener)
        self._log.info("Host started: %d functions at %s", len(definitions), self.url)

    def _script(self) -> str:
        script = self._settings.get("PYTHON_SCRIPT_FILE_NAME", "function_app.py")
        if not _SCRIPT.match(script):
            raise FunctionAppError(f"PYTHON_SCRIPT_FILE_NAME {script!r} is no Python file name")
        if not (self._app_dir / script).is_file():
            raise FunctionAppError(
                f"{self._app_dir} holds no {script}: this host runs the v2 programming model, "
                "not folders with function.json"
            )
        return script

    def _refuse_settings(self) -> None:
        for name in _UNSUPPORTED_SETTINGS:
            if self._settings.get(name, "1") not in {"", "1"}:
                raise FunctionAppError(
                    f"app setting {name}={self._settings[name]!r} is not supported by this host; "
                    "remove it"
                )

    def _environ(self) -> dict[str, str]:
        # What Azure Functions Core Tools set as well.
        return {
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
            "AzureWebJobsScriptRoot": str(self._app_dir),
            "WEBSITE_HOSTNAME": f"127.0.0.1:{self._port}",
            **self._settings,
        }

    async def _listen(self) -> None:
        limit = int(self._settings.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", _LARGEST_BODY_BYTES))
        app = web.Application(client_max_size=limit)
        app.router.add_route("*", "/{path:.*}", self._dispatch)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        try:
            await site.start()
        except OSError as exc:
            raise FunctionAppError(
                f"port {self._port} cannot be used ({exc.strerror}): stop what holds it or choose "
                "another, 0 for any"
            ) from exc
        self._port = self._runner.addresses[0][1]

    async def _dispatch(self, request: web.Request) -> web.StreamResponse:
        if self._http is None or self._event_grid is None or self._admin is None:
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": "1"})
        path = request.path.lower()
        if path.startswith(ADMIN_PREFIX):
            return await self._admin.handle(request)
        if path.rstrip("/") == event_grid_trigger.PATH:
            return await self._event_grid.handle(request)
        return await self._http.handle(request)

    async def fire_timer(self, name: str) -> None:
        """Run a timer function now and wait for it.

        Raises:
            FunctionAppError: there is no such timer.
            InvocationError: it failed.
        """
        if name not in self._timers:
            known = ", ".join(sorted(self._timers)) or "none"
            raise FunctionAppError(f"no timer function {name!r}; there are: {known}")
        await self._fire(self._functions[name], "")

    async def _fire(self, function: FunctionDefinition, given: str) -> None:
        if self._invoker is None or self._event_grid is None:
            raise FunctionAppError("the host has not been started")
        reason = "This function was programmatically called via the host APIs."
        match function.trigger:
            case TimerTrigger():
                await self._timers[function.name].invoke(None, past_due=False, reason=reason)
            case EventGridTrigger():
                await self._event_grid.fire(function, json.loads(given), reason=reason)
            case QueueTrigger(binary=binary):
                metadata = {
                    "QueueTrigger": wire.datum("string", given),
                    "Id": wire.datum("string", ""),
                    "DequeueCount": wire.datum("json", "0"),
                }
                add_json_members(metadata, given)
                value = (
                    wire.datum("bytes", given.encode()) if binary else wire.datum("string", given)
                )
                await self._invoker.invoke(function, value, metadata=metadata, reason=reason)
            case HttpTrigger():
                raise ValueError("call HTTP functions by their URL")

    async def stop(self) -> None:
        """Take nothing new, let running functions end within the grace, end the worker.

        What does not end in time is given back to its queue. Harmless when repeated.
        """
        for listener in self._queue_listeners:
            await listener.stop_listening()
        if self._invoker is not None:
            await self._invoker.drain(self._grace_seconds)
        if self._worker is not None:
            await self._worker.stop()
        await asyncio.gather(*(listener.finish() for listener in self._queue_listeners))
        await asyncio.gather(*(timer.stop() for timer in self._timers.values()))
        self._queue_listeners.clear()
        self._timers.clear()
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()
        await self._storage.close()
        log, self._log = self._log, None
        if log is not None:
            for handler in list(log.handlers):
                log.removeHandler(handler)
                handler.close()


def _check_input(function: FunctionDefinition, given: str) -> None:
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
                raise ValueError("input must be one event object")


def _open_log(path: Path, state: Path) -> logging.Logger:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not in the logging tree: two hosts in one process must not write into each other's file.
    log = logging.Logger("local.functions_host", logging.INFO)  # noqa: LOG001 - see above
    handler = logging.FileHandler(path, encoding="utf-8")
    formatter = logging.Formatter(
        "%(asctime)s.%(msecs)03dZ %(levelname)s [host] %(message)s", datefmt="%Y-%m-%dT%H:%M:%S"
    )
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    log.addHandler(handler)
    return log

"""A Functions host for one v2 app: HTTP front end, listeners, and the worker behind them."""

from __future__ import annotations

import hashlib
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from local.functions_host.admin import AdminRoutes
from local.functions_host.configuration.app_settings import (
    largest_body_bytes,
    refuse_unsupported,
    script_name,
    worker_environ,
)
from local.functions_host.configuration.binding_reader import read_definitions
from local.functions_host.configuration.definitions import FunctionDefinition, TimerTrigger
from local.functions_host.configuration.host_json import read_host_json
from local.functions_host.errors import FunctionAppError
from local.functions_host.front_end import FrontEnd
from local.functions_host.host_log import close_log, open_log
from local.functions_host.keys import Keys
from local.functions_host.storage import DEFAULT_CONNECTION, Storage
from local.functions_host.triggers.event_grid import EventGridTriggers
from local.functions_host.triggers.http import HttpTriggers
from local.functions_host.triggers.invoker import Invoker
from local.functions_host.triggers.listeners import Listeners
from local.functions_host.triggers.manual import ManualTrigger
from local.functions_host.triggers.outputs import Outputs
from local.functions_host.worker_process import Worker, worker_command

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from local.functions_host.configuration.host_json import HostSettings
    from local.supervision.processes import Command

_HOSTS_CONTAINER = "azure-webjobs-hosts"


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
            and timers' status are kept there, as on Azure, so hosts over one storage share them.
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
        self._http_limit_seconds = http_limit_seconds
        self._lease_seconds = lease_seconds
        self._grace_seconds = grace_seconds
        self._front_end = FrontEnd(port=port, largest_body_bytes=largest_body_bytes(self._settings))
        self._keys = Keys()
        self._functions: dict[str, FunctionDefinition] = {}
        self._worker: Worker | None = None
        self._manual: ManualTrigger | None = None
        self._open: AsyncExitStack | None = None

    @property
    def url(self) -> str:
        """Where the host answers, without a slash at the end."""
        return f"http://127.0.0.1:{self._front_end.port}"

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
        """The worker process.

        Raises:
            FunctionAppError: the host has not been started.
        """
        if self._worker is None:
            raise FunctionAppError("the host has not been started")
        return self._worker

    @property
    def host_id(self) -> str:
        """Names this app's locks and timers; hosts of the same app share it."""
        named = self._settings.get("AzureFunctionsWebHost__hostid")
        if named:
            return named
        return f"local-{hashlib.sha256(str(self._app_dir).encode()).hexdigest()[:16]}"

    def webhook_url(self, function: str) -> str:
        """Where Event Grid pushes events for a function; holds a key."""
        query = f"functionName={function}&code={self._keys.event_grid}"
        return f"{self.url}/runtime/webhooks/EventGrid?{query}"

    async def fire_timer(self, name: str) -> None:
        """Run a timer function now and wait for it.

        Raises:
            FunctionAppError: there is no such timer, or the host has not been started.
            InvocationError: it failed.
        """
        timers = [item.name for item in self.functions if isinstance(item.trigger, TimerTrigger)]
        if name not in timers or self._manual is None:
            known = ", ".join(sorted(timers)) or "none"
            raise FunctionAppError(f"no timer function {name!r}; there are: {known}")
        await self._manual.fire(self._functions[name], "")

    async def start(self) -> None:
        """Load the app and begin to listen.

        Raises:
            FunctionAppError: the app cannot be run, or Azure or this host would refuse it.
            ProcessFailedError: the worker does not start; with the log's last lines.
        """
        if self._open is not None:
            return
        async with AsyncExitStack() as opened:
            await self._start(opened)
            self._open = opened.pop_all()

    async def stop(self) -> None:
        """Take nothing new, let running functions end within the grace, end the worker.

        What does not end in time is given back to its queue. Harmless when repeated.
        """
        opened, self._open = self._open, None
        if opened is not None:
            await opened.aclose()

    async def _start(self, opened: AsyncExitStack) -> None:
        refuse_unsupported(self._settings)
        script = script_name(self._app_dir, self._settings)
        host = read_host_json(self._app_dir / "host.json")
        log = open_log(self._log_path)
        opened.callback(close_log, log)
        storage = Storage()
        opened.push_async_callback(storage.close)
        # Before the worker: the app may read its own address while it is imported.
        opened.push_async_callback(self._front_end.stop)
        await self._front_end.start()
        worker = Worker(self._command(script), log=log)
        definitions = await self._load(worker, script, host, opened)
        invoker = Invoker(
            worker=worker,
            outputs=Outputs(storage, is_base64=host.queues.base64),
            timeout=host.function_timeout,
            log=log,
        )
        listeners = Listeners(
            definitions,
            queues=host.queues,
            storage=storage,
            container=storage.container(self._settings[DEFAULT_CONNECTION], _HOSTS_CONTAINER),
            host_id=self.host_id,
            invoker=invoker,
            log=log,
            lease_seconds=self._lease_seconds,
        )
        event_grid = EventGridTriggers(definitions, invoker=invoker, keys=self._keys)
        self._manual = ManualTrigger(
            invoker=invoker, timers=listeners.timers, event_grid=event_grid
        )
        self._front_end.open(
            functions=HttpTriggers(
                definitions,
                invoker=invoker,
                keys=self._keys,
                limit_seconds=self._http_limit_seconds,
            ).handle,
            event_grid=event_grid.handle,
            admin=AdminRoutes(
                self._functions,
                host_id=self.host_id,
                url=self.url,
                keys=self._keys,
                worker=worker,
                manual=self._manual,
            ).handle,
        )
        # Undone in reverse: take no new messages, wait for the grace, end the worker (which fails
        # what still runs), settle each message, release the timers' locks.
        opened.push_async_callback(listeners.release_timers)
        opened.push_async_callback(listeners.settle_messages)
        opened.push_async_callback(worker.stop)
        opened.push_async_callback(invoker.drain, self._grace_seconds)
        opened.push_async_callback(listeners.stop_listening)
        listeners.start()
        log.info("Host started: %d functions at %s", len(definitions), self.url)

    async def _load(
        self, worker: Worker, script: str, host: HostSettings, opened: AsyncExitStack
    ) -> list[FunctionDefinition]:
        opened.push_async_callback(worker.stop)
        described = await worker.start()
        self._worker = worker
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
        return definitions

    def _command(self, script: str) -> Command:
        environ = worker_environ(self._settings, app_dir=self._app_dir, port=self._front_end.port)
        return worker_command(
            python=self._python,
            app_dir=self._app_dir,
            script=script,
            environ=environ,
            log=self._log_path,
        )

"""The worker process as the host sees it: one child, restarted when it ends by itself."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.errors import LocalStackError, ProcessFailedError
from local.functions_host.errors import FunctionAppError, HostStoppingError, InvocationError
from local.functions_host.worker.functions_host_worker import wire
from local.supervision.processes import Command, ManagedProcess
from local.supervision.restart_policy import RestartPolicy, Restarts

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping

_WORKER = Path(__file__).parent / "worker"
_START_LIMIT_SECONDS = 60.0
_END_LIMIT_SECONDS = 5.0
_RESTARTS = RestartPolicy(first_pause_seconds=0.1)


def worker_command(
    *, python: Path, app_dir: Path, script: str, environ: Mapping[str, str], log: Path
) -> Command:
    """How the worker is started: in the app's folder, with the app's Python."""
    # -P: like Azure's worker, the app's folder comes last on the import path, and the worker
    # puts it there itself. -u: the log must hold the last words of a worker that crashes.
    return Command(
        name="functions worker",
        argv=[str(python), "-P", "-u", "-m", "functions_host_worker", script],
        log=log,
        environ={**environ, "PYTHONPATH": str(_WORKER)},
        cwd=app_dir,
    )


class _Connection:
    """One run of the worker process."""

    def __init__(
        self,
        process: ManagedProcess,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        ready: asyncio.Event,
    ) -> None:
        self.process = process
        self.ended = asyncio.Event()
        self.cpu_seconds = 0.0
        self.started = time.monotonic()
        self._ready = ready
        self._reader = reader
        self._writer = writer
        self._waiting: dict[str, asyncio.Future[wire.Message]] = {}
        self._listener: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls, command: Command, *, ready: asyncio.Event
    ) -> tuple[_Connection, list[dict[str, Any]]]:
        """Start the process; returns when its functions are indexed. Its end clears `ready`."""
        ours, theirs = socket.socketpair()
        try:
            process = await ManagedProcess.start(command, stdin=theirs.fileno())
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        connection = cls(process, *await asyncio.open_connection(sock=ours), ready=ready)
        try:
            described = await connection._indexed()
        except BaseException:
            await connection.stop()
            raise
        connection._listener = asyncio.create_task(connection._listen())
        return connection, described

    async def _indexed(self) -> list[dict[str, Any]]:
        log = self.process.command.log
        try:
            async with asyncio.timeout(_START_LIMIT_SECONDS):
                message = await wire.read(self._reader)
        except TimeoutError as exc:
            raise ProcessFailedError(
                f"the app was not indexed within {_START_LIMIT_SECONDS:.0f} s, Azure's limit; what "
                f"does it do when it is imported? Log: {log}\n{self.process.last_lines()}"
            ) from exc
        if message is None:
            code = await self.process.wait()
            raise ProcessFailedError(
                f"the functions worker ended with code {code} before the app was indexed. "
                f"Log: {log}\n{self.process.last_lines()}"
            )
        self.cpu_seconds = message["cpu_seconds"]
        if message["type"] == "failed":
            raise FunctionAppError(_load_error(message["error"], log))
        functions: list[dict[str, Any]] = message["functions"]
        return functions

    async def _listen(self) -> None:
        while (message := await wire.read(self._reader)) is not None:
            self.cpu_seconds = message["cpu_seconds"]
            answer = self._waiting.pop(message["id"], None)
            if answer is not None and not answer.done():
                answer.set_result(message)
        self._fail_waiting(
            InvocationError(
                "the functions worker ended while the function ran. "
                f"Log: {self.process.command.log}"
            )
        )
        self._ready.clear()  # at once: later calls wait for the next worker
        self.ended.set()

    def _fail_waiting(self, error: InvocationError) -> None:
        waiting, self._waiting = self._waiting, {}
        for answer in waiting.values():
            if not answer.done():
                answer.set_exception(error)

    async def invoke(self, request: wire.Message) -> wire.Message:
        if self.ended.is_set():
            raise InvocationError("the functions worker ended before the function started")
        answer: asyncio.Future[wire.Message] = asyncio.get_running_loop().create_future()
        self._waiting[request["id"]] = answer
        try:
            self._writer.write(wire.encode(request, errors="replace"))
            with contextlib.suppress(ConnectionError):  # the listener fails the answer
                await self._writer.drain()
            return await answer
        finally:
            self._waiting.pop(request["id"], None)

    async def stop(self, error: InvocationError | None = None) -> None:
        """End the process; what still runs fails with `error`."""
        if error is not None:
            self._fail_waiting(error)
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.process.wait(), _END_LIMIT_SECONDS)
        await self.process.stop()
        if self._listener is not None:
            await self._listener


def _load_error(error: Mapping[str, str], log: Path) -> str:
    remedy = ""
    if error["kind"] == "ModuleNotFoundError":
        remedy = "\nThe environment holds what requirements.txt lists: add the missing package."
    return f"the app could not be loaded: {error['message']}{remedy}\n{error['trace']}Log: {log}"


class Worker:
    """The worker process, across restarts.

    When it ends by itself, running calls fail and a new process is started, after pauses that grow
    while it keeps ending.
    """

    def __init__(self, command: Command, *, log: logging.Logger) -> None:
        self._command = command
        self._log = log
        self._connection: _Connection | None = None
        self._described: list[dict[str, Any]] = []
        self._ready = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None
        self.restarts = 0
        self.last_error: str | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the worker that runs now."""
        return None if self._connection is None else self._connection.process.pid

    @property
    def is_ready(self) -> bool:
        """Whether a call would be taken now."""
        return self._ready.is_set()

    @property
    def cpu_seconds(self) -> float:
        """CPU the process had used when it sent its last message."""
        return 0.0 if self._connection is None else self._connection.cpu_seconds

    async def start(self) -> list[dict[str, Any]]:
        """Start it; returns the description of the app's functions.

        Raises:
            FunctionAppError: the app cannot be loaded; with its traceback.
            ProcessFailedError: the process did not start or ended; with the log's last lines.
        """
        self._connection, self._described = await _Connection.start(
            self._command, ready=self._ready
        )
        self._ready.set()
        self._watcher = asyncio.create_task(self._watch())
        return self._described

    async def invoke(self, request: wire.Message, *, limit_seconds: float | None) -> wire.Message:
        """Call a function; waits for a worker that is being restarted.

        Raises:
            InvocationError: it raised, took longer than the limit, or the worker ended.
        """
        try:
            async with asyncio.timeout(_START_LIMIT_SECONDS):
                await self._ready.wait()
        except TimeoutError as exc:
            raise InvocationError(
                f"no functions worker for {_START_LIMIT_SECONDS:.0f} s: {self.last_error}"
            ) from exc
        connection = self._connection
        if connection is None:
            raise HostStoppingError("the host is stopping")
        try:
            async with asyncio.timeout(limit_seconds):
                answer = await connection.invoke(request)
        except TimeoutError as exc:
            # Like Azure: a function that hangs can only be ended together with its process.
            self._ready.clear()
            await connection.stop(
                InvocationError(
                    f"the worker was restarted because {request['function']} ran longer than "
                    f"functionTimeout ({limit_seconds} s)"
                )
            )
            raise InvocationError(
                f"it ran longer than functionTimeout ({limit_seconds} s); the worker was restarted"
            ) from exc
        if "error" in answer:
            raise InvocationError(f"{answer['error']['message']}\n{answer['error']['trace']}")
        return answer

    async def _watch(self) -> None:
        restarts = Restarts(_RESTARTS)
        while (connection := self._connection) is not None:
            await connection.ended.wait()
            self.last_error = f"it ended with code {await connection.process.wait()}"
            self._log.error("Functions worker ended: %s", self.last_error)
            await connection.stop()
            pause = restarts.pause_after(time.monotonic() - connection.started)
            while (restarted := await self._restarted(pause)) is None:
                pause = restarts.pause_after(0.0)
            self._connection = restarted
            self.restarts += 1
            self._ready.set()
            self._log.info("Functions worker restarted, process %s", self.pid)

    async def _restarted(self, pause: float) -> _Connection | None:
        """A new worker after a pause; None when it did not start, or not with the same app."""
        await asyncio.sleep(pause)
        try:
            connection, described = await _Connection.start(self._command, ready=self._ready)
        except LocalStackError as exc:
            self.last_error = str(exc)
            self._log.error("Functions worker did not restart: %s", exc)
            return None
        if described == self._described:
            return connection
        await connection.stop()
        self.last_error = "the app's functions changed on disk: restart the host"
        self._log.error("Functions worker stopped again: %s", self.last_error)
        return None

    async def stop(self) -> None:
        """End it; what still runs fails with HostStoppingError. Harmless when repeated."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.cancel()
            await asyncio.wait({watcher})
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.stop(HostStoppingError("the host stopped while the function ran"))
        self._ready.set()  # calls that wait for a worker fail now

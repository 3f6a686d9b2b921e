"""Long-running operations as ARM shows them: in progress, succeeded or failed."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

from local.azure_ml.answers import not_found
from local.azure_ml.workspace.resources import read_object_file
from local.errors import LocalStackError

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger(__name__)
_API_VERSION = "2023-04-01-preview"
# 0 counts as absent for the SDK, which then waits 30 s and more.
_RETRY_AFTER_SECONDS = "1"


# What is kept with an operation and not shown.
PRIVATE = "local"

Handler = Callable[[str], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class _Work:
    """What an operation does, and to which resource."""

    action: str
    subject: str


class OperationFailedError(LocalStackError):
    """Ends an operation as Failed with an ARM error code and a text for the user."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Operations:
    """Runs registered handlers in the background and records how they end, across restarts.

    An operation that a stop of the stack interrupted stays `InProgress` and is run again by
    `resume`: on Azure the service keeps running. Handlers must be safe to repeat.

    Raises:
        LocalStackError: a file under `root` is damaged.

    Args:
        url_prefix: `https://host:port/subscriptions/<s>/providers/.../locations/<location>`.
    """

    def __init__(self, root: Path, *, url_prefix: str) -> None:
        self._root = root
        self._url_prefix = url_prefix
        self._handlers: dict[str, Handler] = {}
        self._in_progress: dict[str, _Work] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.stopping = False
        root.mkdir(parents=True, exist_ok=True)
        for file in root.glob("*.json"):
            stored = read_object_file(file)
            if stored.get("status") == "InProgress":
                self._take_up(stored)

    def handle(self, action: str, handler: Handler) -> None:
        """Register what `action` does to a resource.

        `OperationFailedError` from the handler becomes the operation's error; anything else is a
        bug: the operation fails as `InternalError` and the traceback is logged.
        """
        self._handlers[action] = handler

    def start(self, action: str, subject: str) -> str:
        """Run a registered action on a resource in the background; returns the operation's id.

        Args:
            action: as given to `handle`.
            subject: the resource's path below the workspace.
        """
        operation_id = uuid.uuid4().hex
        place = "/subscriptions" + self._url_prefix.partition("/subscriptions")[2]
        work = _Work(action, subject)
        self._in_progress[operation_id] = work
        self._save(
            {
                "id": f"{place}/mfeOperationsStatus/{operation_id}",
                "name": operation_id,
                "status": "InProgress",
                "startTime": _now(),
                PRIVATE: asdict(work),
            }
        )
        self._run(operation_id, work)
        return operation_id

    def resume(self) -> None:
        """Run again what a stop of the stack interrupted; call once, when all can be reached."""
        for operation_id, work in list(self._in_progress.items()):
            if operation_id not in self._tasks:
                self._run(operation_id, work)

    def is_in_progress(self, subject: str) -> bool:
        """Whether an operation on this resource is running or interrupted."""
        return any(work.subject == subject for work in self._in_progress.values())

    def headers(self, operation_id: str) -> dict[str, str]:
        """What a 201 or 202 answer must carry for the SDK to follow the operation."""
        url = f"{self._url_prefix}/mfeOperationsStatus/{operation_id}?api-version={_API_VERSION}"
        return {
            "Azure-AsyncOperation": url,
            "Location": url.replace("mfeOperationsStatus", "mfeOperationResults"),
            "Retry-After": _RETRY_AFTER_SECONDS,
        }

    def status(self, operation_id: str) -> dict[str, Any] | None:
        """`{id, name, status: InProgress|Succeeded|Failed, startTime, endTime, error}` or None."""
        stored = self._stored(operation_id)
        if stored is None:
            return None
        return {key: value for key, value in stored.items() if key != PRIVATE}

    async def wait(self, operation_id: str) -> dict[str, Any]:
        """Wait until the operation is over; returns its status."""
        task = self._tasks.get(operation_id)
        if task is not None:
            await asyncio.wait([task])
            await asyncio.sleep(0)  # its done callback runs before us in the loop's next round
        status = self.status(operation_id)
        if status is None:
            raise LocalStackError(f"unknown operation {operation_id}")
        return status

    def interrupt(self) -> None:
        """The stack is stopping: what ends from now on is run again at its next start."""
        self.stopping = True

    async def stop(self) -> None:
        """End what still runs. Stop this before what the handlers work with."""
        self.interrupt()
        running = [task for task in self._tasks.values() if not task.done()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def routes(self) -> list[web.RouteDef]:
        """Status and result routes, at every subscription and location."""
        base = "/subscriptions/{subscription}/providers/{provider}/locations/{location}"
        return [
            web.get(base + "/mfeOperationsStatus/{operation}", self._get_status),
            web.get(base + "/mfeOperationResults/{operation}", self._get_result),
        ]

    async def _get_status(self, request: web.Request) -> web.Response:
        status = self.status(request.match_info["operation"])
        if status is None:
            return not_found(f"operation {request.match_info['operation']}")
        headers = {"Retry-After": _RETRY_AFTER_SECONDS} if status["status"] == "InProgress" else {}
        return web.json_response(status, headers=headers)

    async def _get_result(self, request: web.Request) -> web.Response:
        status = self.status(request.match_info["operation"])
        if status is None:
            return not_found(f"operation {request.match_info['operation']}")
        if status["status"] == "InProgress":
            return web.Response(status=202, headers=self.headers(status["name"]))
        return web.Response(status=200 if status["status"] == "Succeeded" else 400)

    def _take_up(self, stored: dict[str, Any]) -> None:
        work = stored.get(PRIVATE)
        if work is None:  # written by a version that did not record the work
            self._save(_failed(stored, "Interrupted", "the stack stopped meanwhile"))
        else:
            self._in_progress[stored["name"]] = _Work(**work)

    def _run(self, operation_id: str, work: _Work) -> None:
        if self.stopping:
            return  # it is run at the next start
        handler = self._handlers[work.action]
        task = asyncio.create_task(handler(work.subject), name=f"operation {operation_id}")
        self._tasks[operation_id] = task
        task.add_done_callback(lambda done: self._finish(operation_id, done))

    def _finish(self, operation_id: str, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if task.cancelled() or (error is not None and self.stopping):
            return  # it stays in progress
        status = self.status(operation_id)
        if status is None:
            raise LocalStackError(f"the state of operation {operation_id} vanished")
        if error is None:
            self._save({**status, "status": "Succeeded", "endTime": _now()})
        elif isinstance(error, OperationFailedError):
            self._save(_failed(status, error.code, str(error)))
        else:
            _log.error("operation failed", exc_info=error, extra={"operation": operation_id})
            self._save(_failed(status, "InternalError", f"{type(error).__name__}: {error}"))
        del self._in_progress[operation_id]

    def _stored(self, operation_id: str) -> dict[str, Any] | None:
        file = self._root / f"{operation_id}.json"
        if not operation_id.isalnum() or not file.exists():
            return None
        body: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return body

    def _save(self, status: dict[str, Any]) -> None:
        file = self._root / f"{status['name']}.json"
        draft = file.with_suffix(".new")
        draft.write_text(json.dumps(status), encoding="utf-8")
        draft.replace(file)


def _failed(status: dict[str, Any], code: str, message: str) -> dict[str, Any]:
    error = {"code": code, "message": message}
    return {**status, "status": "Failed", "endTime": _now(), "error": error}


def _now() -> str:
    return datetime.now(UTC).isoformat()

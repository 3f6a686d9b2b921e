"""Long-running operations as ARM shows them: started, asked about, succeeded or failed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

from local.azure_ml.answers import not_found
from local.azure_ml.workspace.resources import read_object_file
from local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

_log = logging.getLogger(__name__)
_API_VERSION = "2023-04-01-preview"
# 0 counts as absent for the SDK, which then waits 30 s and more.
_RETRY_AFTER_SECONDS = "1"


class OperationFailedError(LocalStackError):
    """Ends an operation as Failed with an ARM error code and a text for the user."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Operations:
    """Runs coroutines and remembers how they ended, across restarts too.

    Raises:
        LocalStackError: a file under `root` is damaged.

    Args:
        url_prefix: `https://host:port/subscriptions/<s>/providers/.../locations/<location>`.
    """

    def __init__(self, root: Path, *, url_prefix: str) -> None:
        self._root = root
        self._url_prefix = url_prefix
        self._tasks: dict[str, asyncio.Task[None]] = {}
        root.mkdir(parents=True, exist_ok=True)
        for file in root.glob("*.json"):
            status = read_object_file(file)
            if status.get("status") == "InProgress":
                self._save(_failed(status, "Interrupted", "the stack stopped meanwhile"))

    def start(self, work: Coroutine[Any, Any, None]) -> str:
        """Run `work` in the background; returns the operation's id.

        `OperationFailedError` from `work` becomes the operation's error; anything else is a bug:
        the operation fails as `InternalError` and the traceback is logged.
        """
        operation_id = uuid.uuid4().hex
        status = {
            "id": f"{self._url_prefix.partition('/subscriptions')[1]}"
            f"{self._url_prefix.partition('/subscriptions')[2]}/mfeOperationsStatus/{operation_id}",
            "name": operation_id,
            "status": "InProgress",
            "startTime": _now(),
        }
        self._save(status)
        task = asyncio.create_task(work, name=f"operation {operation_id}")
        self._tasks[operation_id] = task
        task.add_done_callback(lambda done: self._finish(operation_id, done))
        return operation_id

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
        file = self._root / f"{operation_id}.json"
        if not operation_id.isalnum() or not file.exists():
            return None
        body: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return body

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

    async def stop(self) -> None:
        """Cancel what still runs; it is marked failed."""
        running = [task for task in self._tasks.values() if not task.done()]
        for task in running:
            task.cancel()
        for task in running:
            with contextlib.suppress(asyncio.CancelledError, LocalStackError):
                await task

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

    def _finish(self, operation_id: str, task: asyncio.Task[None]) -> None:
        status = self.status(operation_id)
        if status is None:
            raise LocalStackError(f"the state of operation {operation_id} vanished")
        if task.cancelled():
            self._save(_failed(status, "Interrupted", "the stack stopped meanwhile"))
            return
        error = task.exception()
        if error is None:
            self._save({**status, "status": "Succeeded", "endTime": _now()})
        elif isinstance(error, OperationFailedError):
            self._save(_failed(status, error.code, str(error)))
        else:
            _log.error("operation failed", exc_info=error, extra={"operation": operation_id})
            self._save(_failed(status, "InternalError", f"{type(error).__name__}: {error}"))

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

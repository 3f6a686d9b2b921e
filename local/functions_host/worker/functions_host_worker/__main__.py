"""Started by the host in the app's folder, with the socket to the host as standard input."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from . import invocation, wire
from .indexing import describe_error, index

if TYPE_CHECKING:
    from .signature import Signature


_TIME = "%Y-%m-%dT%H:%M:%S"


class _InvocationFormatter(logging.Formatter):
    """One line a record; a traceback follows on its own lines."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        return time.strftime(datefmt or _TIME, time.gmtime(record.created))

    def format(self, record: logging.LogRecord) -> str:
        record.invocation = invocation.current_invocation.get() or "-"
        return super().format(record)


def _set_up_logging() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _InvocationFormatter(
            "%(asctime)s.%(msecs)03dZ %(levelname)s [%(invocation)s] %(name)s: %(message)s",
        )
    )
    debug = os.environ.get("PYTHON_ENABLE_DEBUG_LOGGING", "").lower() in {"1", "true"}
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.DEBUG if debug else logging.INFO)


def _take_socket() -> socket.socket:
    # The app and the programs it starts must not find the host's socket as their standard input.
    connection = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return connection


def _set_import_path() -> None:
    # Replace our folder by the app's, which comes last, as in Azure's worker: an installed
    # package hides a folder of the app with the same name here as well.
    own = str(Path(__file__).parent.parent)
    sys.path[:] = [*(entry for entry in sys.path if entry != own), str(Path.cwd())]
    os.environ.pop("PYTHONPATH", None)


def _pool() -> ThreadPoolExecutor:
    count = os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT")
    return ThreadPoolExecutor(int(count) if count else None, thread_name_prefix="function")


class _Worker:
    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._pool = _pool()
        self._signatures: dict[str, Signature] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def index(self, script: str) -> None:
        # A task keeps what the app raises, without an `except` that would hide our own bugs.
        attempt = asyncio.ensure_future(self._index(script))
        await asyncio.wait({attempt})
        error = attempt.exception()
        if error is not None:
            self._send({"type": "failed", "error": describe_error(error)})
            return
        self._send({"type": "indexed", "functions": attempt.result()})

    async def _index(self, script: str) -> list[dict[str, object]]:
        # Azure imports the app inside the running loop too: asyncio.run at module top fails.
        self._signatures, described = index(script)
        return described

    async def invoke(self, request: wire.Message) -> None:
        call = asyncio.ensure_future(
            invocation.run(self._signatures[request["function"]], request, self._pool)
        )
        await asyncio.wait({call})
        answer: wire.Message = {"type": "result", "id": request["id"]}
        if call.cancelled():
            answer["error"] = describe_error(asyncio.CancelledError("the function was cancelled"))
        elif (error := call.exception()) is not None:
            answer["error"] = describe_error(error)
        else:
            answer |= call.result()
        try:
            self._send(answer)
        except UnicodeEncodeError as exc:  # the caller waits: every call has an answer
            self._send({"type": "result", "id": request["id"], "error": describe_error(exc)})

    async def serve(self, reader: asyncio.StreamReader) -> None:
        while (request := await wire.read(reader)) is not None:
            task = asyncio.create_task(self.invoke(request))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def _send(self, message: wire.Message) -> None:
        message["cpu_seconds"] = time.process_time()
        self._writer.write(wire.encode(message))


async def _main(script: str) -> None:
    reader, writer = await asyncio.open_connection(sock=_take_socket())
    worker = _Worker(writer)
    await worker.index(script)
    await worker.serve(reader)


if __name__ == "__main__":
    _set_import_path()
    _set_up_logging()
    asyncio.run(_main(sys.argv[1]))
    # Like Azure, end without waiting for threads that still run or for the app's finalisers.
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)

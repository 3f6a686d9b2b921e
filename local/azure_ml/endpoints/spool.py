"""Spool: lines that must not be lost are written to disk first, then appended to blobs.

A spool file holds exactly what its blob holds or will hold, so the blob's length shows how far the
upload got, also after a crash: nothing is lost and nothing is written twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob.aio import BlobClient

from local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_log = logging.getLogger(__name__)
_FLUSH_SECONDS = 1.0
_MOST_BLOCK_BYTES = 4 * 1024 * 1024
# A file that was not written to for this long is finished; its blob is complete.
_IDLE_SECONDS = 600.0
# Azure Storage takes 50,000 blocks a blob.
_MOST_BLOCKS = 40_000
# Of the token in a blob's URL; it lives for hours.
_CLIENT_SECONDS = 3600.0


@dataclass(slots=True)
class _File:
    path: Path
    length: int
    blocks: int = 0
    ended: bool = False
    complaint: str = ""
    uploaded: int | None = None  # None: the blob has not been asked yet
    touched_at: float = field(default_factory=time.monotonic)
    client: BlobClient | None = None
    client_at: float = 0.0


class Spool:
    """Append-only files below `root`, named `<container>/<blob name>`, mirrored to append blobs.

    Args:
        blob_url: of container and blob name, with a token that may create and append.
    """

    def __init__(self, *, root: Path, blob_url: Callable[[str, str], str]) -> None:
        self._root = root
        self._blob_url = blob_url
        self._files: dict[Path, _File] = {}
        # Requested path -> path of its successor, once a file is full or finished.
        self._successors: dict[Path, Path] = {}
        self._stopping = False
        self._waiting: list[tuple[Path, bytes, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._upload_lock = asyncio.Lock()

    async def start(self) -> None:
        """Resume the files that an earlier run left, and start uploading."""
        self._stopping = False
        self._root.mkdir(parents=True, exist_ok=True)
        for path in sorted(self._root.rglob("*.jsonl")):
            self._files[path] = _File(path, _repaired_length(path))
        self._tasks = [
            asyncio.create_task(self._write_forever(), name="collector writes"),
            asyncio.create_task(self._upload_forever(), name="collector uploads"),
        ]

    async def stop(self) -> None:
        """Write and upload everything; what storage refuses stays on disk for the next run."""
        tasks, self._tasks = self._tasks, []
        if not tasks:
            return
        self._stopping = True
        self._wake.set()
        writer, uploader = tasks
        await writer
        uploader.cancel()
        await asyncio.gather(uploader, return_exceptions=True)
        await self.flush()
        for file in list(self._files.values()):
            await self._close(file)
            if file.uploaded == file.length:
                file.path.unlink()
        self._files.clear()

    async def append(self, container: str, name: str, line: bytes) -> None:
        """Add one line (without its end) to a blob. Durable on this machine when it returns.

        Raises:
            LocalStackError: `name` would leave the folder, or the spool is stopped.
        """
        path = (self._root / container / name).resolve()
        if not path.is_relative_to(self._root.resolve()):
            raise LocalStackError(f"'{name}' is not a blob name")
        if not self._tasks:
            raise LocalStackError("the collector has stopped")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((path, line + b"\n", done))
        self._wake.set()
        await done

    async def flush(self) -> None:
        """Upload all that is written and not yet in storage."""
        async with self._upload_lock:
            for file in list(self._files.values()):
                await self._upload(file)

    async def _write_forever(self) -> None:
        while not self._stopping or self._waiting:
            await self._wake.wait()
            await self._write_waiting()

    async def _write_waiting(self) -> None:
        # One fsync for all that came in while the last one ran.
        batch, self._waiting = self._waiting, []
        self._wake.clear()
        by_path: dict[Path, list[bytes]] = {}
        for path, line, _ in batch:
            by_path.setdefault(path, []).append(line)
        try:
            for wanted, lines in by_path.items():
                data = b"".join(lines)
                path = self._successors.get(wanted, wanted)
                file = self._files.setdefault(path, _File(path, 0))
                file.touched_at = time.monotonic()  # first, so that it does not end meanwhile
                await asyncio.to_thread(_append, path, data, at=file.length)
                file.length += len(data)
        except OSError as exc:
            for _, _, done in batch:
                if not done.done():
                    done.set_exception(LocalStackError(f"cannot write collected data: {exc}"))
            return
        for _, _, done in batch:
            if not done.done():
                done.set_result(None)

    async def _upload_forever(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            await self.flush()

    async def _upload(self, file: _File) -> None:
        try:
            await self._append_to_blob(file)
        except (AzureError, OSError) as exc:
            if str(exc) != file.complaint:  # once, not every second
                _log.warning("collected data waits: blob=%s reason=%s", file.path.name, exc)
                file.complaint = str(exc)
            return
        file.complaint = ""
        if file.blocks >= _MOST_BLOCKS:
            self._start_successor(file)
        if time.monotonic() - file.touched_at > _IDLE_SECONDS and file.uploaded == file.length:
            self._start_successor(file)
            file.path.unlink()
            del self._files[file.path]
            await self._close(file)

    async def _append_to_blob(self, file: _File) -> None:
        if file.uploaded is None:
            file.uploaded = await self._blob_length(file)
        while file.uploaded < file.length:
            block = await asyncio.to_thread(_read, file.path, file.uploaded, file.length)
            client = await self._client(file)
            try:
                await client.append_block(
                    block, length=len(block), appendpos_condition=file.uploaded
                )
            except ResourceModifiedError:
                # An earlier append arrived although its answer did not.
                file.uploaded = await self._blob_length(file)
                continue
            file.uploaded += len(block)
            file.blocks += 1

    def _start_successor(self, file: _File) -> None:
        """Send later lines to a new blob: this file is full or finished."""
        if file.ended:
            return
        file.ended = True
        asked_for = [path for path, now in self._successors.items() if now == file.path]
        successor = file.path.with_stem(f"{file.path.stem.split('-')[0]}-{uuid.uuid4().hex[:8]}")
        for path in asked_for or [file.path]:
            self._successors[path] = successor

    async def _blob_length(self, file: _File) -> int:
        client = await self._client(file)
        try:
            properties = await client.get_blob_properties()
        except ResourceNotFoundError:
            with contextlib.suppress(ResourceExistsError):
                await client.create_append_blob(match_condition=MatchConditions.IfMissing)
            return 0
        return int(properties.size)

    async def _client(self, file: _File) -> BlobClient:
        if file.client is not None and time.monotonic() - file.client_at < _CLIENT_SECONDS:
            return file.client
        await self._close(file)
        container, _, name = file.path.relative_to(self._root.resolve()).as_posix().partition("/")
        # No retries inside: this is tried again every second, and a stop must not wait for them.
        file.client = BlobClient.from_blob_url(self._blob_url(container, name), retry_total=0)
        file.client_at = time.monotonic()
        return file.client

    async def _close(self, file: _File) -> None:
        if file.client is not None:
            await file.client.close()
            file.client = None


def _append(path: Path, data: bytes, *, at: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.truncate(at)  # a write that failed half-way, on a full disk, left something
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path, start: int, end: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(min(end - start, _MOST_BLOCK_BYTES))


def _repaired_length(path: Path) -> int:
    """Cut off an incomplete last line: its sender got no answer and counts it as undelivered."""
    with path.open("r+b") as file:
        length = _end_of_last_line(file)
        file.truncate(length)
    return length


def _end_of_last_line(file: BinaryIO) -> int:
    end = file.seek(0, os.SEEK_END)
    while end:
        start = max(0, end - 65536)
        file.seek(start)
        at = file.read(end - start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        end = start
    return 0

"""A lock between processes; waiting for it does not block the event loop: Ctrl-C gets through."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
from typing import IO, TYPE_CHECKING

from local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

_POLL_SECONDS = 0.2


@contextlib.asynccontextmanager
async def file_lock(path: Path) -> AsyncIterator[None]:
    """Hold `path` alone; the kernel lets go of it however the process ends.

    Not for two tasks of one event loop that must take turns in order: who polls first gets it.

    Raises:
        LocalStackError: its folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        opened = path.open("a", encoding="utf-8")
    except OSError as exc:
        raise LocalStackError(
            f"the folder {path.parent} cannot be used: {exc}. Make it writable, or remove what is "
            "in its place"
        ) from exc
    with opened as file:
        while not try_lock(file):  # noqa: ASYNC110 - another process does not tell us
            await asyncio.sleep(_POLL_SECONDS)
        yield


def try_lock(file: IO[str]) -> bool:
    """Lock an open file until it is closed, unless somebody else has done so."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

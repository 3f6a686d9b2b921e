"""A lock between processes that does not block the event loop, so that Ctrl-C works."""

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
    """Hold an exclusive lock on `path`; the kernel releases it however the process ends.

    It is not fair: of several tasks that wait, the one that polls first gets it.

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
    """Lock an open file until it is closed; False when another process has locked it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

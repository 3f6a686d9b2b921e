"""One stack per state folder: the lock, and clearing the folder when nothing holds it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shlex
import shutil
import time
from typing import IO, TYPE_CHECKING, Self

from local.errors import LocalStackError
from local.supervision.file_lock import try_lock
from local.supervision.reaper import REAPER

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_LOCK = "stack.lock"
_OWNER_ONLY = 0o700
_POLL_SECONDS = 0.1
# The reaper of a killed stack needs up to 15 s for processes that ignore SIGTERM.
_LEFTOVERS_SECONDS = 20.0


class StateLock:
    """One stack per state folder, as an asynchronous context manager.

    Held until all children have ended, even when this process is killed: the reaper holds it too.
    """

    def __init__(self, state: Path) -> None:
        self._path = state / _LOCK
        self._file: IO[str] | None = None

    async def __aenter__(self) -> Self:
        """Take the lock; waits until the processes of a killed stack have ended.

        Raises:
            LocalStackError: a stack runs over this folder, or the folder cannot be used.
        """
        state = self._path.parent
        try:
            state.mkdir(parents=True, exist_ok=True, mode=_OWNER_ONLY)
            file = self._path.open("a", encoding="utf-8")
        except OSError as exc:
            raise LocalStackError(
                f"the state folder {state} cannot be used: {exc}. Remove what is in its place, "
                "or name another folder with --state"
            ) from exc
        try:
            await self._lock(file)
        except BaseException:
            file.close()
            raise
        self._file = file
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        REAPER.keep_locked(file.fileno())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.truncate(0)
            fcntl.flock(self._file, fcntl.LOCK_UN)
            self._file.close()
            self._file = None

    async def _lock(self, file: IO[str]) -> None:
        deadline = time.monotonic() + _LEFTOVERS_SECONDS
        while not try_lock(file):
            holder = self.holder(self._path.parent)
            if (holder is not None and _is_alive(holder)) or time.monotonic() > deadline:
                raise LocalStackError(
                    f"a stack runs over {self._path.parent} already (process {holder}); stop it "
                    f"with: {typed(self._path.parent, 'down')}, or name another folder with --state"
                )
            await asyncio.sleep(_POLL_SECONDS)

    @staticmethod
    def is_held(state: Path) -> bool:
        """Whether a stack over `state` runs or is still ending.

        Raises:
            LocalStackError: the folder belongs to another user.
        """
        try:
            with (state / _LOCK).open(encoding="utf-8") as probe:
                return not try_lock(probe)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as exc:
            raise LocalStackError(
                f"whether a stack runs over {state} cannot be seen: {exc.strerror}. Call this as "
                "the user who started it, or name another folder with --state"
            ) from exc

    @staticmethod
    def holder(state: Path) -> int | None:
        """The process that has or had the lock; None when the file does not say."""
        try:
            return int((state / _LOCK).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None


def typed(state: Path, command: str) -> str:
    """The shell command for the stack over `state`."""
    return f"python -m local --state {shlex.quote(str(state))} {command}"


async def clear_state(state: Path) -> None:
    """Empty a stack's state folder, once the processes of a killed stack have ended.

    The lock file stays, so that the folder is still recognised as a stack's.

    Raises:
        LocalStackError: a stack runs over it, it is not a stack's folder, or it cannot be
            deleted.
    """
    try:
        is_others = state.exists() and any(state.iterdir()) and not (state / _LOCK).exists()
    except OSError as exc:
        raise LocalStackError(f"the state folder {state} cannot be read: {exc.strerror}") from exc
    if is_others:
        raise LocalStackError(
            f"{state} is not empty and not a stack's state folder: it is left as it is. Name a new "
            "folder with --state"
        )
    async with StateLock(state):
        try:
            for entry in state.iterdir():
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                elif entry.name != _LOCK:
                    entry.unlink()
        except OSError as exc:
            raise LocalStackError(f"{exc.filename} cannot be deleted: {exc.strerror}") from exc


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

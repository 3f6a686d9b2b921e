"""Child processes that cannot outlive the stack, nor leave files behind, whatever ends it.

See `reaper`.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from local.errors import ProcessFailedError
from local.supervision.reaper import REAPER
from local.supervision.reaper_process import MARK_VARIABLE, leftovers, signal_leftovers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_LAST_LINES = 20
# An error's text travels: into records, events of 64 KiB, sentences.
_LAST_BYTES = 4096
_POLL_SECONDS = 0.05
_KILLED_SECONDS = 5.0
# Short: programs make sockets below it, whose names have room for 107 bytes.
_TEMPORARY = "local-"

# Set in everything started here: some libraries call home by default.
QUIET_ENVIRONMENT = {"DO_NOT_TRACK": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
# Removed for every child: the first makes Azure SDKs believe that they run inside Azure, the next
# two give Azurite another database and other accounts, and the child has a virtual environment of
# its own.
_NOT_INHERITED = (
    "CONTAINER_NAME",
    "AZURITE_ACCOUNTS",
    "AZURITE_DB",
    "PYTHONDONTWRITEBYTECODE",
    "VIRTUAL_ENV",
    "PYTHONPATH",
)


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment for a child: ours without what would mislead it, plus `extra`."""
    inherited = {key: value for key, value in os.environ.items() if key not in _NOT_INHERITED}
    return inherited | QUIET_ENVIRONMENT | dict(extra)


@dataclass(frozen=True, slots=True)
class Command:
    """What to run and where its output goes."""

    name: str
    argv: Sequence[str]
    log: Path
    environ: Mapping[str, str]
    cwd: Path | None = None


class ManagedProcess:
    """One child in its own process group, with its output in a log file.

    Stopping ends the group and processes that have left it: SIGTERM, then SIGKILL after
    `grace_seconds`. Each child gets its own TMPDIR, which is removed with it.
    """

    def __init__(
        self,
        command: Command,
        process: asyncio.subprocess.Process,
        *,
        mark: str,
        temporary: str,
    ) -> None:
        self.command = command
        self._process = process
        self._mark = mark
        self._temporary = temporary
        self._gone = False

    @classmethod
    async def start(
        cls, command: Command, *, stdin: int | None = asyncio.subprocess.DEVNULL
    ) -> ManagedProcess:
        """Start `command`; its environment is `child_environment(command.environ)`.

        Raises:
            ProcessFailedError: the program does not exist or cannot be run.
        """
        mark = REAPER.next_mark()
        temporary = tempfile.mkdtemp(prefix=_TEMPORARY)
        REAPER.remove_later(temporary)
        environ = child_environment({"TMPDIR": temporary, **command.environ})
        try:
            with _opened(command) as log:
                process = await asyncio.create_subprocess_exec(
                    *command.argv,
                    stdin=stdin,
                    stdout=log,
                    stderr=asyncio.subprocess.STDOUT,
                    env=environ | {MARK_VARIABLE: mark},
                    cwd=command.cwd,
                    start_new_session=True,
                )
        except (OSError, ValueError) as exc:  # ValueError: a NUL, or a variable's name with =
            _remove(temporary)
            raise ProcessFailedError(
                f"{command.name}: cannot start {command.argv[0]}: {exc}"
            ) from exc
        except BaseException:
            _remove(temporary)
            raise
        REAPER.watch(process.pid)
        return cls(command, process, mark=mark, temporary=temporary)

    @property
    def pid(self) -> int:
        """The child's process id, which is its group's id too."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs."""
        return self._process.returncode

    async def wait(self) -> int:
        """Wait until the process ends by itself; returns its exit code."""
        return await self._process.wait()

    async def stop(self, *, grace_seconds: float = 5.0) -> None:
        """End the process and all it has started. Harmless when they have ended already.

        What is left is killed even when this is cancelled.
        """
        if self._gone:  # another process may have its number by now
            return
        try:
            signal_leftovers((self.pid,), self._mark, signal.SIGTERM)
            async with asyncio.timeout(grace_seconds):
                await self._process.wait()
                # Its children got the signal too and may need longer.
                while leftovers((self.pid,), self._mark):  # noqa: ASYNC110 - there is no event for it
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            pass  # the grace is over
        finally:
            signal_leftovers((self.pid,), self._mark, signal.SIGKILL)
        await self._process.wait()
        await self._until_nothing_is_left()
        await asyncio.to_thread(_remove, self._temporary)
        self._gone = True
        REAPER.forget(self.pid)

    async def _until_nothing_is_left(self) -> None:
        """Wait until killed processes have disappeared, unless the kernel holds them up."""
        deadline = time.monotonic() + _KILLED_SECONDS
        while leftovers((self.pid,), self._mark) and time.monotonic() < deadline:
            signal_leftovers((self.pid,), self._mark, signal.SIGKILL)
            await asyncio.sleep(_POLL_SECONDS)

    def last_lines(self, count: int = _LAST_LINES) -> str:
        """The last `count` lines of its log, for an error message."""
        return end_of_log(self.command.log, count, most_bytes=_LAST_BYTES)


def _opened(command: Command) -> BinaryIO:
    try:
        command.log.parent.mkdir(parents=True, exist_ok=True)
        return command.log.open("ab")
    except OSError as exc:
        raise ProcessFailedError(f"{command.name}: cannot write its log: {exc}") from exc


def _remove(folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    REAPER.keep(folder)


def end_of_log(log: Path, count: int, *, most_bytes: int) -> str:
    """The last `count` lines, cut to `most_bytes`; empty when there is no log."""
    try:
        with log.open("rb") as file:
            start = max(0, file.seek(0, os.SEEK_END) - most_bytes)
            file.seek(start)
            lines = file.read(most_bytes).decode(errors="replace").splitlines(keepends=True)
    except FileNotFoundError:
        return ""
    if start and lines:
        lines = lines[1:] or [f"… {lines[0]}"]  # the first line starts in the middle
    return "".join(lines[-count:])

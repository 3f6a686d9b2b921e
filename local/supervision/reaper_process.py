"""Finds and ends processes by their group and by a mark in their environment.

Also a standalone program on the standard library alone: the reaper that `reaper.py` starts. It
waits for its parent to end, however that happens, then ends the processes that are left and removes
their temporary folders.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

# A process that starts a session leaves its group, but keeps its environment.
MARK_VARIABLE = "LOCAL_STACK_PROCESS"
_POLL_SECONDS = 0.1
_KILL_SECONDS = 5.0
_MESSAGE_BYTES = 4096
_MOST_FILES = 8


def leftovers(groups: Collection[int], mark: str) -> list[int]:
    """Living processes in one of `groups` or with a mark that begins with `mark`.

    Without /proc (macOS) only the groups count, one negative number for each.
    """
    if not Path("/proc/self/stat").exists():
        return [-group for group in groups if _exists(-group)]
    needle = f"\0{MARK_VARIABLE}={mark}".encode()
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib takes three times as long here
        if not name.isdigit():
            continue
        # It may end meanwhile, and we may not read the environments of other users.
        with contextlib.suppress(OSError):
            # After the name in brackets, which may hold anything: state, parent, group, …
            state, _, group = _read(name, "stat").rpartition(b")")[2].split(maxsplit=3)[:3]
            if state in b"ZX":
                continue
            if int(group) in groups or needle in b"\0" + _read(name, "environ"):
                found.append(int(name))
    return found


def _read(process: str, what: str) -> bytes:
    with open(f"/proc/{process}/{what}", "rb", buffering=0) as file:  # noqa: PTH123 - same
        return file.readall()


def end_leftovers(groups: Collection[int], mark: str, *, grace_seconds: float) -> None:
    """Send SIGTERM to all of them, then SIGKILL to those left after the grace period."""
    signal_leftovers(groups, mark, signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    while leftovers(groups, mark) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    deadline = time.monotonic() + _KILL_SECONDS
    # More than once: a killed process may just have started another.
    while leftovers(groups, mark) and time.monotonic() < deadline:
        signal_leftovers(groups, mark, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)


def signal_leftovers(groups: Collection[int], mark: str, number: signal.Signals) -> None:
    """Send a signal to all of them."""
    for process in leftovers(groups, mark):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process, number)


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class _Reaper:
    """What is to be cleaned up after the parent, as its messages say."""

    def __init__(self, mark: str, grace_seconds: float) -> None:
        self._mark = mark
        self._grace_seconds = grace_seconds
        self._groups: set[int] = set()
        self._folders: set[bytes] = set()

    def wait_for_end(self, parent: socket.socket) -> None:
        """Take messages, a line each, until the parent's end of the socket is closed.

        Files that come along are kept open: with them their locks, until all is ended.
        """
        text = b""
        while True:
            data, files, _, _ = socket.recv_fds(parent, _MESSAGE_BYTES, _MOST_FILES)
            del files  # open for as long as this process lives
            if not data:
                return
            *lines, text = (text + data).split(b"\n")
            for line in lines:
                self._take(line)

    def _take(self, line: bytes) -> None:
        """`+group`, `-group`, `>folder`, `<folder`, or `now`: without grace."""
        kind, rest = line[:1], line[1:]
        if line == b"now":
            self._grace_seconds = 0
        elif kind == b"+":
            self._groups.add(int(rest))
        elif kind == b"-":
            self._groups.discard(int(rest))
        elif kind == b">":
            self._folders.add(rest)
        elif kind == b"<":
            self._folders.discard(rest)

    def clean_up(self) -> None:
        """End processes, then remove folders."""
        end_leftovers(self._groups, self._mark, grace_seconds=self._grace_seconds)
        if self._folders:
            import shutil  # noqa: PLC0415 - a reaper that only waits stays small

            for folder in self._folders:
                shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    for _number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(_number, signal.SIG_IGN)
    _reaper = _Reaper(sys.argv[1], float(sys.argv[2]))
    with socket.socket(fileno=0) as _parent:
        _reaper.wait_for_end(_parent)
        _reaper.clean_up()

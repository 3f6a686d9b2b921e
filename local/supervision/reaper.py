"""A small companion process that cleans up when we cannot: after kill -9 or a crash.

It ends our children and removes their temporary folders.

The kernel's own way (PR_SET_PDEATHSIG) reaches direct children only, not gunicorn's workers or what
a job's step has started, and needs code between fork and exec, which is not safe with threads.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import socket
import subprocess
import sys
import uuid
from pathlib import Path

from local.supervision.reaper_process import MARK_VARIABLE

_PROGRAM = Path(__file__).with_name("reaper_process.py")
_GRACE_SECONDS = 10.0
_CLOSE_LIMIT_SECONDS = 20.0


class Reaper:
    """The reaper of this process; started with the first child.

    Children are found by their process group and by a mark in their environment: one that has left
    the group by its mark, one that has cleared its environment by its group.
    """

    def __init__(self) -> None:
        self.mark = f"{uuid.uuid4().hex}."
        self._count = 0
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)

    def next_mark(self) -> str:
        """The mark for another child; no other process has one that starts with it."""
        self._count += 1
        self._start()
        return f"{self.mark}{self._count}."

    def watch(self, group: int) -> None:
        """End this process group after our own end."""
        self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        """Stop watching a group that has ended: the kernel may reuse its number."""
        self._tell(f"-{group}\n")

    def remove_later(self, folder: str) -> None:
        """Remove this folder after our own end, once the processes have ended."""
        self._tell(f">{folder}\n")

    def keep(self, folder: str) -> None:
        """Do not remove this folder later: it has been removed already."""
        self._tell(f"<{folder}\n")

    def keep_locked(self, descriptor: int) -> None:
        """Keep a locked file open until all children have ended, also if we are killed.

        Unlock it explicitly: closing it here no longer releases it.
        """
        sender = self._start()
        # A file travels with at least one byte: an empty line.
        with contextlib.suppress(BrokenPipeError):
            socket.send_fds(sender, [b"\n"], [descriptor])

    def close(self, *, now: bool = False) -> None:
        """End every remaining child, at once or with grace; returns when all have ended."""
        if self._socket is None or self._process is None:
            return
        if now:
            self._tell("now\n")
        self._socket.close()
        self._socket = None
        try:
            self._process.wait(_CLOSE_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _start(self) -> socket.socket:
        if self._socket is not None:
            return self._socket
        ours, theirs = socket.socketpair()
        environ = {key: value for key, value in os.environ.items() if key != MARK_VARIABLE}
        with theirs:
            # Isolated and without site: it must start in milliseconds and stay small.
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_PROGRAM), self.mark, str(_GRACE_SECONDS)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env=environ,
                cwd="/",
                start_new_session=True,  # Ctrl-C in a terminal goes to the whole group
            )
        self._socket = ours
        return ours

    def _tell(self, line: str) -> None:
        # A reaper that was killed by hand is not replaced.
        with contextlib.suppress(BrokenPipeError):
            self._start().sendall(os.fsencode(line))


REAPER = Reaper()

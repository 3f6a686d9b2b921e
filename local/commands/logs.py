"""The logs of a stack, also of one that has ended."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from local.commands.unknown import unknown
from local.errors import LocalStackError
from local.supervision.state_lock import typed

if TYPE_CHECKING:
    from pathlib import Path


def log_end(state: Path, name: str | None, *, lines: int) -> str:
    """The last lines of a log; without a name, the logs' names.

    Raises:
        LocalStackError: no such log.
    """
    folder = state / "logs"
    files = {
        str(path.relative_to(folder).with_suffix("")): path
        for path in sorted(folder.rglob("*.log"))
    }
    if not files:
        raise LocalStackError(f"no logs in {folder}; start a stack with: {typed(state, 'up')}")
    if name is None:
        return "\n".join(files)
    if name not in files:
        raise unknown("log", name, list(files))
    with files[name].open(encoding="utf-8", errors="replace") as log:
        return "".join(deque(log, maxlen=lines)).rstrip("\n")

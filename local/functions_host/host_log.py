"""The host's lines in the app's log file."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class _UtcFormatter(logging.Formatter):
    """Times as the worker writes them, so that both read as one log."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        return time.strftime(datefmt or "%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))


def open_log(path: Path) -> logging.Logger:
    """A logger that appends to `path`. Close it with `close_log`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Outside the logging tree: two hosts in one process must not write into each other's file.
    log = logging.Logger("local.functions_host", logging.INFO)  # noqa: LOG001 - see above
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(_UtcFormatter("%(asctime)s.%(msecs)03dZ %(levelname)s [host] %(message)s"))
    log.addHandler(handler)
    return log


def close_log(log: logging.Logger) -> None:
    """Close the file."""
    for handler in list(log.handlers):
        log.removeHandler(handler)
        handler.close()

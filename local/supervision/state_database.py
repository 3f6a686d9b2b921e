"""SQLite files that hold the stack's own state: one process at a time, safe against kill -9.

SQLite rather than a journal of our own: it is in the standard library, its write-ahead log is
crash-safe, and it reuses the space of deleted rows, so that nothing grows for ever.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from local.errors import LocalStackError

if TYPE_CHECKING:
    from pathlib import Path

_LOG_LIMIT_BYTES = 4 * 1024 * 1024  # what a burst leaves of the write-ahead log


def open_state_database(path: Path, schema: str) -> sqlite3.Connection:
    """Open `path`; creates it and its folder if missing.

    What is committed survives any end of the process. It may not survive a power cut
    (`synchronous = NORMAL`): Azurite's data does not either.

    Args:
        path: the file; beside it SQLite keeps a `-wal` file.
        schema: statements that may run any number of times (`CREATE TABLE IF NOT EXISTS`).

    Raises:
        LocalStackError: another process uses the file, or it is damaged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=1.0, isolation_level=None)
    try:
        # Exclusive: a second stack on the same state is refused instead of mixed in.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA journal_size_limit = {_LOG_LIMIT_BYTES}")
        connection.executescript(schema)
        _refuse_damage(connection)
    except sqlite3.OperationalError as exc:
        connection.close()
        raise LocalStackError(
            f"{path} cannot be used: {exc}. Is another stack running on this state folder? "
            "Stop it, or start this one with another state folder"
        ) from exc
    except sqlite3.DatabaseError as exc:
        connection.close()
        raise LocalStackError(
            f"{path} is damaged: {exc}. Delete this file to start without what it knew"
        ) from exc
    return connection


def _refuse_damage(connection: sqlite3.Connection) -> None:
    """Check all pages: only the first one has been read so far."""
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError(found)

"""MLflow's database: a new one starts as a copy of an empty one that is kept in the cache.

MLflow creates a new one by running all its migrations: over a second of CPU, which the cache saves.
Where the cache cannot be used, MLflow creates its own, and a line in the log says so.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import tempfile
from pathlib import Path

from local.errors import LocalStackError

_log = logging.getLogger(__name__)


def begin(database: Path, *, empty: Path) -> bool:
    """Copy `empty` to `database`, which does not exist yet; False when that is not possible."""
    if not empty.exists():
        return False
    try:
        _copy(empty, database)
    except (sqlite3.Error, OSError) as exc:
        _log.warning(
            "MLflow's empty database %s cannot be used, MLflow makes its own: %s", empty, exc
        )
        return False
    return True


def keep(database: Path, *, empty: Path) -> None:
    """Copy `database`, which must hold no runs yet, to `empty` for later starts."""
    try:
        _copy(database, empty)
    except (sqlite3.Error, OSError) as exc:
        _log.warning("MLflow's empty database cannot be kept at %s: %s", empty, exc)


def refuse_damage(database: Path) -> None:
    """Refuse a damaged database: MLflow would start and fail with the first job.

    Raises:
        LocalStackError: it is not a database, or its folder cannot be used.
    """
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA schema_version")
            connection.execute("SELECT count(*) FROM sqlite_master")
    except (sqlite3.Error, OSError) as exc:
        raise LocalStackError(
            f"MLflow's database {database} cannot be used: {exc}. Delete it to start without the "
            "runs and metrics it knew"
        ) from exc


def _copy(source: Path, to: Path) -> None:
    """Copy all of it or nothing, also when others copy at the same time."""
    to.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=to.parent, suffix=".half")
    os.close(descriptor)
    half = Path(name)
    try:
        _back_up(source, half)
        half.replace(to)
    except BaseException:
        half.unlink()
        raise


def _back_up(source: Path, to: Path) -> None:
    only_read = f"{source.absolute().as_uri()}?mode=ro"
    with (
        contextlib.closing(sqlite3.connect(only_read, uri=True)) as whole,
        contextlib.closing(sqlite3.connect(to)) as copy,
    ):
        whole.backup(copy)
        (found,) = copy.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)

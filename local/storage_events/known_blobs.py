"""Stores which content of each blob has had its event, and numbers the events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.supervision.state_database import open_state_database

if TYPE_CHECKING:
    from pathlib import Path

    from local.storage_events.operations import BlobName

_SCHEMA = """
CREATE TABLE IF NOT EXISTS blobs (
    container TEXT NOT NULL, name TEXT NOT NULL,
    etag TEXT NOT NULL, content_type TEXT NOT NULL, blob_type TEXT NOT NULL,
    PRIMARY KEY (container, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS starts (id INTEGER PRIMARY KEY CHECK (id = 1), count INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class KnownBlob:
    """Content whose event has been published; the ETag without its quotes."""

    etag: str
    content_type: str
    blob_type: str


class KnownBlobs:
    """A database of published content; it survives restarts.

    Raises:
        LocalStackError: the file is damaged or in use.
    """

    def __init__(self, path: Path) -> None:
        self._database = open_state_database(path, _SCHEMA)
        row = self._database.execute(
            "INSERT INTO starts VALUES (1, 1) "
            "ON CONFLICT (id) DO UPDATE SET count = count + 1 RETURNING count"
        ).fetchone()
        self._start = int(row[0])
        self._events = 0

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def next_sequencer(self) -> str:
        """A sequencer that sorts, as text, after all earlier ones, also those before a restart."""
        self._events += 1
        return f"{self._start:032x}{self._events:016x}"

    def get(self, blob: BlobName) -> KnownBlob | None:
        """The published content of a blob; None if there is none."""
        row = self._database.execute(
            "SELECT etag, content_type, blob_type FROM blobs WHERE container = ? AND name = ?",
            (blob.container, blob.name),
        ).fetchone()
        return None if row is None else KnownBlob(*row)

    def remember(self, blob: BlobName, known: KnownBlob) -> None:
        """Record that an event for this content has been published."""
        self._database.execute(
            "INSERT OR REPLACE INTO blobs VALUES (?, ?, ?, ?, ?)",
            (blob.container, blob.name, known.etag, known.content_type, known.blob_type),
        )

    def changed(self, blob: BlobName, etag: str) -> None:
        """Record a change without an event. An unknown blob stays unknown: its event is due."""
        self._database.execute(
            "UPDATE blobs SET etag = ? WHERE container = ? AND name = ?",
            (etag, blob.container, blob.name),
        )

    def forget(self, blob: BlobName) -> None:
        """Remove a deleted blob."""
        self._database.execute(
            "DELETE FROM blobs WHERE container = ? AND name = ?", (blob.container, blob.name)
        )

    def forget_container(self, container: str) -> None:
        """Remove a deleted container and all its blobs."""
        self._database.execute("DELETE FROM blobs WHERE container = ?", (container,))

    def containers(self) -> list[str]:
        """Names of the containers with at least one known blob."""
        rows = self._database.execute("SELECT DISTINCT container FROM blobs")
        return [str(row[0]) for row in rows]

    def etags_in(self, container: str) -> dict[str, str]:
        """Name to ETag of everything known in one container."""
        rows = self._database.execute(
            "SELECT name, etag FROM blobs WHERE container = ?", (container,)
        )
        return {str(name): str(etag) for name, etag in rows}

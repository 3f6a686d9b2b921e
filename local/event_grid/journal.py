"""Open deliveries in SQLite: accepted once, kept until they end."""

from __future__ import annotations

import base64
import json
import secrets
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.errors import LocalStackError
from local.supervision.state_database import open_state_database

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS owed (
    id INTEGER PRIMARY KEY,
    subscription TEXT NOT NULL,
    event TEXT NOT NULL,
    accepted REAL NOT NULL,
    due REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    attempted REAL,
    outcome TEXT NOT NULL DEFAULT '',
    given_up TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS owed_due ON owed (subscription, due, id);
CREATE TABLE IF NOT EXISTS validated (
    subscription TEXT PRIMARY KEY, url TEXT NOT NULL, schema TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS keys (topic TEXT PRIMARY KEY, key TEXT NOT NULL);
"""
_COLUMNS = "id, subscription, event, accepted, due, attempts, attempted, outcome, given_up"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one subscription; times in seconds since 1970, UTC.

    `given_up` is the reason why it is no longer attempted and only its dead letter is still to be
    written; empty before that.
    """

    id: int
    subscription: str
    event: dict[str, Any]
    accepted: float
    due: float
    attempts: int
    attempted: float | None
    outcome: str
    given_up: str


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A delivery to be accepted, due at once or later."""

    subscription: str
    event: Mapping[str, Any]
    due: float


class Journal:
    """The open deliveries: a row is deleted when its delivery ends.

    Raises:
        LocalStackError: the file is damaged or in use.
    """

    def __init__(self, path: Path) -> None:
        self._database = open_state_database(path, _SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    # --- deliveries

    def accept(self, deliveries: Sequence[NewDelivery], *, now: float) -> None:
        """Store all of them, or none; they survive the end of the process once this returns.

        Raises:
            LocalStackError: they could not be written; the disk may be full.
        """
        rows = [
            (new.subscription, json.dumps(new.event, ensure_ascii=False), now, new.due)
            for new in deliveries
        ]
        try:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                self._database.executemany(
                    "INSERT INTO owed (subscription, event, accepted, due) VALUES (?, ?, ?, ?)",
                    rows,
                )
                self._database.execute("COMMIT")
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
        except sqlite3.Error as exc:
            raise LocalStackError(
                f"Event Grid cannot keep {len(rows)} deliveries: {exc}. Is the disk full?"
            ) from exc

    def due(
        self, subscription: str, *, now: float, but: Collection[int], most: int
    ) -> list[Delivery]:
        """Deliveries that are due, oldest first, without those in flight."""
        rows = self._database.execute(
            f"SELECT {_COLUMNS} FROM owed "  # noqa: S608 - the columns are ours
            "WHERE subscription = ? AND due <= ? ORDER BY due, id LIMIT ?",
            (subscription, now, most + len(but)),
        )
        return [_delivery(row) for row in rows if row[0] not in but][:most]

    def next_due(self, subscription: str, *, but: Collection[int]) -> float | None:
        """When the next one is due that is not in flight."""
        rows = self._database.execute(
            "SELECT id, due FROM owed WHERE subscription = ? ORDER BY due, id LIMIT ?",
            (subscription, len(but) + 1),
        )
        return next((due for number, due in rows if number not in but), None)

    def retry(self, delivery: Delivery, *, attempted: float, due: float, outcome: str) -> None:
        """Count a failed attempt and try again later."""
        self._database.execute(
            "UPDATE owed SET attempts = attempts + 1, attempted = ?, due = ?, outcome = ? "
            "WHERE id = ?",
            (attempted, due, outcome, delivery.id),
        )

    def give_up(self, delivery: Delivery, *, reason: str, due: float) -> None:
        """Stop attempting a delivery; its dead letter is due (again)."""
        self._database.execute(
            "UPDATE owed SET given_up = ?, due = ? WHERE id = ?", (reason, due, delivery.id)
        )

    def end(self, delivery: Delivery) -> None:
        """Delete a delivery that was delivered, dead-lettered or dropped."""
        self._database.execute("DELETE FROM owed WHERE id = ?", (delivery.id,))

    def end_all_but(self, subscriptions: Collection[str]) -> int:
        """Drop deliveries to subscriptions that no longer exist; returns how many."""
        names = ", ".join("?" * len(subscriptions))
        gone = self._database.execute(
            f"DELETE FROM owed WHERE subscription NOT IN ({names})",  # noqa: S608 - only marks
            tuple(subscriptions),
        )
        return gone.rowcount

    def waiting(self) -> dict[str, int]:
        """Number of open deliveries by subscription."""
        rows = self._database.execute(
            "SELECT subscription, COUNT(*) FROM owed GROUP BY subscription"
        )
        return {str(name): int(count) for name, count in rows}

    def first(self, most: int) -> list[Delivery]:
        """Open deliveries, the next due first."""
        rows = self._database.execute(
            f"SELECT {_COLUMNS} FROM owed ORDER BY due, id LIMIT ?",  # noqa: S608 - ours
            (most,),
        )
        return [_delivery(row) for row in rows]

    # --- other state that survives a restart

    def is_validated(self, subscription: str, url: str, schema: str) -> bool:
        """Whether this webhook has proved that it wants this subscription's events."""
        row = self._database.execute(
            "SELECT 1 FROM validated WHERE subscription = ? AND url = ? AND schema = ?",
            (subscription, url, schema),
        ).fetchone()
        return row is not None

    def validated(self, subscription: str, url: str, schema: str) -> None:
        """Record that the webhook has agreed to the subscription."""
        self._database.execute(
            "INSERT OR REPLACE INTO validated VALUES (?, ?, ?)", (subscription, url, schema)
        )

    def topic_key(self, topic: str) -> str:
        """Access key of a topic, made once; base64 of 32 bytes, as Azure's."""
        self._database.execute(
            "INSERT OR IGNORE INTO keys VALUES (?, ?)",
            (topic, base64.b64encode(secrets.token_bytes(32)).decode()),
        )
        row = self._database.execute("SELECT key FROM keys WHERE topic = ?", (topic,)).fetchone()
        return str(row[0])


def _delivery(row: tuple[Any, ...]) -> Delivery:
    return Delivery(row[0], row[1], json.loads(row[2]), *row[3:])

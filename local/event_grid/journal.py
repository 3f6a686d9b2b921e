"""Deliveries that are still owed, in SQLite: accepted once, kept until they end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.state_database import open_state_database

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (
  id INTEGER PRIMARY KEY,
  subscription TEXT NOT NULL,
  event TEXT NOT NULL,
  accepted REAL NOT NULL,
  due REAL NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  outcome TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due);
"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event owed to one subscription; times in seconds since 1970, UTC."""

    id: int
    subscription: str
    event: dict[str, Any]
    accepted: float
    attempts: int
    outcome: str


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A delivery to be accepted, due at once or later."""

    subscription: str
    event: Mapping[str, Any]
    due: float


class Journal:
    """Rows end when their delivery ends, so the file does not grow for ever."""

    def __init__(self, path: Path) -> None:
        self._database = open_state_database(path, _SCHEMA)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def accept(self, deliveries: Sequence[NewDelivery], *, now: float) -> None:
        """Keep all of them, or none; durable against the end of the process on return."""
        self._database.execute("BEGIN")
        try:
            self._database.executemany(
                "INSERT INTO deliveries (subscription, event, accepted, due) VALUES (?, ?, ?, ?)",
                [
                    (new.subscription, json.dumps(new.event, ensure_ascii=False), now, new.due)
                    for new in deliveries
                ],
            )
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def due(self, *, now: float, but: set[int], most: int) -> list[Delivery]:
        """The longest due ones, without those in flight already."""
        rows = self._database.execute(
            "SELECT id, subscription, event, accepted, attempts, outcome FROM deliveries "
            "WHERE due <= ? ORDER BY due, id LIMIT ?",
            (now, most + len(but)),
        )
        found = [
            Delivery(row[0], row[1], json.loads(row[2]), row[3], row[4], row[5])
            for row in rows
            if row[0] not in but
        ]
        return found[:most]

    def next_due(self, *, but: set[int]) -> float | None:
        """When the next one is due that is not in flight."""
        rows = self._database.execute(
            "SELECT id, due FROM deliveries ORDER BY due, id LIMIT ?", (len(but) + 1,)
        )
        return next((due for number, due in rows if number not in but), None)

    def retry(self, delivery: Delivery, *, due: float, outcome: str) -> None:
        """Count a failed attempt and try again later."""
        self._database.execute(
            "UPDATE deliveries SET attempts = attempts + 1, due = ?, outcome = ? WHERE id = ?",
            (due, outcome, delivery.id),
        )

    def end(self, delivery: Delivery) -> None:
        """Delivered, dead-lettered or dropped."""
        self._database.execute("DELETE FROM deliveries WHERE id = ?", (delivery.id,))

    def waiting(self) -> dict[str, int]:
        """Deliveries still owed by subscription."""
        rows = self._database.execute(
            "SELECT subscription, COUNT(*) FROM deliveries GROUP BY subscription"
        )
        return {str(name): int(count) for name, count in rows}

"""Quarantines blobs and events that cannot be used, with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain import sentences
from shared.domain.ids import path_within, sha256_hex
from shared.errors import BlobChangedError
from shared.ports.notices import Alert

if TYPE_CHECKING:
    from shared.domain.data import DataArrived
    from shared.ports.data import Quarantine
    from shared.ports.notices import Alerts

REJECTED = "_rejected"  # no model's name begins with an underscore


@dataclass(frozen=True, slots=True)
class Rejects:
    """Quarantines blobs and events that cannot be used; alerts once each."""

    quarantine: Quarantine
    alerts: Alerts

    def blob(self, arrival: DataArrived, why: str) -> bool:
        """Quarantine a blob; False if it was quarantined before or is gone."""
        blob = arrival.blob
        key = sha256_hex(arrival.key)[:16]
        sentence = sentences.arrival_rejected(blob.place, why)
        try:
            path = path_within(f"{REJECTED}/{key}", blob.path)
            new = self.quarantine.put(blob, path, report=sentence)
        except BlobChangedError:
            return False
        if new:
            self.alerts.send(Alert("", f"rejected:{key}", sentence))
        return new

    def event(self, body: str, why: str) -> None:
        """Quarantine the text of an event."""
        key = sha256_hex(body)[:16]
        path = f"{REJECTED}/{key}/event.json"
        sentence = sentences.event_rejected(why, f"quarantine/{path}")
        if self.quarantine.put_text(path, body):
            self.alerts.send(Alert("", f"rejected:{key}", sentence))

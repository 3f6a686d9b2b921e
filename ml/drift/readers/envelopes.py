"""The envelopes of Azure ML's data collector: the rows of one request a line, as CloudEvents."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Envelope:
    """One event of one collection.

    Args:
        event_id: a collector may write an event twice.
        time: as written in the event; see `time_utc`.
        request_id: shared by the inputs and outputs of one scoring request.
        model_version: as the deployment names it; may be empty.
        rows: None if the payload is over 4 MB: Azure then stores it in a separate file.
    """

    event_id: str | None
    time: Any
    request_id: str | None
    model_version: str
    rows: Sequence[Any] | None

    @property
    def time_utc(self) -> datetime | None:
        """When the request was scored, UTC if it has no offset; None if it cannot be parsed."""
        try:
            moment = datetime.fromisoformat(self.time)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, TypeError, OverflowError):
            return None


def read_envelope(line: bytes) -> Envelope | None:
    """Parse one line; None if it is not a JSON object, such as a line cut off by a crash."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    rows = document.get("data")
    return Envelope(
        event_id=document.get("id"),
        time=document.get("time"),
        request_id=document.get("correlationid"),
        model_version=str(document.get("modelversion", "")),
        rows=rows if isinstance(rows, list) else None,
    )

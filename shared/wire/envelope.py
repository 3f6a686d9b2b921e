"""Parses a queue message into events: both Event Grid schemas, base64 or plain, one or several."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from shared.domain.value import Value, value
from shared.errors import EventRejectedError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHOWN_CHARACTERS = 80
_LONGEST_TEXT = 2048


@value
class Event(Value):
    """One event, whatever its schema: Event Grid's own or CloudEvents 1.0."""

    event_type: str
    subject: str
    source: str
    time_utc: datetime | None
    data: Mapping[str, Any]


def read_events(body: bytes) -> tuple[Event, ...]:
    """The events of one queue message; none for Event Grid's own validation event.

    Args:
        body: JSON object or array of objects, UTF-8, either plain or base64 (Event Grid sends
            base64; people and tools send plain text).

    Raises:
        EventRejectedError: not JSON, not an event; the text names what is wrong.
    """
    document = _json(body)
    items = document if isinstance(document, list) else [document]
    return tuple(event for item in items if (event := _event(item)) is not None)


def member(data: Mapping[str, Any], name: str) -> Any:
    """The member `name`, case-insensitive: producers write modelName and ModelName."""
    if name in data:
        return data[name]
    wanted = name.lower()
    return next((value for key, value in data.items() if key.lower() == wanted), None)


def text(event: Event, name: str, *, longest: int = _LONGEST_TEXT) -> str:
    """The member `name` of the event's data as text; numbers become text.

    Raises:
        EventRejectedError: missing, empty, neither text nor number, or more than `longest`
            characters: facts are kept for ever.
    """
    value = member(event.data, name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = f"{value:g}" if isinstance(value, float) else str(value)
    if not isinstance(value, str) or not value.strip():
        raise EventRejectedError(
            f"{event.event_type}: data.{name} is {value!r}, a non-empty text is needed"
        )
    if len(value) > longest:
        raise EventRejectedError(
            f"{event.event_type}: data.{name} has {len(value):,} characters, at most "
            f"{longest:,} are kept"
        )
    return value.strip()


def _json(body: bytes) -> Any:
    for candidate in (body, _from_base64(body)):
        if candidate is None:
            continue
        try:
            document = json.loads(candidate, parse_constant=_refuse_constant)
            # Half a surrogate pair is valid JSON, but cannot be stored.
            json.dumps(document, ensure_ascii=False).encode()
        except (ValueError, RecursionError):  # not JSON, not storable, or nested too deeply
            continue
        return document
    raise EventRejectedError(
        f"message of {len(body)} bytes is neither JSON nor base64 of JSON: "
        f"{body[:_SHOWN_CHARACTERS]!r}"
    )


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _from_base64(body: bytes) -> bytes | None:
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        return None


def _event(item: Any) -> Event | None:
    if not isinstance(item, dict):
        raise EventRejectedError(f"an event must be a JSON object, this is {type(item).__name__}")
    cloud = "specversion" in item
    names = ("type", "source", "time") if cloud else ("eventType", "topic", "eventTime")
    event_type, source, time = (item.get(name) for name in names)
    if not isinstance(event_type, str) or not event_type:
        raise EventRejectedError(
            f"not an event: {names[0]} is {event_type!r}, "
            f"members are {', '.join(sorted(item)) or 'missing altogether'}"
        )
    if event_type == "Microsoft.EventGrid.SubscriptionValidationEvent":
        return None
    data = item.get("data")
    if data is None and isinstance(item.get("data_base64"), str):
        data = _json(item["data_base64"].encode())
    if not isinstance(data, dict):
        raise EventRejectedError(f"{event_type}: data is {type(data).__name__}, not an object")
    subject = item.get("subject")
    return Event(
        event_type=event_type,
        subject=subject if isinstance(subject, str) else "",
        source=source if isinstance(source, str) else "",
        time_utc=parse_time(time),
        data=data,
    )


def parse_time(value: object) -> datetime | None:
    """Parse an ISO 8601 time as UTC; None if it is missing or cannot be read."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)

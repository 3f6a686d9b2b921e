"""The two schemas of an event: validation, and conversion from one to the other."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Schema = Literal["EventGridSchema", "CloudEventSchemaV1_0"]

_TEXTS: dict[Schema, tuple[str, ...]] = {
    "EventGridSchema": ("id", "subject", "eventType", "eventTime"),
    "CloudEventSchemaV1_0": ("id", "source", "type", "specversion"),
}
# CloudEvents 1.0, section 3.1: lower case letters and digits, at most 20 of them.
_ATTRIBUTE = re.compile(r"[a-z0-9]{1,20}")


def problems(event: Any, schema: Schema) -> list[str]:
    """What is wrong with a published event; empty when it is valid."""
    if not isinstance(event, dict):
        return ["an event is a JSON object"]
    found: list[str] = []
    for name in _TEXTS[schema]:
        value = event.get(name)
        if value is None or value == "":
            found.append(f"'{name}' is missing")
        elif not isinstance(value, str):
            found.append(f"'{name}' is {type(value).__name__}, not text")
    when = event.get("eventTime" if schema == "EventGridSchema" else "time")
    if isinstance(when, str) and when and not _is_time(when):
        found.append(f"'{when}' is not a time like 2026-03-14T06:00:00Z")
    if schema == "EventGridSchema":
        return found + _only_event_grid(event)
    return found + _only_cloud_events(event)


def _only_event_grid(event: Mapping[str, Any]) -> list[str]:
    found = [] if isinstance(event.get("dataVersion"), str) else ["'dataVersion' is missing"]
    if event.get("metadataVersion", "1") != "1":
        found.append(f"metadataVersion '{event['metadataVersion']}' is not 1")
    return found


def _only_cloud_events(event: Mapping[str, Any]) -> list[str]:
    found = [
        f"attribute '{name}' is not of at most 20 lower case letters and digits"
        for name in event
        if name != "data_base64" and not _ATTRIBUTE.fullmatch(name)
    ]
    if event.get("specversion") not in {None, "", "1.0"}:
        found.append(f"specversion '{event['specversion']}' is not 1.0")
    if "data" in event and "data_base64" in event:
        found.append("'data' and 'data_base64' exclude each other")
    return found


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def schema_of(event: Mapping[str, Any]) -> Schema:
    """Which schema an event is in."""
    return "CloudEventSchemaV1_0" if "specversion" in event else "EventGridSchema"


def in_schema(event: Mapping[str, Any], wanted: Schema) -> dict[str, Any]:
    """The event in the wanted schema, as Event Grid maps one to the other.

    Azure does not convert CloudEvents to its own schema: `EventGrid.start` refuses such
    subscriptions.
    """
    if schema_of(event) == wanted:
        return dict(event)
    mapped = {
        "source": event["topic"],
        "subject": event["subject"],
        "type": event["eventType"],
        "time": event["eventTime"],
        "id": event["id"],
        "data": event.get("data"),
        "specversion": "1.0",
    }
    if event.get("dataVersion"):
        mapped["dataschema"] = f"#{event['dataVersion']}"
    return mapped

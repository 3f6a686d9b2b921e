"""The two schemas of an event, what makes one valid, and the way from one to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Schema = Literal["EventGridSchema", "CloudEventSchemaV1_0"]

_REQUIRED: dict[Schema, tuple[str, ...]] = {
    "EventGridSchema": ("id", "subject", "eventType", "eventTime", "dataVersion"),
    "CloudEventSchemaV1_0": ("id", "source", "type", "specversion"),
}


def problems(event: Any, schema: Schema) -> list[str]:
    """What is wrong with an event that somebody publishes; empty when nothing is."""
    if not isinstance(event, dict):
        return ["an event is a JSON object"]
    missing = [name for name in _REQUIRED[schema] if not event.get(name) and name != "dataVersion"]
    found = [f"'{name}' is missing" for name in missing]
    if schema == "EventGridSchema" and "dataVersion" not in event:
        found.append("'dataVersion' is missing")
    if schema == "CloudEventSchemaV1_0" and event.get("specversion") not in {None, "", "1.0"}:
        found.append(f"specversion '{event['specversion']}' is not 1.0")
    return found


def schema_of(event: Mapping[str, Any]) -> Schema:
    """Which schema an event is in."""
    return "CloudEventSchemaV1_0" if "specversion" in event else "EventGridSchema"


def in_schema(event: Mapping[str, Any], wanted: Schema) -> dict[str, Any]:
    """The event in the wanted schema, as Event Grid maps one to the other."""
    if schema_of(event) == wanted:
        return dict(event)
    if wanted == "CloudEventSchemaV1_0":
        return {
            "id": event["id"],
            "source": event["topic"],
            "subject": event.get("subject"),
            "type": event["eventType"],
            "time": event["eventTime"],
            "data": event.get("data"),
            "specversion": "1.0",
        }
    return {
        "id": event["id"],
        "topic": event["source"],
        "subject": event.get("subject") or "",
        "eventType": event["type"],
        "eventTime": event.get("time"),
        "data": event.get("data"),
        "dataVersion": "",
        "metadataVersion": "1",
    }

"""Formats of MLflow's REST API: tags as pairs, times in milliseconds, pages."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from local.azure_ml.mlflow.filters import FilterError, parse_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PAGE = 100


def tags(given: Mapping[str, Any]) -> dict[str, str]:
    """The tags of a request as a mapping."""
    return {item["key"]: str(item.get("value", "")) for item in given.get("tags") or []}


def pairs(tags: Mapping[str, str] | None) -> list[dict[str, str]]:
    """A mapping as MLflow's list of tags."""
    return [{"key": key, "value": value} for key, value in (tags or {}).items()]


def present(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Without the values that are None: absent and null differ for the client."""
    return {key: value for key, value in properties.items() if value is not None}


def milliseconds(iso: str) -> int:
    """Milliseconds since 1970."""
    return int(datetime.fromisoformat(iso).timestamp() * 1000)


def flat(item: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes and tags as filters name them."""
    found = {key: value for key, value in item.items() if isinstance(value, str | int)}
    found |= {f"tags.{tag['key']}": tag["value"] for tag in item.get("tags", [])}
    if "version" in found:
        found["version_number"] = int(item["version"]) if str(item["version"]).isdigit() else -1
    return found


def paged(
    key: str, items: list[dict[str, Any]], given: Mapping[str, Any], sortable: Mapping[str, str]
) -> dict[str, Any]:
    """Sort by `order_by`, cut to `max_results`, continue at `page_token` (an offset).

    Raises:
        FilterError: `order_by`, `max_results` or `page_token` make no sense.
    """
    order: Sequence[str] | str = given.get("order_by") or []
    for field, descending in reversed(parse_order(order, set(sortable))):
        column = sortable[field]
        items.sort(key=partial(_sort_key, column), reverse=descending)
    try:
        begin = int(given.get("page_token") or 0)
        end = begin + int(given.get("max_results") or PAGE)
    except ValueError as exc:
        raise FilterError(f"page_token and max_results must be numbers: {exc}") from exc
    more = {"next_page_token": str(end)} if end < len(items) else {}
    return {key: items[begin:end], **more}


def _sort_key(column: str, item: Mapping[str, Any]) -> tuple[int, str]:
    """Numbers by size, however they are written; texts by letter."""
    text = str(item[column])
    return (int(text) if text.isdigit() else 0, text)

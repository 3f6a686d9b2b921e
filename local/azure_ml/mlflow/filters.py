"""MLflow's filter language, as far as searches of models and versions use it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_FIELD = r"(?P<field>[A-Za-z_]+(?:\.(?:[\w.\-]+|`[^`]+`|\"[^\"]+\"))?)"
_VALUE = r"(?P<value>'[^']*'|\"[^\"]*\"|\d+|\([^)]*\))"
_CONDITION = re.compile(
    rf"\s*{_FIELD}\s*(?P<operator>!=|>=|<=|=|>|<|I?LIKE|NOT\s+IN|IN)\s*{_VALUE}\s*", re.IGNORECASE
)
_AND = re.compile(r"and\s", re.IGNORECASE)
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_ORDER = re.compile(r"^\s*`?(?P<field>[\w.]+)`?(?:\s+(?P<way>asc|desc))?\s*$", re.IGNORECASE)
_FIELDS = {"name", "run_id", "source", "version_number", "source_path"}


class FilterError(LocalStackError):
    """A filter or an order that MLflow does not accept, or that is not supported here."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison; `values` holds one value, or those of IN."""

    field: str
    operator: str
    values: tuple[str, ...]


def parse_filter(text: str) -> tuple[Condition, ...]:
    """Conditions joined by AND: `name = 'a' and tags.stage = 'b'`.

    Raises:
        FilterError: it is not of that form, or names an unknown field.
    """
    found: list[Condition] = []
    position = 0
    while position < len(text.rstrip()):
        if found:
            joined = _AND.match(text, position)
            if joined is None:
                raise FilterError(f"Invalid filter '{text}': expected AND at '{text[position:]}'")
            position = joined.end()
        match = _CONDITION.match(text, position)
        if match is None:
            raise FilterError(f"Invalid filter '{text}' at '{text[position:]}'")
        found.append(_condition(match))
        position = match.end()
    return tuple(found)


def _condition(match: re.Match[str]) -> Condition:
    field = match["field"]
    prefix, _, key = field.partition(".")
    if prefix.lower() in {"tags", "tag"} and key:
        field = "tags." + key.strip('`"')
    elif field not in _FIELDS:
        raise FilterError(
            f"Invalid attribute key '{field}': use {', '.join(sorted(_FIELDS))}, tags"
        )
    value = match["value"]
    if value.startswith("("):
        values = tuple(a or b for a, b in _QUOTED.findall(value))
    else:
        values = (value.strip("'\""),)
    return Condition(
        "source" if field == "source_path" else field,
        " ".join(match["operator"].upper().split()),
        values,
    )


def matches(item: Mapping[str, Any], conditions: Sequence[Condition]) -> bool:
    """Whether all conditions hold; an absent tag satisfies none."""
    return all(
        condition.field in item and _holds(item[condition.field], condition)
        for condition in conditions
    )


def _holds(actual: Any, condition: Condition) -> bool:  # noqa: PLR0911 - one line an operator
    wanted = condition.values[0] if condition.values else ""
    text = str(actual)
    match condition.operator:
        case "=":
            return text == wanted
        case "!=":
            return text != wanted
        case "IN":
            return text in condition.values
        case "NOT IN":
            return text not in condition.values
        case "LIKE":
            return _like(wanted).fullmatch(text) is not None
        case "ILIKE":
            return _like(wanted.lower()).fullmatch(text.lower()) is not None
    left, right = int(actual), int(wanted)
    return {">": left > right, "<": left < right, ">=": left >= right, "<=": left <= right}[
        condition.operator
    ]


def _like(pattern: str) -> re.Pattern[str]:
    parts = (re.escape(part).replace("_", ".") for part in pattern.split("%"))
    return re.compile(".*".join(parts), re.DOTALL)


def parse_order(order: Sequence[str] | str, known: Collection[str]) -> list[tuple[str, bool]]:
    """`["name ASC", …]` -> (field, descending).

    Raises:
        FilterError: an unknown field or form.
    """
    found = []
    for text in [order] if isinstance(order, str) else order:
        match = _ORDER.match(text)
        if match is None or match["field"] not in {*known, "timestamp"}:
            raise FilterError(f"Invalid order_by '{text}': use {', '.join(sorted(known))}")
        field = "last_updated_timestamp" if match["field"] == "timestamp" else match["field"]
        found.append((field, (match["way"] or "asc").lower() == "desc"))
    return found

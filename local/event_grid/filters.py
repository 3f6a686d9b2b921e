"""Which events a subscription wants: types, subject and advanced filters, as documented.

Source: learn.microsoft.com/azure/event-grid/event-filtering (text filters ignore case there).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from local.stack_file import AdvancedFilterEntry, FilterEntry

_MISSING: Final = object()


def wants(entry: FilterEntry, event: Mapping[str, Any]) -> bool:
    """Whether an event, in either schema, passes all filters."""
    kind = event.get("eventType", event.get("type"))
    if entry.included_event_types is not None and kind not in entry.included_event_types:
        return False
    subject = str(event.get("subject") or "")
    begins, ends = entry.subject_begins_with, entry.subject_ends_with
    if not entry.case_sensitive:
        subject, begins, ends = subject.lower(), begins.lower(), ends.lower()
    if not (subject.startswith(begins) and subject.endswith(ends)):
        return False
    return all(_passes(one, event) for one in entry.advanced)


def unknown_operators(entry: FilterEntry) -> list[str]:
    """Operators that Event Grid does not have."""
    known = _TEXT.keys() | _NUMBER.keys() | _RANGE | _OTHER
    return [one.operator for one in entry.advanced if one.operator not in known]


def _passes(entry: AdvancedFilterEntry, event: Mapping[str, Any]) -> bool:
    value = _look_up(event, entry.key)
    absent = value is _MISSING or value is None
    match entry.operator:
        case "IsNullOrUndefined":
            return absent
        case "IsNotNull":
            return not absent
        case "BoolEquals":
            return isinstance(value, bool) and value == entry.value
        case "NumberInRange" | "NumberNotInRange":
            inside = _is_number(value) and any(low <= value <= high for low, high in _ranges(entry))
            return inside == (entry.operator == "NumberInRange")
    if entry.operator in _NUMBER:
        return _number(entry, value)
    return _text(entry, value)


def _number(entry: AdvancedFilterEntry, value: Any) -> bool:
    compare, negated = _NUMBER[entry.operator]
    wanted = entry.values if entry.values is not None else [entry.value]
    found = _is_number(value) and any(compare(value, one) for one in wanted if _is_number(one))
    return found != negated


def _text(entry: AdvancedFilterEntry, value: Any) -> bool:
    compare, negated = _TEXT[entry.operator]
    found = isinstance(value, str) and any(
        compare(value.lower(), str(one).lower()) for one in entry.values or []
    )
    return found != negated


def _ranges(entry: AdvancedFilterEntry) -> Sequence[tuple[float, float]]:
    return [(one[0], one[1]) for one in entry.values or [] if isinstance(one, list)]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _look_up(event: Mapping[str, Any], key: str) -> Any:
    value: Any = event
    for part in key.split("."):
        if not isinstance(value, dict) or part not in value:
            return _MISSING
        value = value[part]
    return value


_RANGE = {"NumberInRange", "NumberNotInRange"}
_OTHER = {"IsNullOrUndefined", "IsNotNull", "BoolEquals"}
# How one wanted value compares, and whether the operator means "none of them".
_NUMBER: dict[str, tuple[Callable[[Any, Any], bool], bool]] = {
    "NumberGreaterThan": (lambda value, wanted: value > wanted, False),
    "NumberGreaterThanOrEquals": (lambda value, wanted: value >= wanted, False),
    "NumberLessThan": (lambda value, wanted: value < wanted, False),
    "NumberLessThanOrEquals": (lambda value, wanted: value <= wanted, False),
    "NumberIn": (lambda value, wanted: value == wanted, False),
    "NumberNotIn": (lambda value, wanted: value == wanted, True),
}
_TEXT: dict[str, tuple[Callable[[str, str], bool], bool]] = {
    "StringContains": (lambda value, wanted: wanted in value, False),
    "StringNotContains": (lambda value, wanted: wanted in value, True),
    "StringBeginsWith": (lambda value, wanted: value.startswith(wanted), False),
    "StringNotBeginsWith": (lambda value, wanted: value.startswith(wanted), True),
    "StringEndsWith": (lambda value, wanted: value.endswith(wanted), False),
    "StringNotEndsWith": (lambda value, wanted: value.endswith(wanted), True),
    "StringIn": (lambda value, wanted: value == wanted, False),
    "StringNotIn": (lambda value, wanted: value == wanted, True),
}

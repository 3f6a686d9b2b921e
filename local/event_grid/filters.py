"""Which events a subscription wants: types, subject and advanced filters, as documented.

Text is compared without regard to case, except for the subject where a subscription asks for it.
Filtering on arrays is off, as it is by default on Azure: an array matches nothing.

Source: learn.microsoft.com/azure/event-grid/event-filtering
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from local.event_grid.models import AdvancedFilterEntry, FilterEntry

_MISSING: Final = object()
_MOST_FILTERS = 25
_MOST_CHARACTERS = 512
_PAIR = 2


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


def filter_problems(entry: FilterEntry) -> list[str]:
    """What Azure would refuse about the advanced filters; empty when nothing."""
    found = [
        f"{one.operator} on {one.key}: {problem}"
        for one in entry.advanced
        for problem in _problems_of(one)
    ]
    values = sum(len(one.values or []) for one in entry.advanced)
    if max(len(entry.advanced), values) > _MOST_FILTERS:
        found.append(
            f"{len(entry.advanced)} advanced filters with {values} values, "
            f"limit {_MOST_FILTERS} of each"
        )
    return found


def _problems_of(entry: AdvancedFilterEntry) -> list[str]:
    if entry.operator in _TEXT:
        return _problems_of_texts(entry.values or [])
    if entry.operator not in _NEEDS:
        return ["Event Grid has no such operator"]
    fits, need = _NEEDS[entry.operator]
    return [] if fits(entry) else [need]


def _problems_of_texts(values: Sequence[object]) -> list[str]:
    if not values or not all(isinstance(one, str) for one in values):
        return ["needs 'values', a list of texts"]
    return [
        f"a value has {len(str(one))} characters, limit {_MOST_CHARACTERS}"
        for one in values
        if len(str(one)) > _MOST_CHARACTERS
    ]


def _passes(entry: AdvancedFilterEntry, event: Mapping[str, Any]) -> bool:
    value = _look_up(event, entry.key)
    absent = value is _MISSING or value is None
    if entry.operator in {"IsNullOrUndefined", "IsNotNull"}:
        return absent == (entry.operator == "IsNullOrUndefined")
    if isinstance(value, list):
        return False
    if entry.operator == "BoolEquals":
        return isinstance(value, bool) and value == entry.value
    return _number(entry, value) if entry.operator in _NUMBER else _text(entry, value)


def _number(entry: AdvancedFilterEntry, value: Any) -> bool:
    compare, negated = _NUMBER[entry.operator]
    wanted = entry.values if entry.values is not None else [entry.value]
    found = _is_number(value) and any(compare(value, one) for one in wanted)
    return found != negated


def _text(entry: AdvancedFilterEntry, value: Any) -> bool:
    compare, negated = _TEXT[entry.operator]
    found = isinstance(value, str) and any(
        compare(value.lower(), str(one).lower()) for one in entry.values or []
    )
    return found != negated


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _look_up(event: Mapping[str, Any], key: str) -> Any:
    """`data.api`, `Data.Api` and `subject` all find their member: names ignore case too."""
    value: Any = event
    for part in key.split("."):
        if not isinstance(value, dict):
            return _MISSING
        names = [part] if part in value else [n for n in value if n.lower() == part.lower()]
        if not names:
            return _MISSING
        value = value[names[0]]
    return value


# How one wanted value compares, and whether the operator means "none of them".
_NUMBER: dict[str, tuple[Callable[[Any, Any], bool], bool]] = {
    "NumberGreaterThan": (lambda value, wanted: value > wanted, False),
    "NumberGreaterThanOrEquals": (lambda value, wanted: value >= wanted, False),
    "NumberLessThan": (lambda value, wanted: value < wanted, False),
    "NumberLessThanOrEquals": (lambda value, wanted: value <= wanted, False),
    "NumberIn": (lambda value, wanted: value == wanted, False),
    "NumberNotIn": (lambda value, wanted: value == wanted, True),
    "NumberInRange": (lambda value, wanted: wanted[0] <= value <= wanted[1], False),
    "NumberNotInRange": (lambda value, wanted: wanted[0] <= value <= wanted[1], True),
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


def _has_nothing(entry: AdvancedFilterEntry) -> bool:
    return not entry.values and entry.value is None


def _has_bool(entry: AdvancedFilterEntry) -> bool:
    return isinstance(entry.value, bool)


def _has_number(entry: AdvancedFilterEntry) -> bool:
    return _is_number(entry.value)


def _has_numbers(entry: AdvancedFilterEntry) -> bool:
    return bool(entry.values) and all(_is_number(one) for one in entry.values or [])


def _has_pairs(entry: AdvancedFilterEntry) -> bool:
    pairs = [isinstance(one, list) and len(one) == _PAIR for one in entry.values or []]
    return bool(pairs) and all(pairs)


_NEEDS: dict[str, tuple[Callable[[AdvancedFilterEntry], bool], str]] = {
    **dict.fromkeys(("IsNullOrUndefined", "IsNotNull"), (_has_nothing, "takes no value")),
    **dict.fromkeys(("NumberIn", "NumberNotIn"), (_has_numbers, "needs 'values', numbers")),
    **dict.fromkeys(
        ("NumberInRange", "NumberNotInRange"), (_has_pairs, "needs 'values', a list of [from, to]")
    ),
    **dict.fromkeys(
        (
            "NumberGreaterThan",
            "NumberGreaterThanOrEquals",
            "NumberLessThan",
            "NumberLessThanOrEquals",
        ),
        (_has_number, "needs 'value', a number"),
    ),
    "BoolEquals": (_has_bool, "needs 'value', true or false"),
}

"""Turns pydantic's errors into sentences: what is wrong and what to write instead."""

from __future__ import annotations

import re
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any, Final, get_args, get_type_hints

from ml.did_you_mean import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

    from ml.model_config.problems import Place

_KEY: Final = "[key]"  # how pydantic marks that a mapping's key is wrong, not its value
_FIXED: Final = {
    "missing": "is missing; add it",
    "tuple_type": "is not a list of plain values; write e.g. [a, b]",
    "dataclass_type": "is not a mapping; write `key: value` lines below it",
    "dict_type": "is not a mapping; write `key: value` lines below it",
}
_NOT_OF_TYPE: Final = {
    "bool_parsing": "neither true nor false; write one of them",
    "finite_number": "not a number; write e.g. 10 or 0.5",
    "float_parsing": "not a number; write e.g. 10 or 0.5",
}


def place_of(error: ErrorDetails) -> Place:
    """The place in the file that an error is about."""
    return tuple(part for part in error["loc"] if part != _KEY)


def sentence(error: ErrorDetails, settings: type) -> str:
    """What is wrong in a file that is read into `settings`, and what to write instead."""
    place = place_of(error)
    kind, given, limits = error["type"], error["input"], error.get("ctx", {})
    if kind == "refused":
        return error["msg"]
    if kind in _FIXED:
        return _FIXED[kind]
    if kind == "unexpected_keyword_argument":
        known = _keys(_section(settings, place[:-1]))
        return f"is not known here; remove it.{did_you_mean(str(place[-1]), known)}"
    if isinstance(given, list | dict):
        return "is a list or mapping; write one value"
    if given is None:
        return (
            "has an empty entry; write a value, put it in quotes if null or ~ is one, or remove it"
        )
    return _wrong_scalar(kind, str(given), limits)


def _wrong_scalar(kind: str, given: str, limits: Mapping[str, Any]) -> str:
    match kind:
        case "literal_error":
            known = re.findall(r"'([^']*)'", limits["expected"])
            hint = did_you_mean(given, known)
            return f"{given!r} is not known; write one of {', '.join(known)}.{hint}"
        case "greater_than_equal":
            return f"{given} is below {limits['ge']:.12g}; write e.g. {max(limits['ge'], 1):.12g}"
        case "less_than_equal":
            return f"{given} is above {limits['le']:.12g}; write e.g. {limits['le']:.12g}"
        case "string_type":
            return f"{given} is not a text; put it in quotes"
    return f"{given!r} is {_NOT_OF_TYPE.get(kind, 'not a whole number; write e.g. 10')}"


def _section(settings: type, place: Place) -> Any:
    """The class that a section of the file is read into."""
    kind: Any = settings
    for part in place:
        # Below a class its field, below a mapping any of its values.
        kind = get_type_hints(kind)[str(part)] if is_dataclass(kind) else get_args(kind)[-1]
        if type(None) in get_args(kind):
            kind = get_args(kind)[0]
    return kind


def _keys(section: Any) -> list[str]:
    """The keys allowed in a section; placeholders for free names are in angle brackets."""
    keys = (field.alias or name for name, field in section.__pydantic_fields__.items())
    return [key for key in keys if not key.startswith("<")]

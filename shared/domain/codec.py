"""Facts, effects and states as JSON values, by their field names.

The ledger is a format: a fact is written with its `wire_name` and all its fields. On reading,
unknown fields are skipped, and missing ones take their default or what the class's `upgraded` makes
of an older form, so old facts fold for ever.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any

from shared.domain.effects import EFFECTS
from shared.domain.facts import FACTS, Fact
from shared.domain.state import State
from shared.errors import TerminalError

STATE_FORMAT = 3  # another number in the store: the state is folded anew from its facts

_KIND_OF: dict[str, type] = FACTS | EFFECTS
_TAG = "is"

_Convert = Callable[[Any], Any]


class CodecError(TerminalError):
    """A stored fact or state cannot be read: written by a newer version, or damaged."""


def fact_to_json(fact: Fact) -> str:
    """A fact as one line of JSON."""
    return json.dumps(_encode(fact), separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def fact_from_json(text: str) -> Fact:
    """The inverse of `fact_to_json`.

    Raises:
        CodecError: the kind of fact is unknown, or a field without a default is missing.
    """
    return typing.cast("Fact", _decoder(Fact)(json.loads(text)))


def state_to_json(state: State) -> str:
    """A state as one line of JSON."""
    return json.dumps(_encode(state), separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def state_from_json(text: str) -> State:
    """The inverse of `state_to_json`.

    Raises:
        CodecError: the text is not a state of this format.
    """
    return typing.cast("State", _decoder(State)(json.loads(text)))


def _encode(value: Any) -> Any:
    encode = _ENCODERS.get(type(value))
    if encode is not None:
        return encode(value)
    if dataclasses.is_dataclass(value):
        body = {
            field.name: _encode(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
        name = getattr(type(value), "wire_name", None)
        return body if name is None else {_TAG: name} | body
    if isinstance(value, StrEnum):
        return value.value
    raise TypeError(f"no JSON form for a {type(value).__name__}")


def _same(value: Any) -> Any:
    return value


_ENCODERS: dict[type, _Convert] = {
    str: _same,
    int: _same,
    float: _same,
    bool: _same,
    type(None): _same,
    tuple: lambda items: [_encode(item) for item in items],
    datetime: lambda time: time.isoformat(),
    date: lambda day: day.isoformat(),
    timedelta: lambda duration: duration.total_seconds(),
}


@cache
def _decoder(kind: Any) -> _Convert:
    """The function that converts a JSON value to this type."""
    if kind in _DECODERS:
        return _DECODERS[kind]
    origin = typing.get_origin(kind)
    if origin is tuple:
        decode_item = _decoder(typing.get_args(kind)[0])
        return lambda items: tuple(decode_item(item) for item in items)
    if origin in (typing.Union, types.UnionType):
        return _union_decoder(kind)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _dataclass_decoder(kind)
    raise TypeError(f"no JSON form for {kind}")


_DECODERS: dict[Any, _Convert] = {
    str: _same,
    int: _same,
    float: float,
    bool: _same,
    datetime: lambda text: datetime.fromisoformat(text).astimezone(UTC),
    date: date.fromisoformat,
    timedelta: lambda seconds: timedelta(seconds=seconds),
}


def _union_decoder(kind: Any) -> _Convert:
    members = [member for member in typing.get_args(kind) if member is not type(None)]
    if len(members) == 1:
        decode = _decoder(members[0])
        return lambda value: None if value is None else decode(value)

    def decode_tagged(value: Any) -> Any:
        name = value.get(_TAG)
        found = _KIND_OF.get(name)
        if found not in members:
            raise CodecError(f"{name!r} is not known here; a newer version of the app wrote it")
        return _decoder(found)(value)

    return decode_tagged


def _dataclass_decoder(kind: type) -> _Convert:
    fields = dataclasses.fields(kind)  # their modules keep annotations as types, not as text
    decoders = {field.name: _decoder(typing.cast("Any", field.type)) for field in fields}
    required = [
        field.name
        for field in fields
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]

    upgraded = getattr(kind, "upgraded", _same)

    def decode(stored: Any) -> Any:
        value = upgraded(stored)
        missing = [name for name in required if name not in value]
        if missing:
            raise CodecError(f"a stored {kind.__name__} lacks {', '.join(missing)}")
        return kind(
            **{name: convert(value[name]) for name, convert in decoders.items() if name in value}
        )

    return decode

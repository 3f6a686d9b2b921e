"""One made-up instance of every class of a union, filled in by the types of its fields."""

from __future__ import annotations

import dataclasses
import types
import typing
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

EXAMPLE_CYCLE = "0123456789ab"
_VALUES = {
    str: "x",
    int: 1,
    float: 0.5,
    bool: False,
    datetime: datetime(2026, 3, 14, 12, tzinfo=UTC),
    date: date(2026, 3, 14),
    timedelta: timedelta(hours=1),
}
_NAMED = {"cycle_id": EXAMPLE_CYCLE, "job_name": f"retrain-{EXAMPLE_CYCLE}-1"}


def examples(union):
    """An instance of each member of the union, in its order."""
    return [example(kind) for kind in typing.get_args(union)]


def example(kind):
    """An instance with every field filled in."""
    if kind in _VALUES:
        return _VALUES[kind]
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return next(iter(kind))
    origin = typing.get_origin(kind)
    if origin is tuple:
        return (example(typing.get_args(kind)[0]),)
    if origin in (typing.Union, types.UnionType):
        return example(typing.get_args(kind)[0])
    return kind(
        **{
            field.name: _NAMED.get(field.name) or example(field.type)
            for field in dataclasses.fields(kind)
        }
    )

"""What every fact, effect and state is: compared, hashed and shown by its fields.

`dataclass` would write these three methods anew for each of sixty classes and compile them in every
process: two fifths of what their import costs, which stands before the first event.
"""

from __future__ import annotations

import dataclasses
from functools import cache
from operator import attrgetter
from typing import Any


class Value:
    """Base of `@dataclass(frozen=True, slots=True, eq=False, repr=False)` classes with a field."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return bool(_content(self) == _content(other))

    def __hash__(self) -> int:
        return hash(_content(self))

    def __repr__(self) -> str:
        kind: Any = type(self)
        shown = (
            f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(kind)
        )
        return f"{kind.__qualname__}({', '.join(shown)})"


def _content(value: Any) -> Any:
    kind: Any = type(value)
    return _content_of(kind)(value)


@cache
def _content_of(kind: Any) -> attrgetter[Any]:
    return attrgetter(*(field.name for field in dataclasses.fields(kind)))

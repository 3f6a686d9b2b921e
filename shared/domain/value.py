"""Base of facts, effects and states: frozen, slotted dataclasses that are cheap to import.

`dataclass` generates and compiles methods for each class in every process: for the seventy classes
that the first event loads, a tenth of its CPU. Here they share methods, and `__init__` is compiled
when it is first called.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass
from functools import cache
from operator import attrgetter
from typing import Any, Never, TypeVar, dataclass_transform, overload

_Kind = TypeVar("_Kind", bound=type)


class Value:
    """Base of every class under `@value`: compared, hashed and shown by its fields."""

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

    def __setattr__(self, name: str, _: object) -> Never:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> Never:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __setstate__(self, state: tuple[None, dict[str, Any]]) -> None:
        for name, content in state[1].items():
            object.__setattr__(self, name, content)


@overload
def value(kind: _Kind, /) -> _Kind: ...


@overload
def value(*, kw_only: bool) -> Callable[[_Kind], _Kind]: ...


@dataclass_transform(frozen_default=True, eq_default=False)
def value(kind: Any = None, /, *, kw_only: bool = False) -> Any:
    """`@dataclass(frozen=True, slots=True)` for a subclass of `Value`.

    Args:
        kind: the class.
        kw_only: whether its fields are given by name.
    """

    def made(kind: Any) -> Any:
        found: Any = dataclass(init=False, eq=False, repr=False, slots=True, kw_only=kw_only)(kind)
        found.__init__ = _compile_and_call
        return found

    return made if kind is None else made(kind)


def _compile_and_call(self: Any, *args: Any, **kwargs: Any) -> None:
    """Stand in for `__init__` until the first call, which compiles the real one."""
    kind: Any = type(self)
    kind.__init__ = _init_of(kind)
    kind.__init__(self, *args, **kwargs)


def _init_of(kind: Any) -> Any:
    """The `__init__` that `dataclass` would generate; `default_factory` is not supported."""
    fields = sorted(dataclasses.fields(kind), key=attrgetter("kw_only"))
    defaults = {f.name: f.default for f in fields if f.default is not dataclasses.MISSING}
    given = [f"{f.name}=defaults[{f.name!r}]" if f.name in defaults else f.name for f in fields]
    by_name = len([field for field in fields if field.kw_only])
    given[len(given) - by_name : 0] = ["*"] if by_name else []
    body = [f" put(self, {field.name!r}, {field.name})" for field in fields]
    scope: dict[str, Any] = {"defaults": defaults, "put": object.__setattr__}
    source = "\n".join([f"def __init__(self, {', '.join(given)}):", *body])
    exec(source, scope)  # noqa: S102 - made of field names, as in `dataclasses`
    return scope["__init__"]


def _content(value: Any) -> Any:
    kind: Any = type(value)
    return _content_of(kind)(value)


@cache
def _content_of(kind: Any) -> "attrgetter[Any]":
    return attrgetter(*(field.name for field in dataclasses.fields(kind)))

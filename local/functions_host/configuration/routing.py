"""Route templates as Azure's host reads them: ASP.NET's, matched without regard to case."""

from __future__ import annotations

import re
from collections.abc import Callable  # noqa: TC003 - names a module-level table
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote

from local.functions_host.errors import FunctionAppError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PARAMETER = re.compile(
    r"^(?P<catch>\*{0,2})(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"(?P<constraints>(?::[a-z]+(?:\(.*?\)(?=[:=?]|$))?)*)"
    r"(?:=(?P<default>.*?))?(?P<optional>\?)?$"
)
_CONSTRAINT = re.compile(r":([a-z]+)(?:\((.*?)\)(?=:|$))?")
_INT32 = 2**31
_INT64 = 2**63
_DECIMAL = r"-?\d+(\.\d+)?"
_GUID = r"\{?[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}\}?"


def _whole(limit: int) -> Callable[[str], bool]:
    return lambda text: bool(re.fullmatch(r"-?\d+", text)) and -limit <= int(text) < limit


def _like(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"-?\d+", text) else None


def _between(low: float, high: float) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        number = _number(text)
        return number is not None and low <= number <= high

    return check


def _length(low: float, high: float) -> Callable[[str], bool]:
    return lambda text: low <= len(text) <= high


_PLAIN: dict[str, Callable[[str], bool]] = {
    "int": _whole(_INT32),
    "long": _whole(_INT64),
    "bool": _like(r"(?i:true|false)"),
    "guid": _like(_GUID),
    "alpha": _like(r"[A-Za-z]*"),
    "decimal": _like(_DECIMAL),
    "double": _like(_DECIMAL + r"([eE][+-]?\d+)?"),
    "float": _like(_DECIMAL + r"([eE][+-]?\d+)?"),
    "required": _like(r".+"),
}
# By name and number of arguments.
_WITH_NUMBERS: dict[tuple[str, int], Callable[..., Callable[[str], bool]]] = {
    ("min", 1): lambda low: _between(low, inf),
    ("max", 1): lambda high: _between(-inf, high),
    ("range", 2): _between,
    ("length", 1): lambda size: _length(size, size),
    ("length", 2): _length,
    ("minlength", 1): lambda low: _length(low, inf),
    ("maxlength", 1): lambda high: _length(0, high),
}


def _constraint(name: str, argument: str | None) -> Callable[[str], bool] | None:
    """The check for one constraint; None if this host does not support it."""
    if argument is None:
        return _PLAIN.get(name)
    if name == "regex":
        try:
            compiled = re.compile(argument, re.IGNORECASE)
        except re.error:
            return None
        return lambda text: compiled.search(text) is not None
    numbers = [_number(part.strip()) for part in argument.split(",")]
    make = _WITH_NUMBERS.get((name, len(numbers)))
    return None if make is None or None in numbers else make(*numbers)


@dataclass(frozen=True, slots=True)
class _Segment:
    """One part of a template: a literal, or a parameter with its checks."""

    literal: str | None = None
    name: str = ""
    checks: tuple[Callable[[str], bool], ...] = ()
    catch_all: bool = False
    optional: bool = False
    default: str | None = None

    @property
    def precedence(self) -> int:
        """ASP.NET's order: literals, then narrow parameters, then wide ones."""
        if self.literal is not None:
            return 1
        return (4 if self.catch_all else 2) + (0 if self.checks else 1)


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed route, prefix included."""

    text: str
    segments: tuple[_Segment, ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Read a template such as `models/{model}/cycles/{id:int?}`.

        Raises:
            FunctionAppError: not a template, or with a constraint this host does not know.
        """
        segments = tuple(_segment(part, text) for part in text.strip("/").split("/") if part)
        for position, segment in enumerate(segments):
            last = position == len(segments) - 1
            if segment.catch_all and not last:
                raise FunctionAppError(f"route {text!r}: a catch-all parameter must stand last")
            rest = segments[position:]
            if segment.optional and not all(item.optional or item.catch_all for item in rest):
                raise FunctionAppError(f"route {text!r}: an optional parameter must stand last")
        names = [item.name.lower() for item in segments if item.name]
        if len(names) != len(set(names)):
            raise FunctionAppError(f"route {text!r}: a parameter appears twice")
        return cls(text=text, segments=segments)

    @property
    def precedence(self) -> tuple[int, ...]:
        """Sort key: the most specific route first."""
        return tuple(segment.precedence for segment in self.segments)

    def match(self, raw_path: str) -> Mapping[str, str] | None:
        """Parameters of a percent-encoded path, or None when the route is not for it."""
        path = raw_path.strip("/")
        parts = [unquote(part) for part in path.split("/")] if path else []
        found: dict[str, str] = {}
        for position, segment in enumerate(self.segments):
            if segment.catch_all:
                rest = "/".join(parts[position:])
                value: str | None = rest or segment.default
                parts = parts[:position]
            else:
                value = parts[position] if position < len(parts) else segment.default
            if segment.literal is not None:
                if value is None or value.lower() != segment.literal:
                    return None
                continue
            if value is None or value == "":
                if segment.optional or segment.catch_all:
                    continue
                return None
            if not all(check(value) for check in segment.checks):
                return None
            found[segment.name] = value
        return found if len(parts) <= len(self.segments) else None


def _segment(part: str, text: str) -> _Segment:
    if not (part.startswith("{") and part.endswith("}")):
        if "{" in part or "}" in part:
            raise FunctionAppError(
                f"route {text!r}: {part!r} mixes text and a parameter in one segment, "
                "which this host does not support"
            )
        return _Segment(literal=part.lower())
    match = _PARAMETER.match(part[1:-1])
    if match is None:
        raise FunctionAppError(f"route {text!r}: {part!r} is not a parameter such as {{id:int?}}")
    checks = []
    for name, argument in _CONSTRAINT.findall(match["constraints"]):
        check = _constraint(name, argument or None)
        if check is None:
            raise FunctionAppError(f"route {text!r}: constraint {name!r} is not supported here")
        checks.append(check)
    return _Segment(
        name=match["name"],
        checks=tuple(checks),
        catch_all=bool(match["catch"]),
        optional=bool(match["optional"]),
        default=match["default"],
    )


_Target = TypeVar("_Target")


def best_first(
    routes: Sequence[tuple[Template, _Target]],
) -> list[tuple[Template, _Target]]:
    """Routes in the order in which they are tried; equals stay in the order of declaration."""
    return sorted(routes, key=lambda route: route[0].precedence)

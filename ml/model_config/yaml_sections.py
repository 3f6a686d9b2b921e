"""YAML that remembers its lines: reads a mapping field by field and notes every mistake."""

from __future__ import annotations

import difflib
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeVar, cast

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_T = TypeVar("_T")

_REQUIRED: Final = object()
_DURATION: Final = re.compile(r"^(\d+(?:\.\d+)?)\s*(s|m|h|d)$")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_NULL_TAG: Final = "tag:yaml.org,2002:null"
_MOST_BYTES: Final = 1_000_000
_LONGEST: Final = timedelta(days=3650)
_MOST_VALUES: Final = 10_000


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """' Did you mean x?' for the nearest known word, else an empty text."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean {near[0]}?" if near else ""


class Problems:
    """Every mistake of one file, as `file:line  path: what is wrong; remedy`."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._found: list[tuple[int, str]] = []

    def add(self, line: int, path: str, text: str) -> None:
        """Note one mistake; `line` counts from 1."""
        self._found.append((line, f"{self._file}:{line}  {path}: {text}" if path else text))

    def lines(self) -> tuple[str, ...]:
        """In file order."""
        return tuple(text for _, text in sorted(self._found))


class Section:
    """One mapping. A getter with a mistake notes it and returns a stand-in, so reading goes on."""

    def __init__(self, node: yaml.Node | None, *, path: str, line: int, problems: Problems) -> None:
        self._path = path
        self._line = node.start_mark.line + 1 if node is not None else line
        self._problems = problems
        self._nodes: dict[str, yaml.Node] = {}
        self._lines: dict[str, int] = {}
        self._asked: set[str] = set()
        if node is None or node.tag == _NULL_TAG:
            return
        if not isinstance(node, yaml.MappingNode):
            problems.add(self._line, path, "is not a mapping; write `key: value` lines below it")
            return
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in self._nodes:
                first = self._lines[key]
                problems.add(
                    key_node.start_mark.line + 1,
                    self._at(key),
                    f"is written twice, first in line {first}; keep one",
                )
            self._nodes[key] = value_node
            self._lines[key] = key_node.start_mark.line + 1

    def _at(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def problem(self, key: str, text: str) -> None:
        """Note a mistake at a key (at the section where the key is absent)."""
        self._problems.add(self._lines.get(key, self._line), self._at(key), text)

    def keys(self) -> tuple[str, ...]:
        """Keys as written, in file order."""
        return tuple(self._nodes)

    def has(self, key: str) -> bool:
        """Whether the key is written with a value other than null."""
        node = self._nodes.get(key)
        return node is not None and node.tag != _NULL_TAG

    def _node(self, key: str, default: object) -> yaml.Node | None:
        self._asked.add(key)
        if self.has(key):
            return self._nodes[key]
        if default is _REQUIRED:
            self.problem(key, "is missing; add it")
        return None

    def _scalar(self, key: str, default: object) -> tuple[object, str] | None:
        node = self._node(key, default)
        if node is None:
            return None
        if not isinstance(node, yaml.ScalarNode):
            self.problem(key, "is a list or mapping; write one value")
            return None
        return self._made(key, node), str(node.value)

    def _made(self, key: str, node: yaml.Node) -> object:
        """The value that a node means; a tag nobody knows and a day that is none mean nothing."""
        try:
            return _value(node)
        except (yaml.constructor.ConstructorError, ValueError) as exc:
            said = exc.problem if isinstance(exc, yaml.constructor.ConstructorError) else exc
            text = f"cannot be read as {node.tag.rpartition(':')[2]}: {said}; put it in quotes"
            self._problems.add(node.start_mark.line + 1, self._at(key), text)
            return None

    def text(self, key: str, *, default: str | object = _REQUIRED) -> str:
        """A text; numbers and dates are taken as they are written."""
        found = self._scalar(key, default)
        return found[1] if found else _stand_in(default, "")

    def choice(self, key: str, among: Sequence[str], *, default: str | object = _REQUIRED) -> str:
        """A text out of a list."""
        found = self._scalar(key, default)
        if found is None:
            return _stand_in(default, among[0])
        if found[1] not in among:
            hint = did_you_mean(found[1], among)
            self.problem(key, f"{found[1]!r} is not known; write one of {', '.join(among)}.{hint}")
            return among[0]
        return found[1]

    def number(
        self,
        key: str,
        *,
        default: float | object = _REQUIRED,
        minimum: float = float("-inf"),
        maximum: float = float("inf"),
        whole: bool = False,
    ) -> float:
        """A number within limits; `whole` asks for an integer."""
        found = self._scalar(key, default)
        if found is None:
            return _stand_in(default, 0.0)
        value = found[0]
        if value is None:
            return _stand_in(default, 0.0)
        kind = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kind) or value != value:  # noqa: PLR0124 - NaN
            word = "whole number" if whole else "number"
            self.problem(key, f"{found[1]!r} is not a {word}; write e.g. {_example(minimum)}")
            return _stand_in(default, 0.0)
        if value < minimum:
            self.problem(key, f"{value} is below {minimum:g}; write e.g. {_example(minimum)}")
        elif value > maximum:
            self.problem(key, f"{value} is above {maximum:g}; write e.g. {maximum:g}")
        return value

    def integer(self, key: str, *, default: int | object = _REQUIRED, minimum: int) -> int:
        """A whole number of at least `minimum`."""
        return int(self.number(key, default=default, minimum=minimum, whole=True))

    def flag(self, key: str, *, default: bool | object = _REQUIRED) -> bool:
        """True or false."""
        found = self._scalar(key, default)
        if found is None:
            return _stand_in(default, stand_in=False)
        if not isinstance(found[0], bool):
            self.problem(key, f"{found[1]!r} is neither true nor false; write one of them")
            return False
        return found[0]

    def duration(self, key: str, *, default: timedelta | object = _REQUIRED) -> timedelta:
        """A length of time such as 90s, 10m, 12h or 7d."""
        found = self._scalar(key, default)
        if found is None:
            return _stand_in(default, timedelta())
        match = _DURATION.match(found[1])
        if match is None:
            self.problem(key, f"{found[1]!r} is not a duration; write e.g. 90s, 10m, 12h or 7d")
            return timedelta()
        seconds = float(match[1]) * _SECONDS[match[2]]
        if seconds > _LONGEST.total_seconds():
            self.problem(key, f"{found[1]} is longer than {_LONGEST.days}d; write at most that")
            return timedelta()
        return timedelta(seconds=seconds)

    def values(self, key: str, *, default: Sequence[object] | object = _REQUIRED) -> list[object]:
        """A list of scalars, each with its YAML type."""
        node = self._node(key, default)
        if node is None:
            return list(_stand_in(default, ()))
        if not isinstance(node, yaml.SequenceNode) or not all(
            isinstance(item, yaml.ScalarNode) for item in node.value
        ):
            self.problem(key, "is not a list of plain values; write e.g. [a, b]")
            return []
        return [self._made(key, item) for item in node.value]

    def plain(self, key: str) -> dict[str, object]:
        """A free mapping as Python values, {} where absent."""
        node = self._node(key, {})
        if node is None:
            return {}
        value = self._made(key, node)
        if not isinstance(value, dict):
            self.problem(key, "is not a mapping; write `key: value` lines below it")
            return {}
        return value

    def section(self, key: str, *, required: bool = False) -> Section:
        """A mapping below this one; an absent optional one reads as empty."""
        node = self._node(key, _REQUIRED if required else None)
        line = self._lines.get(key, self._line)
        return Section(node, path=self._at(key), line=line, problems=self._problems)

    def allow(self, *keys: str) -> None:
        """Keys that are known here even where nothing asked for them."""
        self._asked.update(keys)

    def close(self) -> None:
        """Note every key that nobody asked for."""
        for key in self._nodes.keys() - self._asked:
            known = did_you_mean(key, self._asked)
            self.problem(key, f"is not known here; remove it.{known}")


def compose(content: bytes, problems: Problems) -> Section | None:
    """The top mapping of a YAML file; None, with the problem noted, where it is not YAML."""
    try:
        node = _composed(content)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark
        line = mark.line + 1 if mark is not None else 1
        problems.add(line, "YAML", f"{exc.problem}; check indentation and colons here")
    except yaml.reader.ReaderError as exc:
        line = content.decode(errors="replace").count("\n", 0, exc.position) + 1
        problems.add(line, "YAML", f"character U+{exc.character:04X} may not stand here; remove it")
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        problems.add(line, "YAML", "bytes that are not UTF-8; save the file as UTF-8")
    except RecursionError:
        problems.add(1, "YAML", "is nested too deeply, or an alias stands inside its own anchor")
    except _TooLargeError as exc:
        problems.add(1, "YAML", str(exc))
    else:
        return Section(node, path="", line=1, problems=problems)
    return None


class _TooLargeError(Exception):
    """Nobody wrote this by hand."""


def _composed(content: bytes) -> yaml.Node | None:
    if len(content) > _MOST_BYTES:
        raise _TooLargeError(
            f"{len(content):,} bytes, at most {_MOST_BYTES:,}; keep data out of model.yml"
        )
    node: yaml.Node | None = yaml.compose(content.decode("utf-8-sig"), Loader=yaml.SafeLoader)
    if node is not None and _unfolded(node) > _MOST_VALUES:
        raise _TooLargeError(
            f"more than {_MOST_VALUES:,} values once its aliases are unfolded; write fewer"
        )
    return node


def _unfolded(node: yaml.Node) -> int:
    """How many values a document has where each alias is written out: few lines may be billions."""
    sizes: dict[int, int] = {}

    def size(item: yaml.Node | tuple[yaml.Node, yaml.Node]) -> int:
        if isinstance(item, tuple):
            return size(item[0]) + size(item[1])
        if id(item) not in sizes:
            below = item.value if isinstance(item, yaml.CollectionNode) else ()
            sizes[id(item)] = 1 + sum(map(size, below))
        return sizes[id(item)]

    return size(node)


def _value(node: yaml.Node) -> object:
    return yaml.SafeLoader("").construct_document(node)


def _example(minimum: float) -> str:
    return f"{max(minimum, 1):g}"


def _stand_in(default: object, stand_in: _T) -> _T:
    """The default, or a value of the right type where reading goes on after a mistake."""
    return stand_in if default is _REQUIRED else cast("_T", default)

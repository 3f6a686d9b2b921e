"""A YAML file with the line of each value. Scalars stay as written: the settings know their types.

YAML guesses types: it takes `no` for false and `2026-01-02` for a date, but `values: [yes, no]` are
words in the data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml.model_config.problems import Place, Problems

_NULL_TAG: Final = "tag:yaml.org,2002:null"
_INT_TAG: Final = "tag:yaml.org,2002:int"
_NOT_READ: Final = frozenset({"tag:yaml.org,2002:merge", "tag:yaml.org,2002:value"})
_PARAMS: Final = ("training", "params")  # scikit-learn reads them, with YAML's types
_COLUMNS: Final = ("data", "columns")
_WORDS: Final = frozenset({"values", "missing"})
_MOST_BYTES: Final = 1_000_000
_MOST_VALUES: Final = 10_000


@dataclass(frozen=True, slots=True)
class YamlFile:
    """One mapping, with the line of each place in it; a place is a path of keys and indices.

    Args:
        written: scalars as text; keys without a value are left out.
        meant: the same values with the types that YAML gives them.
        lines: line of each place, counted from 1.
        unlike: places and text of scalars that YAML takes for something else, such as 010 for 8;
            two files that differ in them only do not mean the same.
    """

    written: dict[str, Any]
    meant: dict[str, Any]
    lines: Mapping[Place, int]
    unlike: Sequence[str] = ()

    def line(self, place: Place) -> int:
        """Where a place is written; of one that is absent, where its section starts."""
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place, 1)


def read_yaml(content: bytes, problems: Problems) -> YamlFile | None:
    """Read a file that holds one mapping; otherwise note each problem and return None."""
    lines: dict[Place, int] = {}
    unlike: list[str] = []
    written, meant = None, None
    if len(content) > _MOST_BYTES:
        text = f"{len(content):,} bytes, at most {_MOST_BYTES:,}; keep data out of model.yml"
        problems.add(1, "YAML", text)
        return None
    try:
        loader = _Loader(content.decode("utf-8-sig"))
        node = loader.get_single_node()
        if node is not None and _unfolded(node) > _MOST_VALUES:
            text = f"more than {_MOST_VALUES:,} values once its aliases are unfolded; write fewer"
            problems.add(1, "YAML", text)
            return None
        if node is not None:
            reading = _Reading(loader, lines, unlike, problems)
            written = reading.written(node, ())
            meant = None if problems else loader.construct_document(node)
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark is not None else 1
        problems.add(line, "YAML", f"{exc.problem}; {exc.note or 'check indentation and colons'}")
    except yaml.reader.ReaderError as exc:
        line = content.decode(errors="replace").count("\n", 0, exc.position) + 1
        problems.add(line, "YAML", f"character U+{exc.character:04X} may not stand here; remove it")
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        problems.add(line, "YAML", "bytes that are not UTF-8; save the file as UTF-8")
    except RecursionError:
        problems.add(1, "YAML", "is nested too deeply, or an alias stands inside its own anchor")
    if written is not None and not isinstance(written, dict):
        problems.add(1, "YAML", "the file is not a mapping; write `key: value` lines")
    return None if problems else YamlFile(written or {}, meant or {}, lines, sorted(unlike))


class _Loader(yaml.SafeLoader):
    """Reports the line of a scalar that YAML cannot convert, such as the day 2026-99-99."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - yaml's
        try:
            return super().construct_object(node, deep)
        except ValueError as exc:
            raise yaml.constructor.ConstructorError(
                problem=f"{node.value} cannot be read as {node.tag.rpartition(':')[2]}: {exc}",
                problem_mark=node.start_mark,
                note="put it in quotes",
            ) from exc


@dataclass(frozen=True, slots=True)
class _Reading:
    """Takes scalars as text; notes lines, mistakes, and what YAML takes for something else."""

    loader: _Loader
    lines: dict[Place, int]
    unlike: list[str]
    problems: Problems

    def written(self, node: yaml.Node, place: Place) -> Any:
        """A node with scalars as text, None for null; records the line of each place."""
        self.lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.SequenceNode):
            return [self.written(item, (*place, at)) for at, item in enumerate(node.value)]
        if not isinstance(node, yaml.MappingNode):
            if place[:2] != _PARAMS:
                self._note(node, place, is_word=len(place) > 1 and place[-2] in _WORDS)
            return None if node.tag == _NULL_TAG else str(node.value)
        found: dict[str, Any] = {}
        keys: dict[Any, int] = {}
        for key, value in node.value:
            line, below = key.start_mark.line + 1, (*place, str(key.value))
            if below in self.lines:
                text = f"is written twice, first in line {self.lines[below]}; keep one"
                self.problems.add(line, below, text)
                continue
            meant = self._note(key, below, is_word=place == _COLUMNS)
            if not isinstance(key, yaml.ScalarNode):
                continue  # the loader refuses it
            if meant in keys:
                text = f"is the same to YAML as the key in line {keys[meant]}; put both in quotes"
                self.problems.add(line, below, text)
            keys[meant], self.lines[below] = line, line
            found[str(key.value)] = self.written(value, below)
        return {key: value for key, value in found.items() if value is not None}

    def _note(self, scalar: yaml.Node, place: Place, *, is_word: bool) -> Any:
        """What YAML takes a scalar for, kept in mind where the same text means something else."""
        if not isinstance(scalar, yaml.ScalarNode):
            return None
        if scalar.tag in _NOT_READ:
            if place[:2] == _PARAMS:
                return scalar.value
            text = f"{scalar.value} is a sign of YAML's that is not read here; put it in quotes"
            self.problems.add(scalar.start_mark.line + 1, place, text)
            return None
        meant = self.loader.construct_object(scalar)
        if (is_word or scalar.tag == _INT_TAG) and str(meant) != scalar.value:
            self.unlike.append(f"{'.'.join(map(str, place))}: {scalar.value}")
        return meant


def _unfolded(node: yaml.Node) -> int:
    """Number of values with all aliases expanded: a few lines of YAML may expand to billions."""
    sizes: dict[int, int] = {}

    def size(item: yaml.Node | tuple[yaml.Node, yaml.Node]) -> int:
        if isinstance(item, tuple):
            return size(item[0]) + size(item[1])
        if id(item) not in sizes:
            below = item.value if isinstance(item, yaml.CollectionNode) else ()
            sizes[id(item)] = 1 + sum(map(size, below))
        return sizes[id(item)]

    return size(node)

"""Every mistake in one file, as `file:line  path: what is wrong; remedy`."""

from __future__ import annotations

from typing import TypeAlias

Place: TypeAlias = tuple[str | int, ...]  # keys and indices from the top of the file


class Problems:
    """The mistakes noted so far; falsy if there are none."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._found: list[tuple[int, str]] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, line: int, place: Place | str, text: str) -> None:
        """Note one mistake; `line` counts from 1."""
        shown = ".".join(part for part in place if isinstance(part, str))
        named = place if isinstance(place, str) else shown
        self._found.append((line, f"{self._file}:{line}  {named}: {text}"))

    def add_missing_file(self, file: str, remedy: str) -> None:
        """Note that a file next to this one is missing."""
        self._found.append((0, f"{file} is missing; {remedy}"))

    def lines(self) -> tuple[str, ...]:
        """The mistakes as text, in file order."""
        return tuple(text for _, text in sorted(self._found))

"""What only the whole file can tell, counted chunk by chunk.

Memory does not grow with the rows but for their 64-bit hashes, kept to find duplicates.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pandas as pd

from ml.data_tests.report import FIRST_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterable

# Enough to know whether a column varies and which value fills it.
_TRACKED_VALUES: Final = 1_000


@dataclass(slots=True)
class Rows:
    """How many rows something concerns, and the first few of them."""

    count: int = 0
    first: tuple[int, ...] = ()

    def add(self, numbers: Iterable[int]) -> None:
        """Take more row numbers, in ascending order."""
        rows = tuple(int(number) for number in numbers)
        self.count += len(rows)
        self.first = (*self.first, *rows[:FIRST_ROWS])[:FIRST_ROWS]


@dataclass(slots=True)
class ColumnTally:
    """Missing, mistyped and most frequent cells of one column."""

    missing: Rows = field(default_factory=Rows)
    mistyped: Rows = field(default_factory=Rows)
    decimal_comma: bool = False
    failures: dict[str, Rows] = field(default_factory=dict)
    values: dict[object, int] = field(default_factory=dict)

    def add_values(self, column: pd.Series) -> None:
        """Count values; once too many differ, only those already known are counted on."""
        for value, count in column.value_counts(dropna=True).items():
            if value in self.values or len(self.values) < _TRACKED_VALUES:
                self.values[value] = self.values.get(value, 0) + int(count)

    @property
    def most_frequent(self) -> int:
        """Rows that hold the most frequent value (of those tracked)."""
        return max(self.values.values(), default=0)


class Duplicates:
    """Rows whose content was seen before, by a 64-bit hash."""

    def __init__(self, columns: Iterable[str] | None) -> None:
        self._columns = list(columns) if columns is not None else None
        self._seen: set[int] = set()
        self.rows = Rows()

    def add(self, raw: pd.DataFrame) -> None:
        """Take a chunk indexed by row number; missing cells do not duplicate each other."""
        part = raw if self._columns is None else raw[self._columns].dropna()
        hashes = pd.util.hash_pandas_object(part.astype(str), index=False)
        repeated = []
        for number, key in zip(part.index, hashes.tolist(), strict=True):
            if key in self._seen:
                repeated.append(number)
            self._seen.add(key)
        self.rows.add(repeated)

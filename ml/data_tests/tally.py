"""What only the whole file can tell, counted chunk by chunk.

Memory does not grow with the rows but for their 64-bit hashes, kept to find duplicates: 16 bytes a
row while they are merged, 8 afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from ml.data_tests.report import FIRST_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ml.data_tests.cell_tests import CellTest

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
    failures: dict[CellTest, Rows] = field(default_factory=dict)
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

    def __init__(self, columns: Iterable[str]) -> None:
        self._columns = list(columns)
        # Sorted, each at least twice as long as the next: a look-up asks few, a merge is rare.
        self._runs: list[NDArray[np.uint64]] = []
        self.rows = Rows()

    def add(self, raw: pd.DataFrame) -> None:
        """Take a chunk indexed by row number; missing cells do not duplicate each other."""
        part = raw[self._columns].dropna()
        if not self._columns:
            return  # an id alone: nothing that could repeat
        hashes = np.asarray(
            pd.util.hash_pandas_object(part.astype(str), index=False), dtype=np.uint64
        )
        repeated = pd.Series(hashes).duplicated().to_numpy()
        for run in self._runs:
            repeated |= _holds(run, hashes)
        self.rows.add(part.index[repeated])
        self._keep(np.sort(hashes[~repeated]).astype(np.uint64))

    def _keep(self, new: NDArray[np.uint64]) -> None:
        self._runs.append(new)
        while len(self._runs) > 1 and len(self._runs[-2]) < 2 * len(self._runs[-1]):
            last = self._runs.pop()
            self._runs[-1] = np.sort(np.concatenate([self._runs[-1], last]))


def _holds(run: NDArray[np.uint64], hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    if not len(run):
        return np.zeros(len(hashes), dtype=np.bool_)
    places = np.searchsorted(run, hashes).clip(max=len(run) - 1)
    held: NDArray[np.bool_] = run[places] == hashes
    return held

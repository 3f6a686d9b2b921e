"""Counts over the whole file, chunk by chunk.

Of each row only a 64-bit hash is kept, to find duplicates: 16 bytes while hashes are merged, 8
afterwards.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from ml.cells.date_formats import USUAL, formats_of
from ml.cells.evidence import PointGroups
from ml.data_tests.report import FIRST_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ml.cells import Refusal
    from ml.cells.categories import Difference
    from ml.data_tests.cell_tests import CellTest

# Enough to know whether a column varies and whether one value dominates it.
_TRACKED_VALUES: Final = 1_000


@dataclass(slots=True)
class Rows:
    """The number of affected rows, and the first few row numbers."""

    count: int = 0
    first: tuple[int, ...] = ()

    def add(self, numbers: Iterable[int]) -> None:
        """Add row numbers, in ascending order."""
        rows = tuple(int(number) for number in numbers)
        self.count += len(rows)
        self.first = (*self.first, *rows[:FIRST_ROWS])[:FIRST_ROWS]


@dataclass(slots=True)
class ColumnTally:
    """Missing, refused and most frequent cells of one column; its finite numbers' ends."""

    missing: Rows = field(default_factory=Rows)
    refused: dict[Refusal, Rows] = field(default_factory=dict)
    failures: dict[CellTest, Rows] = field(default_factory=dict)
    unlisted: Counter[Difference] = field(default_factory=Counter)
    groups: PointGroups = field(default_factory=PointGroups)
    smallest: float = math.inf
    largest: float = -math.inf
    values: dict[object, int] = field(default_factory=dict)
    date_formats: tuple[str, ...] = USUAL

    def add_values(self, column: pd.Series) -> None:
        """Count values; beyond 1,000 distinct ones, only those tracked already."""
        for value, count in column.value_counts(dropna=True).items():
            if value in self.values or len(self.values) < _TRACKED_VALUES:
                self.values[value] = self.values.get(value, 0) + int(count)

    def add_refusals(self, refusals: pd.Series) -> None:
        """Count refused cells by their reason; indexed by row number."""
        if len(refusals):
            for _, rows in refusals.groupby(refusals.map(str), sort=False):
                self.refused.setdefault(rows.iloc[0], Rows()).add(rows.index)

    def add_unread_dates(self, raw: pd.Series) -> None:
        """Keep the formats that read all of a chunk of dates some of which could not be read."""
        texts = (cell.strip() for cell in raw.array.tolist() if isinstance(cell, str))
        self.date_formats = formats_of(texts, among=self.date_formats)

    def add_ends(self, numbers: pd.Series) -> None:
        """Widen the ends by a column of numbers."""
        finite = numbers.to_numpy()[np.isfinite(numbers)]
        if len(finite):
            self.smallest = min(self.smallest, float(finite.min()))
            self.largest = max(self.largest, float(finite.max()))

    @property
    def in_groups(self) -> bool:
        """Whether whole numbers may be written with points between groups of three figures."""
        return self.groups.possible and bool(self.groups.rows)

    @property
    def most_frequent(self) -> int:
        """Number of rows with the most frequent of the tracked values."""
        return max(self.values.values(), default=0)


class Duplicates:
    """Finds rows that repeat an earlier row, by a 64-bit hash of their content."""

    def __init__(self, columns: Iterable[str]) -> None:
        self._columns = list(columns)
        # Sorted, each at least twice as long as the next: few to search, and merges are rare.
        self._runs: list[NDArray[np.uint64]] = []
        self.rows = Rows()

    def add(self, raw: pd.DataFrame) -> None:
        """Add a chunk indexed by row number; a row with a missing cell is never a duplicate."""
        part = raw[self._columns].dropna()
        if not self._columns:
            return  # the id is the only column
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

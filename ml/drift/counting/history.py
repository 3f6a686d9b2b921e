"""The history of the reference: counts for contiguous blocks of rows, or for days."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ml.drift.counting.grid import Grid
from ml.drift.counting.kernels import add_days
from ml.drift.counting.loops import CELLS
from ml.drift.errors import DriftInputError

MOST_BLOCKS: Final = 64
MOST_DAYS: Final = 400
_FIRST_BLOCK_ROWS: Final = 64


@dataclass(slots=True)
class Blocks:
    """Contiguous blocks of equal size; when there are too many, neighbours are merged.

    Each block is a row of counts, shape (width,), as the column's summary counts. Rows of a loaded
    profile have the narrowest type that holds them: add them with `plus` only.
    """

    size: int = _FIRST_BLOCK_ROWS
    counts: list[NDArray[np.int64]] = field(default_factory=list)
    _filled: int = 0
    _upto: NDArray[np.int64] | None = None

    @classmethod
    def for_rows(cls, rows: int | None) -> "Blocks":
        """Blocks for a file of so many rows; None if its length is unknown."""
        return cls() if rows is None else cls(size=max(-(-rows // 48), 8))

    @property
    def room(self) -> int:
        """Number of rows that still fit into the open block."""
        return self.size - self._filled

    def advance(self, rows: int) -> bool:
        """Count rows into the open block; True when it is full and must be closed."""
        self._filled += rows
        return self._filled >= self.size

    def close(self, upto: NDArray[np.int64]) -> None:
        """End the open block: the growth of the running total `upto` since the last one."""
        before = self._upto
        if before is not None and len(before) < len(upto):  # categories have been added since
            before = plus(before, np.zeros(len(upto), np.int64))
        grown = upto if before is None else upto - before
        self.counts.append(grown)
        self._upto, self._filled = upto, 0
        if len(self.counts) >= MOST_BLOCKS:
            self.counts = _pairs(self.counts)
            self.size *= 2

    def finish(self, upto: NDArray[np.int64]) -> None:
        """Keep the last block if it is at least half full; a shorter one is too noisy."""
        if 2 * self._filled >= self.size:
            self.close(upto)

    def move(self, moved: Callable[[NDArray[np.int64]], NDArray[np.int64]]) -> None:
        """Rewrite every row and the running total, after the slots of the column have changed."""
        self.counts = [moved(row) for row in self.counts]
        self._upto = None if self._upto is None else moved(self._upto)

    def merge(self, other: "Blocks | Days") -> None:
        """Append the blocks of the next partition."""
        if not isinstance(other, Blocks):
            raise DriftInputError("a history of blocks cannot be added to one of days")
        self.counts = [*self.counts, *other.counts]
        self.size = max(self.size, other.size)
        while len(self.counts) > MOST_BLOCKS:
            self.counts = _pairs(self.counts)
            self.size *= 2


def _pairs(counts: list[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """Join neighbours two by two; a last one without a neighbour stays as it is."""
    even = len(counts) // 2 * 2
    joined = [plus(counts[i], counts[i + 1]) for i in range(0, even, 2)]
    return joined + counts[even:]


def plus(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sum of two rows of counts; the shorter one lacks the categories that came last."""
    long, short = (one, other) if len(one) >= len(other) else (other, one)
    total = long.astype(np.int64)
    total[: len(short)] += short
    return total


@dataclass(slots=True)
class Days:
    """Counts by UTC day (days since 1970), at most the newest MOST_DAYS; rows as in `Blocks`."""

    counts: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    width: int = CELLS + 1

    def add_numbers(self, values: NDArray[np.float64], days: NDArray[np.int64], grid: Grid) -> None:
        """Count values, shape (n,), in the cells of their day; negative days are left out."""
        known, slots = np.unique(days, return_inverse=True)
        table = np.zeros((len(known), self.width), np.int64)
        if len(known) and known[0] < 0:
            slots = np.where(days < 0, -1, slots)
        add_days(values, slots.astype(np.int64), grid.center, grid.per_scale, table)
        for day, row in zip(known.tolist(), table, strict=True):
            if day >= 0:
                self.add_row(day, row)
        self.forget_oldest()

    def add_row(self, day: int, row: NDArray[np.int64]) -> None:
        """Add one day's counts, shape (width,)."""
        self.counts[day] = plus(self.counts[day], row) if day in self.counts else row.copy()

    def forget_oldest(self) -> None:
        """Keep the newest MOST_DAYS days."""
        for day in sorted(self.counts)[: max(0, len(self.counts) - MOST_DAYS)]:
            del self.counts[day]

    def merge(self, other: "Blocks | Days") -> None:
        """Add the days of another partition."""
        if not isinstance(other, Days):
            raise DriftInputError("a history of days cannot be added to one of blocks")
        for day, row in other.counts.items():
            self.add_row(day, row)
        self.forget_oldest()

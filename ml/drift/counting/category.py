"""The summary of a column of categories; free text is counted in buckets of a stable hash."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ml.drift.counting.history import Blocks, Days, plus

MOST_CATEGORIES: Final = 1000
BUCKETS: Final = 256
MISSING_SLOT: Final = 0


def bucket_of(value: str) -> int:
    """Bucket of a value in a column with too many categories; equal on every machine."""
    return 1 + zlib.crc32(value.encode()) % BUCKETS


@dataclass(slots=True)
class CategorySummary:
    """Rows by category: slot 0 counts missing ones, the others follow `slots` or are buckets.

    `slots` becomes None with more than MOST_CATEGORIES values. That depends on the set of values
    alone, so partitions add up to the same summary in any order.
    """

    slots: dict[str, int] | None = field(default_factory=dict)
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))
    history: Blocks | Days | None = None

    def add(
        self,
        dictionary: Sequence[str],
        indices: NDArray[np.int64],
        days: NDArray[np.int64] | None = None,
    ) -> None:
        """Add rows given as indices, shape (n,), into a dictionary; -1 is missing."""
        slot_of = self._slots_for(dictionary)
        rows = np.append(slot_of, MISSING_SLOT)[indices]  # index -1 selects the appended slot
        if isinstance(self.history, Days) and days is not None:
            self._add_days(rows, days)
        start = 0
        while start < len(rows):
            blocks = self.history if isinstance(self.history, Blocks) else None
            stop = len(rows) if blocks is None else min(len(rows), start + blocks.room)
            self.counts = plus(self.counts, np.bincount(rows[start:stop]).astype(np.int64))
            if blocks is not None and blocks.advance(stop - start):
                blocks.close(self.counts.copy())
            start = stop

    def finish(self) -> None:
        """Close the last block; nothing can be added afterwards."""
        if isinstance(self.history, Blocks):
            self.history.finish(self.counts.copy())

    def _slots_for(self, values: Sequence[str]) -> NDArray[np.int64]:
        """Slot of each value; one category too many turns the whole column into buckets."""
        found: list[int] = []
        for value in values:
            if self.slots is not None and value not in self.slots:
                if len(self.slots) < MOST_CATEGORIES:
                    self.slots[value] = len(self.slots) + 1
                else:
                    found = [bucket_of(known) for known, _ in zip(values, found, strict=False)]
                    self._turn_into_buckets()
            found.append(bucket_of(value) if self.slots is None else self.slots[value])
        return np.array(found, np.int64)

    def _turn_into_buckets(self) -> None:
        if self.slots is None:
            return
        bucket = np.array([MISSING_SLOT, *(bucket_of(v) for v in self.slots)], np.int64)
        self._move(bucket)
        self.slots = None

    def _move(self, to: NDArray[np.int64]) -> None:
        """Move the counts of slot i to slot to[i], in the totals and in the history."""
        self.counts = _moved(self.counts, to)
        if isinstance(self.history, Blocks):
            self.history.move(lambda row: _moved(row, to))
        elif self.history is not None:
            self.history.counts = {d: _moved(r, to) for d, r in self.history.counts.items()}

    def _add_days(self, rows: NDArray[np.int64], days: NDArray[np.int64]) -> None:
        history = self.history
        if not isinstance(history, Days):
            return
        for day in np.unique(days[days >= 0]).tolist():
            history.add_row(day, np.bincount(rows[days == day]).astype(np.int64))
        history.forget_oldest()

    def merge(self, other: "CategorySummary") -> None:
        """Add another summary, moving its slots to ours: `other` is unusable afterwards."""
        values = None if other.slots is None else list(other.slots)
        if values is None:
            self._turn_into_buckets()
        else:
            to = self._slots_for(values)
            if self.slots is None:
                to = np.array([bucket_of(v) for v in values], np.int64)
            other._move(np.insert(to, 0, MISSING_SLOT))  # noqa: SLF001 - the same class
            other.slots = None
        self.counts = plus(self.counts, other.counts)
        if self.history is not None and other.history is not None:
            self.history.merge(other.history)

    @property
    def rows(self) -> int:
        """Number of rows, including those without a value."""
        return int(self.counts.sum())

    @property
    def missing(self) -> int:
        """Number of rows without a value."""
        return int(self.counts[MISSING_SLOT])

    @property
    def is_text(self) -> bool:
        """Whether the column has too many distinct values to count each."""
        return self.slots is None

    def by_value(self) -> dict[str, int]:
        """Rows of each category; empty for free text."""
        if self.slots is None:
            return {}
        padded = plus(self.counts, np.zeros(len(self.slots) + 1, np.int64))
        return {value: int(padded[slot]) for value, slot in self.slots.items() if padded[slot]}


def _moved(row: NDArray[np.int64], to: NDArray[np.int64]) -> NDArray[np.int64]:
    target = np.zeros(int(to.max(initial=0)) + 1, np.int64)
    np.add.at(target, to[: len(row)], row)
    return target

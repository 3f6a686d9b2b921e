"""Rows of a window as typed batches for the drift engine, a few thousand rows at a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from ml.drift.counting.scan import Scan, scan_source
from ml.drift.readers.source import BatchStream
from ml.reference.columns import Cells, Comparable, cells_of, cells_of_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    import pandas as pd

    from ml.drift import Profile, Role
    from ml.model_config import ModelConfig

_MOST_CELLS: Final = 200_000  # of one batch
_MOST_NEW_COLUMNS: Final = 50


class RoleRows:
    """Scans the columns of one role in the layout of the reference.

    Args:
        reference: defines which columns are compared, and how.
        role: of the columns.
        config: of the model.
    """

    def __init__(self, reference: Profile, role: Role, config: ModelConfig) -> None:
        columns = tuple(c for c in reference.layout.columns if c.role is role)
        self._layout = replace(reference.layout, columns=columns, time_column=None)
        self._columns = [Comparable.of_profile(column, config) for column in columns]
        self._names = {c.name: config.data.all_names(c.name) for c in columns}
        self._renamed = any(len(names) > 1 for names in self._names.values())
        self._seen: set[str] = set()
        self._unreadable: Counter[str] = Counter()

    def scan_requests(self, parts: Iterable[Sequence[Mapping[str, Any]]]) -> Scan:
        """Scan rows as JSON has them, those of one request together.

        A column that a row lacks is missing in it; one that no row has is not in the scan.
        """
        return self._scan(self._requests(parts))

    def scan_frames(self, frames: Iterable[pd.DataFrame]) -> Scan:
        """Scan rows of tables."""
        return self._scan(self._frames(frames))

    def _scan(self, batches: Iterator[pa.RecordBatch]) -> Scan:
        found = scan_source(BatchStream(batches), self._layout)
        found.summaries = {n: found.summaries[n] for n in found.summaries if n in self._seen}
        found.unreadable |= self._unreadable
        return found

    def _requests(self, parts: Iterable[Sequence[Mapping[str, Any]]]) -> Iterator[pa.RecordBatch]:
        most = max(_MOST_CELLS // max(len(self._columns), 1), 1)
        waiting: dict[str, list[Any]] = {column.name: [] for column in self._columns}
        rows = 0
        for received in parts:
            part = [self._as_the_reference(row) for row in received] if self._renamed else received
            for name, cells in waiting.items():
                cells.extend([row.get(name) for row in part])
            self._seen.update(*part)
            self._seen &= waiting.keys()
            rows += len(part)
            if rows >= most:
                yield self._batch(waiting)
                rows = 0
        if rows:
            yield self._batch(waiting)

    def _as_the_reference(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """A row with the reference's names: columns may have been renamed before or after it."""
        return dict(row) | {name: row[found] for name, found in self._found(row).items()}

    def _found(self, names: Collection[str]) -> dict[str, str]:
        """The name under which each column stands there, for those that do."""
        return {
            name: found
            for name, known in self._names.items()
            if (found := next((one for one in known if one in names), None)) is not None
        }

    def _batch(self, waiting: Mapping[str, list[Any]]) -> pa.RecordBatch:
        found = {c.name: cells_of_json(waiting[c.name], c) for c in self._columns}
        for cells in waiting.values():
            cells.clear()
        return self._of_cells(found)

    def _frames(self, frames: Iterable[pd.DataFrame]) -> Iterator[pa.RecordBatch]:
        for frame in frames:
            found = self._found(frame.columns)
            here = [column for column in self._columns if column.name in found]
            self._seen.update(column.name for column in here)
            yield self._of_cells({c.name: cells_of(frame[found[c.name]], c) for c in here})

    def _of_cells(self, found: Mapping[str, Cells]) -> pa.RecordBatch:
        self._unreadable.update({name: cells.unreadable for name, cells in found.items()})
        return pa.record_batch({name: cells.array for name, cells in found.items()})


@dataclass(slots=True)
class Requests:
    """What else the scored requests contained: rows, UTC days, and columns without a reference."""

    known: Collection[str]
    rows: int = 0
    days: set[date] = field(default_factory=set)
    new_columns: dict[str, None] = field(default_factory=dict)  # a set in order, at most fifty

    def add(self, rows: Sequence[Mapping[str, Any]], day: date) -> None:
        """Add the rows of one request."""
        self.rows += len(rows)
        self.days.add(day)
        room = _MOST_NEW_COLUMNS - len(self.new_columns)
        if room > 0:
            names = (name for row in rows for name in row if name not in self.known)
            new = dict.fromkeys(name for name in names if name not in self.new_columns)
            self.new_columns |= dict.fromkeys(islice(new, room))

"""Rows on their way to the engine: typed, in a temporary Parquet file, a few thousand at a time."""

from __future__ import annotations

from collections import Counter
from datetime import UTC
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Self

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ml.reference.columns import cells_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date, datetime
    from pathlib import Path
    from types import TracebackType

    from ml.reference.columns import Comparable

TIME: Final = "__time__"
_MOST_CELLS: Final = 200_000
_MOST_OTHERS: Final = 50


class RowsFile:
    """A Parquet file of the named columns and the time of each row; a context manager.

    `rows` counts them, `seen` names the columns that at least one row had, `others` those that
    rows had beside them (at most fifty), `days` the UTC days, `unreadable` cells by column.
    """

    def __init__(self, path: Path, columns: Sequence[Comparable]) -> None:
        self.path = path
        self.rows = 0
        self.seen: set[str] = set()
        self.others: dict[str, None] = {}
        self.days: set[date] = set()
        self.unreadable: Counter[str] = Counter()
        self._columns = columns
        self._names = {column.name for column in columns}
        self._most_rows = max(_MOST_CELLS // max(len(columns), 1), 1)
        self._cells: dict[str, list[Any]] = {column.name: [] for column in columns}
        self._times: list[datetime] = []
        time_type = pa.timestamp("us", "UTC")
        self._schema = pa.schema(
            [(column.name, column.type) for column in columns] + [(TIME, time_type)]
        )
        self._writer = pq.ParquetWriter(path, self._schema)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._flush()
        finally:
            self._writer.close()

    def add_rows(self, rows: Iterable[Mapping[str, Any]], time_utc: datetime) -> None:
        """Add rows of one moment; a column that a row lacks is missing in it."""
        for row in rows:
            for name, cells in self._cells.items():
                cells.append(row.get(name))
            self._look_at(row.keys())
            self._times.append(time_utc)
            if len(self._times) >= self._most_rows:
                self._flush()
        self.days.add(time_utc.date())

    def add_frame(self, frame: pd.DataFrame, time_utc: datetime) -> None:
        """Add rows of one moment that are a table already."""
        self._flush()
        self._look_at(frame.columns)
        times = [time_utc] * len(frame)
        absent = pd.Series([None] * len(frame), dtype=object)
        self._write({name: frame.get(name, absent) for name in self._names}, times)
        self.days.add(time_utc.astimezone(UTC).date())

    def _look_at(self, names: Collection[str]) -> None:
        self.seen.update(self._names.intersection(names))
        room = _MOST_OTHERS - len(self.others)
        if room > 0:
            new = (n for n in names if n not in self._names and n not in self.others)
            self.others |= dict.fromkeys(islice(new, room))

    def _flush(self) -> None:
        if not self._times:
            return
        self._write({name: pd.Series(cells) for name, cells in self._cells.items()}, self._times)
        for cells in self._cells.values():
            cells.clear()
        self._times.clear()

    def _write(self, table: Mapping[str, pd.Series], times: Sequence[datetime]) -> None:
        arrays = []
        for column in self._columns:
            found = cells_of(table[column.name], column)
            if found.unreadable:
                self.unreadable[column.name] += found.unreadable
            arrays.append(found.array)
        arrays.append(pa.array(times, pa.timestamp("us", "UTC")))
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))
        self.rows += len(times)

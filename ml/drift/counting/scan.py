"""One pass over a source: a summary of every column, on one thread or several."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np
import pyarrow as pa

from ml.drift.counting.category import CategorySummary
from ml.drift.counting.columns import (
    Column,
    HistoryKind,
    Layout,
    Summary,
    to_categories,
    to_days,
    to_numbers,
)
from ml.drift.counting.numeric import NumericSummary
from ml.drift.errors import TypesWidenedError
from ml.drift.readers.source import Source
from ml.drift.result import Kind

COLUMNS_AT_ONCE: Final = 3  # a Parquet column takes about 2 MB; fresh memory is slow


@dataclass(slots=True)
class Scan:
    """The result of one pass; columns that are absent have no summary.

    `unreadable` counts values by column; `days` are those of the time column, since 1970.
    """

    rows: int = 0
    summaries: dict[str, Summary] = field(default_factory=dict)
    unreadable: dict[str, int] = field(default_factory=dict)
    days: set[int] = field(default_factory=set)

    def merge(self, other: "Scan") -> None:
        """Add the next part; a column that is absent on one side is missing in its rows."""
        for name in {*self.summaries, *other.summaries}:
            if name not in other.summaries:
                _add_missing(self.summaries[name], other.rows)
            elif name not in self.summaries:
                _add_missing(other.summaries[name], self.rows)
                self.summaries[name] = other.summaries[name]
            else:
                _merge(self.summaries[name], other.summaries[name])
        for name, count in other.unreadable.items():
            self.unreadable[name] = self.unreadable.get(name, 0) + count
        self.rows += other.rows
        self.days |= other.days


def _merge(mine: Summary, other: Summary) -> None:
    if isinstance(mine, CategorySummary):
        assert isinstance(other, CategorySummary)  # noqa: S101 - one layout made both
        mine.merge(other)
    else:
        assert isinstance(other, NumericSummary)  # noqa: S101 - one layout made both
        mine.merge(other)


def _add_missing(summary: Summary, rows: int) -> None:
    if not rows:
        return
    nothing = pa.nulls(rows)
    if isinstance(summary, CategorySummary):
        summary.add(*to_categories(nothing))
    else:
        summary.add(to_numbers(nothing).values)


def scan_source(
    source: Source, layout: Layout, *, history: HistoryKind = HistoryKind.NONE, threads: int = 1
) -> Scan:
    """Summarise all columns of the layout in one pass.

    Args:
        source: the rows; read again from the start when a CSV column needs a wider type.
        layout: how the columns are counted.
        history: which units of the past to keep. Blocks follow the order of the rows, so threads
            share the columns and not the rows.
        threads: each holds its own batches: memory grows with threads, not with rows.
    """
    while True:
        try:
            return _scan(source, layout, history, threads=threads)
        except TypesWidenedError:
            continue  # at most twice a column: the source remembers the wider type


def _scan(source: Source, layout: Layout, history: HistoryKind, *, threads: int) -> Scan:
    """Read a few columns at a time where the format allows it, else all at once."""
    columns = layout.columns
    if source.rows is None:
        return scan_part(source, layout, columns, history=history)
    if len(columns) >= threads or history is HistoryKind.BLOCKS:
        shares = column_shares(columns, threads)
        with ThreadPoolExecutor(threads) as pool:
            scans = pool.map(lambda s: scan_part(source, layout, s, history=history), shares)
            return _side_by_side(list(scans))
    parts = source.parts(threads)
    with ThreadPoolExecutor(threads) as pool:
        scans = pool.map(lambda p: scan_part(p, layout, columns, history=history), parts)
        total, *others = list(scans)
    for other in others:
        total.merge(other)
    return total


def column_shares(columns: Sequence[Column], threads: int) -> list[Sequence[Column]]:
    """Split the columns into runs of about equal length, which the threads take in turn.

    Every thread gets the same number of runs, so that all end together; the length of a run is
    limited by what may be in memory at once.
    """
    rounds = -(-len(columns) // (COLUMNS_AT_ONCE * threads))
    count = max(1, min(len(columns), rounds * threads))
    cuts = [len(columns) * i // count for i in range(count + 1)]
    return [columns[a:b] for a, b in pairwise(cuts)]


def _side_by_side(scans: Sequence[Scan]) -> Scan:
    """Join scans of the same rows, each of other columns."""
    joined = Scan(rows=max(one.rows for one in scans))
    for one in scans:
        joined.summaries |= one.summaries
        joined.unreadable |= one.unreadable
        joined.days |= one.days
    return joined


def scan_part(
    source: Source,
    layout: Layout,
    columns: Sequence[Column],
    *,
    history: HistoryKind = HistoryKind.NONE,
) -> Scan:
    """Scan some columns of some rows; a column that never appears gets no summary."""
    result = Scan()
    length = source.rows if history is HistoryKind.BLOCKS else None
    names = {column.name for column in columns}
    if layout.time_column and history is not HistoryKind.BLOCKS:
        names.add(layout.time_column)
    for batch in source.batches(names):
        _add_batch(result, batch, layout, columns, history=history, length=length)
    for summary in result.summaries.values():
        summary.finish()
    return result


def _add_batch(
    result: Scan,
    batch: pa.RecordBatch,
    layout: Layout,
    columns: Sequence[Column],
    *,
    history: HistoryKind,
    length: int | None,
) -> None:
    present = set(batch.schema.names)
    days = None
    if history is not HistoryKind.BLOCKS and layout.time_column in present:
        days = to_days(batch.column(layout.time_column))
        result.days.update(np.unique(days[days >= 0]).tolist())
    for column in columns:
        name = column.name
        if name not in present and name not in result.summaries:
            continue
        if name not in result.summaries:
            result.summaries[name] = column.summary(history, length)
            _add_missing(result.summaries[name], result.rows)
        summary = result.summaries[name]
        if name not in present:
            _add_missing(summary, batch.num_rows)
        elif isinstance(summary, CategorySummary):
            summary.add(*to_categories(batch.column(name)), days)
        else:
            numbers = to_numbers(_readable(batch.column(name), column))
            if numbers.unreadable:
                result.unreadable[name] = result.unreadable.get(name, 0) + numbers.unreadable
            summary.add(numbers.values, days)
    result.rows += batch.num_rows


def _readable(values: pa.Array, column: Column) -> pa.Array:
    """Convert texts in a date column to timestamps, if all of them are dates."""
    if column.kind is Kind.DATE and pa.types.is_string(values.type):
        try:
            return values.cast(pa.timestamp("us"))
        except pa.ArrowInvalid:
            return values
    return values

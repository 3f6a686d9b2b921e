"""Streams of record batches, in memory that does not grow with the rows."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Protocol, Self

import pyarrow as pa

BATCH_ROWS: Final = 65_536


class Source(Protocol):
    """Rows that can be streamed any number of times."""

    def batches(
        self, columns: Collection[str] | None = None, *, rows: int = BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """Stream all rows.

        Args:
            columns: names, of which absent ones are skipped; None: all columns.
            rows: the most in one batch, where the format can choose.
        """
        ...

    def parts(self, wanted: int) -> Sequence["Source"]:
        """About `wanted` sources that together hold the same rows; fewer if it cannot be split."""
        ...

    @property
    def rows(self) -> int | None:
        """Number of rows; None if it is unknown without reading."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """Names of the columns; in formats without a header, those of the first rows."""
        ...


class OneReader:
    """Base of sources that cannot be split and have no known length."""

    __slots__ = ()

    def parts(self, wanted: int) -> Sequence[Self]:
        """The source itself; its parser may use its own threads."""
        del wanted
        return [self]

    @property
    def rows(self) -> int | None:
        """Unknown before reading."""
        return None


def first_names(source: Source) -> Sequence[str]:
    """Column names in the first rows; empty if there are no rows."""
    return next((list(batch.schema.names) for batch in source.batches()), [])


@dataclass(frozen=True, slots=True)
class TableSource:
    """Rows in memory."""

    table: pa.Table

    def batches(
        self, columns: Collection[str] | None = None, *, rows: int = BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """Slices without a copy."""
        chosen = [n for n in self.table.schema.names if columns is None or n in columns]
        yield from self.table.select(chosen).to_batches(max_chunksize=rows)

    def parts(self, wanted: int) -> Sequence["TableSource"]:
        """Consecutive slices."""
        rows = self.table.num_rows
        count = max(1, min(wanted, rows // BATCH_ROWS))
        cuts = [rows * i // count for i in range(count + 1)]
        return [TableSource(self.table.slice(a, b - a)) for a, b in pairwise(cuts)]

    @property
    def rows(self) -> int | None:
        """Known."""
        return int(self.table.num_rows)

    @property
    def names(self) -> Sequence[str]:
        """Known."""
        return list(self.table.schema.names)


@dataclass(frozen=True, slots=True)
class BatchStream(OneReader):
    """Batches that come once, as from a partition or a queue; they are not kept."""

    stream: Iterable[pa.RecordBatch]

    def batches(
        self, columns: Collection[str] | None = None, *, rows: int = BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """The batches that have not been read yet, as large as they are."""
        del rows
        for batch in self.stream:
            chosen = [n for n in batch.schema.names if columns is None or n in columns]
            yield batch.select(chosen)

    @property
    def names(self) -> Sequence[str]:
        """Unknown: reading them would consume the first batch."""
        return []


@dataclass(frozen=True, slots=True)
class ManySources:
    """Several sources one after the other, in the order given."""

    sources: tuple[Source, ...]

    def batches(
        self, columns: Collection[str] | None = None, *, rows: int = BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """One source after the other."""
        for source in self.sources:
            yield from source.batches(columns, rows=rows)

    def parts(self, wanted: int) -> Sequence[Source]:
        """The sources, each split further if there are few of them."""
        each = -(-wanted // len(self.sources))
        return [part for source in self.sources for part in source.parts(each)]

    @property
    def rows(self) -> int | None:
        """Total number of rows; None if any source does not know its own."""
        known = [source.rows for source in self.sources]
        return None if None in known else sum(n for n in known if n is not None)

    @property
    def names(self) -> Sequence[str]:
        """All columns that any of the sources has."""
        return list(dict.fromkeys(name for source in self.sources for name in source.names))

"""Parquet files."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet

from ml.drift.engine.sources import BATCH_ROWS

_BUFFER_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class ParquetSource:
    """One Parquet file, read page by page; row groups from `first` up to `last` (None: the end)."""

    path: Path
    first: int = 0
    last: int | None = None

    def batches(
        self, columns: Collection[str] | None = None, *, rows: int = BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """Read through a small buffer, so that a row group never lies in memory as a whole."""
        with self._open() as file:
            known = file.schema_arrow.names
            chosen = [n for n in known if columns is None or n in columns]
            groups = list(range(self.first, self.last or file.num_row_groups))
            yield from file.iter_batches(
                batch_size=rows, row_groups=groups, columns=chosen, use_threads=False
            )

    def _open(self) -> pa.parquet.ParquetFile:
        metadata = pa.parquet.read_metadata(self.path)
        schema = metadata.schema.to_arrow_schema()
        return pa.parquet.ParquetFile(
            self.path,
            metadata=metadata,
            buffer_size=_BUFFER_BYTES,
            pre_buffer=False,
            read_dictionary=[f.name for f in schema if pa.types.is_string(f.type)],
        )

    def parts(self, wanted: int) -> Sequence["ParquetSource"]:
        """Consecutive row groups."""
        groups = pa.parquet.read_metadata(self.path).num_row_groups
        count = max(1, min(wanted, groups))
        cuts = [groups * i // count for i in range(count + 1)]
        return [replace(self, first=a, last=b) for a, b in pairwise(cuts)]

    @property
    def rows(self) -> int | None:
        """From the file's footer."""
        metadata = pa.parquet.read_metadata(self.path)
        last = metadata.num_row_groups if self.last is None else self.last
        return sum(int(metadata.row_group(i).num_rows) for i in range(self.first, last))

    @property
    def names(self) -> Sequence[str]:
        """From the file's footer."""
        return list(pa.parquet.read_schema(self.path).names)

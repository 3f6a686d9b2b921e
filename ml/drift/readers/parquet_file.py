"""Parquet files."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet

from ml.drift.readers.source import BATCH_ROWS

_BUFFER_BYTES: Final = 1 << 16
_FOOTERS: Final = 4


@lru_cache(maxsize=_FOOTERS)
def _read_footer(
    path: Path, _modified_ns: int, _size: int
) -> tuple[pa.parquet.FileMetaData, pa.Schema]:
    """Read the footer. Cached: files are opened for every few columns, and footers may be long."""
    metadata = pa.parquet.read_metadata(path)
    return metadata, metadata.schema.to_arrow_schema()


@dataclass(frozen=True, slots=True)
class ParquetSource:
    """One Parquet file, read page by page: row groups [first, last), or to the end if None."""

    path: Path
    first: int = 0
    last: int | None = None

    def batches(
        self, columns: Collection[str] | None = None, *, rows: int = BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """Read through a small buffer, so that a whole row group is never in memory."""
        metadata, schema = self._footer()
        chosen = [n for n in schema.names if columns is None or n in columns]
        groups = list(range(self.first, self.last or metadata.num_row_groups))
        with pa.parquet.ParquetFile(
            self.path,
            metadata=metadata,
            buffer_size=_BUFFER_BYTES,
            pre_buffer=False,
            read_dictionary=[f.name for f in schema if pa.types.is_string(f.type)],
        ) as file:
            yield from file.iter_batches(
                batch_size=rows, row_groups=groups, columns=chosen, use_threads=False
            )

    def _footer(self) -> tuple[pa.parquet.FileMetaData, pa.Schema]:
        state = self.path.stat()
        return _read_footer(self.path, state.st_mtime_ns, state.st_size)

    def parts(self, wanted: int) -> Sequence["ParquetSource"]:
        """Consecutive row groups."""
        groups = self._footer()[0].num_row_groups
        count = max(1, min(wanted, groups))
        cuts = [groups * i // count for i in range(count + 1)]
        return [replace(self, first=a, last=b) for a, b in pairwise(cuts)]

    @property
    def rows(self) -> int | None:
        """From the file's footer."""
        metadata, _ = self._footer()
        last = metadata.num_row_groups if self.last is None else self.last
        return sum(int(metadata.row_group(i).num_rows) for i in range(self.first, last))

    @property
    def names(self) -> Sequence[str]:
        """From the file's footer."""
        return list(self._footer()[1].names)

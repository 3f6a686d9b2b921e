"""Parquet, batch by batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import pandas as pd

from ml.data_tests.raw_file import CHUNK_ROWS, RawFile, UnreadableFile
from ml.data_tests.report import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator


def open_parquet(source: BinaryIO) -> RawFile:
    """Read the footer; see `ml.data_tests.reading.open_file`."""
    import pyarrow as pa  # noqa: PLC0415 - 0.1 CPU-s that CSV readers save
    import pyarrow.parquet as pq  # noqa: PLC0415 - same

    try:
        file = pq.ParquetFile(source)
    except (pa.ArrowInvalid, OSError) as exc:
        raise UnreadableFile(
            Finding(
                "truncated",
                None,
                "the Parquet footer cannot be read",
                "a whole Parquet file",
                "the file may be cut off: send it again whole",
            )
        ) from exc
    names = tuple(file.schema_arrow.names)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UnreadableFile(
            Finding(
                "header",
                twice,
                f"the name occurs {names.count(twice)} times",
                "once",
                "rename or remove one of them",
            )
        )

    def chunks() -> Iterator[pd.DataFrame]:
        number = 0
        try:
            for batch in file.iter_batches(batch_size=CHUNK_ROWS):
                frame = batch.to_pandas()
                frame.index = pd.RangeIndex(number + 1, number + 1 + len(frame))
                number += len(frame)
                yield frame
        except (pa.ArrowInvalid, OSError) as exc:
            raise UnreadableFile(
                Finding(
                    "truncated",
                    None,
                    f"unreadable Parquet pages near row {number + 1}",
                    "a whole Parquet file",
                    "the file may be damaged: send it again",
                )
            ) from exc

    return RawFile(names, chunks())

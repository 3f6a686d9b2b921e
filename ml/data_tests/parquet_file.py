"""Parquet reader, batch by batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, Final

import pandas as pd

from ml.data_tests.header import refuse_doubled
from ml.data_tests.raw_file import CHUNK_ROWS, RawFile, UnreadableFile
from ml.data_tests.report import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ml.model_config import ColumnContract, DataContract

_CELL_BYTES: Final = 8


def open_parquet(source: BinaryIO, contract: DataContract) -> RawFile:
    """Read the footer; see `ml.data_tests.reading.open_file`."""
    import pyarrow as pa  # noqa: PLC0415 - 0.1 CPU-s that CSV readers save
    import pyarrow.parquet as pq  # noqa: PLC0415 - same

    try:
        file = pq.ParquetFile(source)
        schema, metadata = file.schema_arrow, file.metadata
        names = tuple(contract.present_names(schema.names))
        rows, groups = metadata.num_rows, range(metadata.num_row_groups)
        unpacked_bytes = sum(metadata.row_group(group).total_byte_size for group in groups)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as exc:
        raise UnreadableFile(
            Finding(
                "truncated",
                None,
                "the Parquet footer cannot be read",
                "a whole Parquet file",
                "the file may be cut off: send it again",
            )
        ) from exc
    refuse_doubled(names, contract)
    _check_types(dict(zip(names, schema.types, strict=True)), contract)

    def chunks() -> Iterator[pd.DataFrame]:
        number = 0
        try:
            for batch in file.iter_batches(batch_size=CHUNK_ROWS):
                # Finds wrong lengths and text that is not UTF-8 here, not in a cell later.
                batch.validate(full=True)
                # Without pandas' own metadata: nothing depends on it, and it may be damaged.
                frame = batch.replace_schema_metadata(None).to_pandas()
                frame.columns = pd.Index(names)
                frame.index = pd.RangeIndex(number + 1, number + 1 + len(frame))
                number += len(frame)
                yield frame
        except (pa.ArrowException, OSError) as exc:
            raise UnreadableFile(
                Finding(
                    "truncated",
                    None,
                    f"unreadable Parquet pages near row {number + 1}",
                    "a whole Parquet file",
                    "the file may be damaged: send it again",
                )
            ) from exc

    # Equal cells compress to nearly nothing: what counts is the memory they take once read.
    cells_bytes = _CELL_BYTES * rows * len(names)
    return RawFile(names, chunks(), unpacked_bytes=max(unpacked_bytes, cells_bytes))


def _check_types(types: Mapping[str, Any], contract: DataContract) -> None:
    """Raise UnreadableFile for columns whose cells would silently change their meaning."""
    wrong = [
        (column, types[name])
        for name, column in contract.columns.items()
        if name in types and not _readable(types[name], column)
    ]
    if wrong:
        column, kind = wrong[0]
        raise UnreadableFile(
            Finding(
                "type",
                column.name,
                f"is of Parquet type {kind}",
                column.type,
                f"write it as {column.type}",
                count=len(wrong),
            )
        )


def _readable(kind: Any, column: ColumnContract) -> bool:
    from pyarrow import types  # noqa: PLC0415 - with pyarrow

    if types.is_dictionary(kind):
        kind = kind.value_type
    # A boolean or a time that is read as a number means something else.
    kinds = [
        types.is_string,
        types.is_large_string,
        types.is_null,
        types.is_integer,
        types.is_floating,
        types.is_decimal,
    ]
    if column.type == "date":
        kinds += [types.is_date, types.is_timestamp]
    elif column.type in {"category", "text"}:
        kinds += [types.is_boolean]
    return any(is_kind(kind) for is_kind in kinds)

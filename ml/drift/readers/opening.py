"""Selects the reader of an input: a path by its suffix, a folder, a table or a data frame."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from ml.drift.errors import DriftInputError
from ml.drift.readers.source import ManySources, Source, TableSource

_SUFFIXES: Final = (".parquet", ".csv", ".jsonl", ".ndjson")


def open_source(data: Any) -> Source:
    """Open a path, a folder, several paths, an Arrow table or a pandas DataFrame.

    A source is returned as it is.

    Raises:
        DriftInputError: the file does not exist, the folder is empty, or the suffix is unknown.
    """
    if hasattr(type(data), "batches"):
        opened: Source = data
        return opened
    if isinstance(data, pa.Table):
        return TableSource(data)
    if isinstance(data, pa.RecordBatch):
        return TableSource(pa.Table.from_batches([data]))
    if hasattr(data, "iloc"):  # a DataFrame, without importing pandas for those who have none
        return TableSource(pa.Table.from_pandas(data, preserve_index=False))
    if isinstance(data, str | Path):
        return _open_path(Path(data))
    if isinstance(data, Sequence) and data:
        return ManySources(tuple(open_source(item) for item in data))
    raise DriftInputError(f"cannot read rows from {type(data).__name__}; give files or a table")


def _open_path(path: Path) -> Source:
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file() and _suffix(p) in _SUFFIXES)
        if not files:
            raise DriftInputError(f"no file to read in {path}; expected {', '.join(_SUFFIXES)}")
        sources = tuple(_open_path(file) for file in files)
        return sources[0] if len(sources) == 1 else ManySources(sources)
    if not path.is_file():
        raise DriftInputError(f"no such file: {path}")
    if _suffix(path) not in _SUFFIXES:
        raise DriftInputError(f"cannot read {path.name}; expected {', '.join(_SUFFIXES)}")
    return _reader(path)


def _suffix(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).suffix.lower()


def _reader(path: Path) -> Source:
    """The reader of one file; imports only the parser it needs, since each is large."""
    match _suffix(path):
        case ".parquet":
            from ml.drift.readers.parquet_file import ParquetSource  # noqa: PLC0415 - as above

            return ParquetSource(path)
        case ".csv":
            from ml.drift.readers.csv_file import CsvSource  # noqa: PLC0415 - as above

            return CsvSource(path)
        case _:
            from ml.drift.readers.json_lines_file import JsonLinesSource  # noqa: PLC0415 - as above

            return JsonLinesSource(path)

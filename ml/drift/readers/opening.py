"""Which reader takes what: paths by their suffix, folders, tables and data frames."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from ml.drift.errors import DriftInputError
from ml.drift.readers.csv_file import CsvSource
from ml.drift.readers.json_lines_file import JsonLinesSource
from ml.drift.readers.parquet_file import ParquetSource
from ml.drift.readers.source import ManySources, Source, TableSource

__all__ = ["ParquetSource", "TableSource", "open_source"]


def open_source(data: Any) -> Source:
    """A source for a path, a folder, several paths, an Arrow table or a pandas DataFrame.

    Raises:
        DriftInputError: no such file, an empty folder, or a suffix nobody knows.
    """
    if isinstance(data, pa.Table):
        return TableSource(data)
    if isinstance(data, pa.RecordBatch):
        return TableSource(pa.Table.from_batches([data]))
    if hasattr(data, "iloc"):  # a DataFrame; pandas is not imported for those who do not use it
        return TableSource(pa.Table.from_pandas(data, preserve_index=False))
    if isinstance(data, str | Path):
        return _open_path(Path(data))
    if isinstance(data, Sequence) and data:
        return ManySources(tuple(open_source(item) for item in data))
    raise DriftInputError(f"cannot read rows from {type(data).__name__}; give files or a table")


def _open_path(path: Path) -> Source:
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file() and _suffix(p) in _BY_SUFFIX)
        if not files:
            raise DriftInputError(f"no file to read in {path}; expected {', '.join(_BY_SUFFIX)}")
        sources = tuple(_open_path(file) for file in files)
        return sources[0] if len(sources) == 1 else ManySources(sources)
    if not path.is_file():
        raise DriftInputError(f"no such file: {path}")
    if _suffix(path) not in _BY_SUFFIX:
        raise DriftInputError(f"cannot read {path.name}; expected {', '.join(_BY_SUFFIX)}")
    opened: Source = _BY_SUFFIX[_suffix(path)](path)
    return opened


def _suffix(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).suffix.lower()


_BY_SUFFIX: Final[Mapping[str, Any]] = {
    ".parquet": ParquetSource,
    ".csv": CsvSource,
    ".jsonl": JsonLinesSource,
    ".ndjson": JsonLinesSource,
}

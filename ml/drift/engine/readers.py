"""Files as streams of record batches, in memory that does not grow with the rows."""

import gzip
import io
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from ml.drift.engine.errors import DriftInputError

BATCH_ROWS: Final = 65_536
_BUFFER_BYTES: Final = 1 << 16
_CSV_BLOCK_BYTES: Final = 1 << 22
_JSON_BLOCK_BYTES: Final = 1 << 22


class Source(Protocol):
    """Rows that can be streamed any number of times."""

    def batches(self, columns: Collection[str] | None = None) -> Iterator[pa.RecordBatch]:
        """All rows; where columns are named, at least those of them that exist."""
        ...

    def parts(self, wanted: int) -> Sequence["Source"]:
        """About `wanted` sources that hold the same rows together; fewer where it cannot split."""
        ...

    @property
    def rows(self) -> int | None:
        """Number of rows where the format knows it without reading."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """The columns; of formats without a header, those of the first rows."""
        ...


@dataclass(frozen=True, slots=True)
class ParquetSource:
    """One Parquet file, read page by page; row groups from `first` up to `last` (None: the end)."""

    path: Path
    first: int = 0
    last: int | None = None

    def batches(self, columns: Collection[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Read through a small buffer, so that a row group never lies in memory as a whole."""
        with self._open() as file:
            known = file.schema_arrow.names
            chosen = [n for n in known if columns is None or n in columns]
            groups = list(range(self.first, self.last or file.num_row_groups))
            yield from file.iter_batches(
                batch_size=BATCH_ROWS, row_groups=groups, columns=chosen, use_threads=False
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


@dataclass(frozen=True, slots=True)
class CsvSource:
    """One CSV file, plain or .gz; separator from its first line, types from its first megabytes.

    A later value that does not fit the type widens it: integer, number, text. `types` carries what
    is known already and is extended in place, so a second pass starts where the first one ended.
    """

    path: Path
    types: dict[str, pa.DataType] = field(default_factory=dict)

    def batches(self, columns: Collection[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Stream; raises TypesWidened when the pass has to begin again with wider types."""
        convert = pa.csv.ConvertOptions(
            column_types=self.types, strings_can_be_null=True, timestamp_parsers=[pa.csv.ISO8601]
        )
        try:
            with self._open() as stream:
                reader = pa.csv.open_csv(
                    stream,
                    read_options=pa.csv.ReadOptions(block_size=_CSV_BLOCK_BYTES),
                    parse_options=pa.csv.ParseOptions(
                        delimiter=self._separator(), newlines_in_values=True
                    ),
                    convert_options=convert,
                )
                for name, arrow_type in zip(reader.schema.names, reader.schema.types, strict=True):
                    self.types.setdefault(name, arrow_type)
                for batch in reader:
                    chosen = [n for n in batch.schema.names if columns is None or n in columns]
                    yield batch.select(chosen)
        except pa.ArrowInvalid as error:
            self._widen(error)
            raise TypesWidenedError(str(error)) from error

    def _open(self) -> Any:
        return pa.input_stream(str(self.path), compression="detect")

    def _separator(self) -> str:
        opener = gzip.open if self.path.suffix == ".gz" else open
        with opener(self.path, "rt", encoding="utf-8-sig", errors="replace") as file:
            first = file.readline()
        return max(",;\t|", key=first.count)

    def _widen(self, error: pa.ArrowInvalid) -> None:
        found = re.search(r"In CSV column #(\d+)", str(error))
        if found is None or not self.types:
            raise DriftInputError(f"{self.path.name} cannot be read as CSV: {error}") from error
        name = list(self.types)[int(found[1])]
        narrow = self.types[name]
        number = pa.types.is_null(narrow) or pa.types.is_integer(narrow)
        if pa.types.is_string(narrow):
            raise DriftInputError(f"column {name} of {self.path.name}: {error}") from error
        self.types[name] = pa.float64() if number else pa.string()

    def parts(self, wanted: int) -> Sequence["CsvSource"]:
        """A CSV file is read by one reader (its parser uses threads of its own)."""
        del wanted
        return [self]

    @property
    def rows(self) -> int | None:
        """Unknown before reading."""
        return None

    @property
    def names(self) -> Sequence[str]:
        """From the first line."""
        while True:
            try:
                return _first_names(self)
            except TypesWidenedError:
                continue


class TypesWidenedError(Exception):
    """A value did not fit the column's type; the type is wider now, read the file again."""


@dataclass(frozen=True, slots=True)
class JsonLinesSource:
    """JSON lines, plain or .gz: rows, or the envelopes that Azure ML's data collector writes.

    An envelope (`specversion` and a list `data`) gives its rows, and each its time of collection
    as column `collected_time` unless the data have one.
    """

    path: Path

    def batches(self, columns: Collection[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Types are found block by block; the layout says what they count as."""
        opener = gzip.open if self.path.suffix == ".gz" else open
        with opener(self.path, "rb") as file:
            while lines := file.readlines(_JSON_BLOCK_BYTES):
                for batch in self._table(lines).to_batches(max_chunksize=BATCH_ROWS):
                    chosen = [n for n in batch.schema.names if columns is None or n in columns]
                    yield batch.select(chosen)

    def _table(self, lines: Sequence[bytes]) -> pa.Table:
        if _is_envelope(lines[0]):
            return _table_of_rows(_unpacked(lines, self.path))
        try:
            return pa.json.read_json(io.BytesIO(b"".join(lines)))
        except pa.ArrowInvalid:  # mixed types in one block: one row at a time, or a real mistake
            return _table_of_rows(_parsed(line, self.path) for line in lines if line.strip())

    def parts(self, wanted: int) -> Sequence["JsonLinesSource"]:
        """One reader."""
        del wanted
        return [self]

    @property
    def rows(self) -> int | None:
        """Unknown before reading."""
        return None

    @property
    def names(self) -> Sequence[str]:
        """Those of the first block of lines."""
        return _first_names(self)


def _first_names(source: Source) -> Sequence[str]:
    return next((list(batch.schema.names) for batch in source.batches()), [])


def _parsed(line: bytes, path: Path) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise DriftInputError(f"{path.name} holds a line that is no JSON: {error}") from error
    if not isinstance(row, dict):
        raise DriftInputError(f"{path.name} holds a line that is no JSON object")
    return row


def _is_envelope(line: bytes) -> bool:
    return b'"specversion"' in line and b'"data"' in line


def _unpacked(lines: Sequence[bytes], path: Path) -> Iterator[Mapping[str, Any]]:
    for line in lines:
        if line.strip():
            envelope = _parsed(line, path)
            rows = envelope.get("data")
            if not isinstance(rows, list):  # payloads over 4 MB sit apart behind a pointer line
                raise DriftInputError(
                    f"{path.name}: the data of one request are not in the file (id "
                    f"{envelope.get('id')}); collect smaller batches"
                )
            for row in rows:
                yield {"collected_time": envelope.get("time"), **row}


def _table_of_rows(rows: Iterator[Mapping[str, Any]]) -> pa.Table:
    kept = list(rows)
    names = dict.fromkeys(chain.from_iterable(kept))
    return pa.table({name: _array([row.get(name) for row in kept]) for name in names})


def _array(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # numbers and text in one column: text
        return pa.array([None if v is None else str(v) for v in values], pa.string())


@dataclass(frozen=True, slots=True)
class TableSource:
    """Rows in memory."""

    table: pa.Table

    def batches(self, columns: Collection[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Slices without a copy."""
        chosen = [n for n in self.table.schema.names if columns is None or n in columns]
        yield from self.table.select(chosen).to_batches(max_chunksize=BATCH_ROWS)

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
class ManySources:
    """Several sources one after the other, in the order given."""

    sources: tuple[Source, ...]

    def batches(self, columns: Collection[str] | None = None) -> Iterator[pa.RecordBatch]:
        """One source after the other."""
        for source in self.sources:
            yield from source.batches(columns)

    def parts(self, wanted: int) -> Sequence[Source]:
        """The sources themselves, cut further where there are few of them."""
        each = -(-wanted // len(self.sources))
        return [part for source in self.sources for part in source.parts(each)]

    @property
    def rows(self) -> int | None:
        """Known where every source knows."""
        known = [source.rows for source in self.sources]
        return None if None in known else sum(n for n in known if n is not None)

    @property
    def names(self) -> Sequence[str]:
        """Every column of any of them."""
        return list(dict.fromkeys(name for source in self.sources for name in source.names))


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

"""CSV files, plain or compressed."""

import gzip
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv

from ml.drift.errors import DriftInputError, TypesWidenedError
from ml.drift.readers.source import BATCH_ROWS, OneReader, first_names

_BLOCK_BYTES: Final = 1 << 22


@dataclass(frozen=True, slots=True)
class CsvSource(OneReader):
    """One CSV file, plain or .gz; separator from the first line, types from the first megabytes.

    A later value that does not fit widens the type: integer, number, text. `types` is extended in
    place, so that a second pass starts with what the first one learnt.
    """

    path: Path
    types: dict[str, pa.DataType] = field(default_factory=dict)

    def batches(
        self, columns: Collection[str] | None = None, *, rows: int = BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """Stream the file; raises TypesWidenedError when a pass has to start again."""
        del rows  # the parser counts in bytes
        convert = pa.csv.ConvertOptions(
            column_types=self.types, strings_can_be_null=True, timestamp_parsers=[pa.csv.ISO8601]
        )
        try:
            with self._open() as stream:
                reader = pa.csv.open_csv(
                    stream,
                    read_options=pa.csv.ReadOptions(block_size=_BLOCK_BYTES),
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

    @property
    def names(self) -> Sequence[str]:
        """Column names, from the first line."""
        while True:
            try:
                return first_names(self)
            except TypesWidenedError:
                continue

"""JSON lines: rows, or the envelopes that Azure ML's data collector writes around them."""

import gzip
import io
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.json

from ml.drift.errors import DriftInputError
from ml.drift.readers.envelopes import read_envelope
from ml.drift.readers.source import BATCH_ROWS, OneReader, first_names

_BLOCK_BYTES: Final = 1 << 22


@dataclass(frozen=True, slots=True)
class JsonLinesSource(OneReader):
    """JSON lines, plain or .gz: rows, or the envelopes that Azure ML's data collector writes.

    The rows of an envelope (`specversion` and a list `data`) get its time as column
    `collected_time`, unless they have such a column.
    """

    path: Path

    def batches(
        self, columns: Collection[str] | None = None, *, rows: int = BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """Infer types block by block; the layout says how they are counted."""
        opener = gzip.open if self.path.suffix == ".gz" else open
        with opener(self.path, "rb") as file:
            while lines := file.readlines(_BLOCK_BYTES):
                for batch in self._table(lines).to_batches(max_chunksize=rows):
                    chosen = [n for n in batch.schema.names if columns is None or n in columns]
                    yield batch.select(chosen)

    def _table(self, lines: Sequence[bytes]) -> pa.Table:
        if _is_envelope(lines[0]):
            return _table_of_rows(_unpacked(lines, self.path))
        try:
            return pa.json.read_json(io.BytesIO(b"".join(lines)))
        except pa.ArrowInvalid:  # mixed types in one block, or damage
            return _table_of_rows(_parsed(line, self.path) for line in lines if line.strip())

    @property
    def names(self) -> Sequence[str]:
        """Column names in the first block of lines."""
        return first_names(self)


def _parsed(line: bytes, path: Path) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _not_an_object(path) from error
    if not isinstance(row, dict):
        raise _not_an_object(path)
    return row


def _not_an_object(path: Path) -> DriftInputError:
    return DriftInputError(
        f"{path.name} holds a line or row that is not a JSON object; repair or remove it"
    )


def _is_envelope(line: bytes) -> bool:
    return b'"specversion"' in line and b'"data"' in line


def _unpacked(lines: Sequence[bytes], path: Path) -> Iterator[Mapping[str, Any]]:
    for line in lines:
        if line.strip():
            envelope = read_envelope(line)
            if envelope is None:
                raise _not_an_object(path)
            if envelope.rows is None:
                raise DriftInputError(
                    f"{path.name}: the data of one request are not in the file (id "
                    f"{envelope.event_id}); collect smaller batches"
                )
            for row in envelope.rows:
                if not isinstance(row, dict):
                    raise _not_an_object(path)
                yield {"collected_time": envelope.time, **row}


def _table_of_rows(rows: Iterator[Mapping[str, Any]]) -> pa.Table:
    kept = list(rows)
    names = dict.fromkeys(chain.from_iterable(kept))
    return pa.table({name: _array([row.get(name) for row in kept]) for name in names})


def _array(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # numbers and text in one column: text
        return pa.array([None if v is None else str(v) for v in values], pa.string())

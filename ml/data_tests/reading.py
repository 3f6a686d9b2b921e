"""A landed file -> chunks of raw rows. What cannot be read becomes a finding, not a guess."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, Final

import pandas as pd

from ml.data_tests.report import FIRST_ROWS, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ml.model_config import DataContract

CHUNK_ROWS: Final = 20_000
MAX_FIELD_CHARACTERS: Final = csv.field_size_limit()
_SEPARATORS: Final = (",", ";", "\t", "|")
_SEPARATOR_WORDS: Final = {"\t": "tab", " ": "space"}
_MAGIC: Final = {
    b"PAR1": "parquet",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}


class UnreadableFile(Exception):  # noqa: N818 - carries a finding to the report; nobody sees it raised
    """Reading ends here, for the reason in the finding."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(finding.sentence)


@dataclass(frozen=True, slots=True)
class RawFile:
    """A file whose header was read; `chunks` raises UnreadableFile where reading must end."""

    header: tuple[str, ...]
    chunks: Iterator[pd.DataFrame]


def open_file(source: BinaryIO, contract: DataContract) -> RawFile:
    """Read the header and prepare the chunks.

    Args:
        source: seekable; read once, from its start.
        contract: says the format, the separator and the columns to expect.

    Raises:
        UnreadableFile: empty, another format, not UTF-8, other separator, or no usable header.
    """
    start = source.read(4)
    source.seek(0)
    if not start:
        raise UnreadableFile(
            Finding(
                "empty",
                None,
                "the file has 0 bytes",
                "at least a header and one row",
                "export it again",
            )
        )
    seen = next((word for magic, word in _MAGIC.items() if start.startswith(magic)), None)
    if seen not in (None, contract.format) or (seen is None and contract.format == "parquet"):
        raise UnreadableFile(
            Finding(
                "format",
                None,
                f"the file is {seen or 'not parquet'}",
                contract.format,
                f"save it as {contract.format}" + (", UTF-8" if contract.format == "csv" else ""),
            )
        )
    return _open_parquet(source) if contract.format == "parquet" else _open_csv(source, contract)


def _open_csv(source: BinaryIO, contract: DataContract) -> RawFile:
    text = io.TextIOWrapper(source, encoding="utf-8-sig", errors="strict", newline="")
    reader = csv.reader(text, delimiter=contract.separator, strict=True)
    try:
        header = next((row for row in reader if row), None)
    except (UnicodeDecodeError, csv.Error) as exc:
        raise UnreadableFile(_unreadable(exc, 0)) from exc
    if header is None:
        raise UnreadableFile(
            Finding(
                "empty",
                None,
                "the file has blank lines only",
                "a header and one row",
                "export it again",
            )
        )
    names = [name.strip() for name in header]
    _check_header(names, contract)
    return RawFile(tuple(names), _csv_chunks(reader, names, contract))


def _check_header(names: Sequence[str], contract: DataContract) -> None:
    """Refuse a header under which no row can be understood."""
    if not contract.columns.keys() & set(names):
        line = contract.separator.join(names)
        for other in _SEPARATORS:
            split = {name.strip().strip('"') for name in line.split(other)}
            if other != contract.separator and len(split & contract.columns.keys()) > 1:
                raise UnreadableFile(
                    Finding(
                        "separator",
                        None,
                        f"fields are separated by {_word(other)}",
                        _word(contract.separator),
                        f"export it with {_word(contract.separator)} between fields, or set "
                        "data.separator in model.yml",
                    )
                )
        raise UnreadableFile(
            Finding(
                "header",
                None,
                "the first line names no known column",
                f"a header such as {contract.separator.join(list(contract.columns)[:3])}…",
                "write the column names in the first line",
            )
        )
    if "" in names:
        raise UnreadableFile(
            Finding(
                "header",
                None,
                f"column {names.index('') + 1} has no name",
                "a name for every column",
                "name or remove it",
            )
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UnreadableFile(
            Finding(
                "header",
                twice[0],
                f"the name occurs {names.count(twice[0])} times",
                "once",
                "rename or remove one of them",
                count=len(twice),
            )
        )


def _csv_chunks(
    reader: Iterator[list[str]], names: list[str], contract: DataContract
) -> Iterator[pd.DataFrame]:
    number = 0
    while True:
        read: list[list[str]] = []
        try:
            read.extend(islice(reader, CHUNK_ROWS))
        except (UnicodeDecodeError, csv.Error) as exc:
            raise UnreadableFile(_unreadable(exc, number + len(read))) from exc
        if not read:
            return
        rows = [row for row in read if row]
        wrong = [at for at, row in enumerate(rows) if len(row) != len(names)]
        if wrong:
            yield _frame(rows[: wrong[0]], names, number)
            at_end = len(read) < CHUNK_ROWS and wrong == [len(rows) - 1]
            finding = _wrong_width(rows, wrong, number, names, contract, at_end=at_end)
            raise UnreadableFile(finding)
        yield _frame(rows, names, number)
        number += len(rows)


def _frame(rows: list[list[str]], names: list[str], before: int) -> pd.DataFrame:
    index = pd.RangeIndex(before + 1, before + 1 + len(rows))
    return pd.DataFrame(rows, columns=names, index=index, dtype=object)


def _wrong_width(
    rows: list[list[str]],
    wrong: list[int],
    before: int,
    names: list[str],
    contract: DataContract,
    *,
    at_end: bool,
) -> Finding:
    fields, width = len(rows[wrong[0]]), len(names)
    last_only = at_end and fields < width
    return Finding(
        "truncated" if last_only else "fields",
        None,
        f"row {before + wrong[0] + 1} has {fields} fields",
        f"{width} as in the header",
        "the file ends in the middle of a row: send it again whole"
        if last_only
        else f"quote fields that hold {_word(contract.separator)}; give every row {width} fields",
        count=len(wrong),
        rows=tuple(before + at + 1 for at in wrong[:FIRST_ROWS]),
    )


def _unreadable(exc: UnicodeDecodeError | csv.Error, number: int) -> Finding:
    near = f"near row {number + 1}"
    if isinstance(exc, UnicodeDecodeError):
        return Finding(
            "encoding",
            None,
            f"bytes that are not UTF-8 {near}",
            "UTF-8",
            "save the file as UTF-8 and send it again",
        )
    if "field larger than" in str(exc):
        return Finding(
            "fields",
            None,
            f"a field {near} is too long",
            f"{MAX_FIELD_CHARACTERS:,} characters",
            "look for a quote that is opened and not closed",
        )
    if re.search("unexpected end of data", str(exc)):
        return Finding(
            "truncated",
            None,
            f"a quote opened {near} is never closed",
            "closed quotes",
            "the file may be cut off: send it again whole",
        )
    return Finding(
        "fields",
        None,
        f"the text {near} is no CSV: {exc}",
        "RFC 4180",
        "double the quotes inside quoted fields",
    )


def _open_parquet(source: BinaryIO) -> RawFile:
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


def _word(separator: str) -> str:
    return _SEPARATOR_WORDS.get(separator, f'"{separator}"')

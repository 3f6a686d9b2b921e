"""Strict CSV reader: a row of another width or a byte that is not UTF-8 stops it."""

from __future__ import annotations

import csv
import io
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, Final

import pandas as pd

from ml.data_tests.raw_file import CHUNK_ROWS, RawFile, UnreadableFile
from ml.data_tests.report import FIRST_ROWS, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ml.model_config import DataContract

MOST_COLUMNS: Final = 10_000
MAX_FIELD_CHARACTERS: Final = csv.field_size_limit()
_SEPARATORS: Final = (",", ";", "\t", "|")
_SEPARATOR_WORDS: Final = {"\t": "tab", " ": "space"}


class _BorrowedText(io.TextIOWrapper):
    """A text wrapper that does not close its file when it is garbage-collected: the opener does."""

    def close(self) -> None:
        """Detach from the file and leave it open."""
        self.detach()


def open_csv(source: BinaryIO, contract: DataContract) -> RawFile:
    """Read the header; see `ml.data_tests.reading.open_file`."""
    text = _BorrowedText(source, encoding="utf-8-sig", errors="strict", newline="")
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
    """Raise UnreadableFile if the header does not allow the rows to be read."""
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
    if len(names) > max(MOST_COLUMNS, 2 * len(contract.columns)):
        raise UnreadableFile(
            Finding(
                "header",
                None,
                f"{len(names):,} columns",
                f"at most {max(MOST_COLUMNS, 2 * len(contract.columns)):,}",
                "export the columns of the contract only",
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
    counted = Counter(names)
    twice = sorted(name for name, count in counted.items() if count > 1)
    if twice:
        raise UnreadableFile(
            Finding(
                "header",
                twice[0],
                f"the name occurs {counted[twice[0]]} times",
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
        "the file ends in the middle of a row: send it again"
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
    if "unexpected end of data" in str(exc):
        return Finding(
            "truncated",
            None,
            f"a quote opened {near} is never closed",
            "closed quotes",
            "the file may be cut off: send it again",
        )
    return Finding(
        "fields",
        None,
        f"the text {near} is not CSV: {exc}",
        "RFC 4180",
        "double the quotes inside quoted fields",
    )


def _word(separator: str) -> str:
    return _SEPARATOR_WORDS.get(separator, f'"{separator}"')

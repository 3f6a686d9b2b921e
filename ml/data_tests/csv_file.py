"""CSV, read strictly: a row of another width or a byte that is not text ends the reading."""

from __future__ import annotations

import csv
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, Final

import pandas as pd

from ml.data_tests.header import (
    begins_with_sep_line,
    column_names,
    is_nameless,
    separator_finding,
    separator_word,
)
from ml.data_tests.raw_file import CHUNK_ROWS, RawFile, UnreadableFile
from ml.data_tests.report import FIRST_ROWS, Finding
from ml.data_tests.text_lines import TextLines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml.model_config import DataContract

MAX_FIELD_CHARACTERS: Final = csv.field_size_limit()
# Findings that concern the file, wherever the reading stood.
_OF_THE_FILE: Final = frozenset({"size", "format"})


def open_csv(source: BinaryIO, contract: DataContract) -> RawFile:
    """Read the header; see `ml.data_tests.reading.open_file`."""
    lines = TextLines(source, contract.encoding)
    text = iter(lines)
    if begins_with_sep_line(lines.head, contract):
        next(line for line in text if line.strip())
    reader = csv.reader(text, delimiter=contract.separator, strict=True)
    try:
        header = next((row for row in reader if row), None)
    except csv.Error as exc:
        # Quotes around every name are misread where another sign separates them.
        separated = separator_finding(lines.head.lstrip().partition("\n")[0].strip(), contract)
        raise UnreadableFile(separated or _not_csv(exc, "in the first line")) from exc
    except UnreadableFile as exc:
        raise UnreadableFile(_at(exc.finding, "in the first line")) from exc
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
    table = _Table(column_names(header, lines.head, contract), contract)
    return RawFile(tuple(table.names), table.chunks(reader, lines), notes=table.notes)


class _Table:
    """The rows below a header."""

    def __init__(self, names: list[str], contract: DataContract) -> None:
        self.names = names
        self.notes: list[str] = []
        self._contract = contract
        self._ignores = contract.extra_columns == "ignore"
        nameless = [is_nameless(name) for name in names]
        self._least = len(names) - nameless[::-1].index(False)  # without those at its end

    def chunks(self, reader: Iterator[list[str]], lines: TextLines) -> Iterator[pd.DataFrame]:
        number = 0
        last: list[str] = []
        while True:
            read, broken = _read(reader)
            # A spreadsheet writes an empty line as separators alone.
            rows = [row for row in read if any(row) or (row and len(self.names) == 1)]
            wrong = self._of_other_width(rows)
            if wrong:
                yield _frame(rows[: wrong[0]], self.names, number)
                at_end = len(read) < CHUNK_ROWS and wrong == [len(rows) - 1] and broken is None
                raise UnreadableFile(self._wrong_width(rows, wrong, number, at_end=at_end))
            if rows:
                yield _frame(rows, self.names, number)
                number += len(rows)
                last = rows[-1]
            if broken is not None:
                raise UnreadableFile(_stopped(broken, number)) from broken
            if len(read) < CHUNK_ROWS:
                break
        if lines.unended and last and self._may_be_cut(last[-1]):
            self.notes.append("the file ends without a line end: its last row may be cut")

    def _of_other_width(self, rows: list[list[str]]) -> list[int]:
        """Places of rows that do not fit; separators at the end of lines are no columns."""
        width = len(self.names)
        wrong = [place for place, row in enumerate(rows) if len(row) != width]
        if not self._ignores:
            return wrong
        left = []
        for place in wrong:
            row = rows[place]
            if len(row) > width and not any(map(str.strip, row[width:])):
                rows[place] = row[:width]
            elif self._least <= len(row) < width:
                rows[place] = row + [""] * (width - len(row))
            else:
                left.append(place)
        return left

    def _may_be_cut(self, cell: str) -> bool:
        """Whether the last cell of the file can have lost its end without a trace."""
        column = self._contract.columns.get(self.names[-1])
        return column is None or column.categories is None or cell not in column.categories

    def _wrong_width(
        self, rows: list[list[str]], wrong: list[int], before: int, *, at_end: bool
    ) -> Finding:
        fields, width = len(rows[wrong[0]]), len(self.names)
        last_only = at_end and fields < width
        separator = separator_word(self._contract.separator)
        if last_only:
            remedy = "the file ends in the middle of a row: send it again"
        elif not any(map(str.strip, rows[wrong[0]][width:])) and fields > width:
            remedy = (
                f"remove {separator} at the end of each line, or set data.extra_columns: ignore"
            )
        elif len(wrong) == len(rows) and fields == width + 1:
            remedy = "write the file without row names (R: row.names = FALSE)"
        else:
            remedy = f"quote fields that hold {separator}; give every row {width} fields"
        return Finding(
            "truncated" if last_only else "fields",
            None,
            f"row {before + wrong[0] + 1} has {fields} fields",
            f"{width} as in the header",
            remedy,
            count=len(wrong),
            rows=tuple(before + at + 1 for at in wrong[:FIRST_ROWS]),
        )


def _read(
    reader: Iterator[list[str]],
) -> tuple[list[list[str]], UnreadableFile | csv.Error | None]:
    """The next rows, and why there are not as many as asked for."""
    rows: list[list[str]] = []
    try:
        rows.extend(islice(reader, CHUNK_ROWS))  # keeps those before an error
    except (UnreadableFile, csv.Error) as exc:
        return rows, exc
    return rows, None


def _frame(rows: list[list[str]], names: list[str], before: int) -> pd.DataFrame:
    index = pd.RangeIndex(before + 1, before + 1 + len(rows))
    return pd.DataFrame(rows, columns=names, index=index, dtype=object)


def _stopped(broken: UnreadableFile | csv.Error, number: int) -> Finding:
    """Why reading ended after so many rows."""
    read = f"{number:,} row{' was' if number == 1 else 's were'} read before it"
    if isinstance(broken, csv.Error):
        return _not_csv(broken, f"in row {number + 1}; {read}")
    return _at(broken.finding, f"in row {number + 1}; {read}")


def _at(finding: Finding, place: str) -> Finding:
    if finding.test in _OF_THE_FILE:
        return finding
    return replace(finding, value=f"{finding.value} {place}")


def _not_csv(exc: csv.Error, place: str) -> Finding:
    if "field larger than" in str(exc):
        return Finding(
            "fields",
            None,
            f"a field that is too long {place}",
            f"{MAX_FIELD_CHARACTERS:,} characters",
            "look for a quote that is opened and not closed",
        )
    if "unexpected end of data" in str(exc):
        return Finding(
            "truncated",
            None,
            f"a quote that is never closed {place}",
            "closed quotes",
            "close it; or the file was cut off: send it again",
        )
    return Finding(
        "fields",
        None,
        f"text that is not CSV ({exc}) {place}",
        "RFC 4180",
        "double the quotes inside quoted fields",
    )

"""The first line of a CSV file: names of its columns, or what stands there instead."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from ml.cells import Refusal, reader_of
from ml.data_tests.kinds import text_kind
from ml.data_tests.raw_file import UnreadableFile
from ml.data_tests.report import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml.model_config import ColumnContract, DataContract

MOST_COLUMNS: Final = 10_000
_SEPARATORS: Final = (",", ";", "\t", "|")
_SEPARATOR_WORDS: Final = {"\t": "tab", " ": "space"}
_NAMELESS: Final = re.compile(r"\(column \d+\)")
_SEP_LINE: Final = re.compile(r'\s*"?sep=(?P<sign>[^\r\n"])"?[ \t]*(\r\n|\r|\n|$)', re.IGNORECASE)
_LINES_LOOKED_AT: Final = 20
_NAMES_SHOWN: Final = 3


def begins_with_sep_line(head: str, contract: DataContract) -> bool:
    """Whether a spreadsheet's `sep=` line stands before the names.

    Raises:
        UnreadableFile: it states another separator than the contract.
    """
    found = _SEP_LINE.match(head)
    if found is None:
        return False
    if found["sign"] != contract.separator:
        raise UnreadableFile(
            Finding(
                "separator",
                None,
                "the first line is a spreadsheet's sep= line and states "
                f"{separator_word(found['sign'])} between fields",
                separator_word(contract.separator),
                _other_separator(found["sign"], contract),
            )
        )
    return True


def column_names(first: Sequence[str], head: str, contract: DataContract) -> list[str]:
    """The names of all columns; one without a name is `(column 4)`.

    Args:
        first: cells of the first line that is not blank.
        head: start of the file.
        contract: columns to expect.

    Raises:
        UnreadableFile: rows cannot be read by it.
    """
    names = contract.present_names([name.strip() for name in first])
    known = known_names(contract)
    if known.isdisjoint(names):
        raise UnreadableFile(_no_known_name(names, head, known, contract))
    most = max(MOST_COLUMNS, 2 * len(contract.columns))
    if len(names) > most:
        raise UnreadableFile(
            Finding(
                "header",
                None,
                f"{len(names):,} columns",
                f"at most {most:,}",
                "export the columns of the contract only",
            )
        )
    refuse_doubled([name for name in names if name], contract)
    return [name or f"(column {place})" for place, name in enumerate(names, start=1)]


def refuse_doubled(names: Sequence[str], contract: DataContract) -> None:
    """Two columns of one name: which one is meant? Of columns that are ignored, it does not matter.

    Raises:
        UnreadableFile: a name occurs twice.
    """
    known, counted = known_names(contract), Counter(names)
    twice = sorted(
        name
        for name, count in counted.items()
        if count > 1 and (name in known or contract.extra_columns == "refuse")
    )
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


def known_names(contract: DataContract) -> frozenset[str]:
    """Names of columns that a file may have by its contract."""
    columns = contract.columns.values()
    others = (name for column in columns for name in (*column.former, *(column.parts or ())))
    return frozenset((*contract.columns, *others))


def is_nameless(name: str) -> bool:
    """Whether the file gives that column no name."""
    return _NAMELESS.fullmatch(name) is not None


def separator_word(separator: str) -> str:
    """As a sentence names it."""
    return _SEPARATOR_WORDS.get(separator, f'"{separator}"')


def case_remedy() -> str:
    """What to do about names that differ in upper and lower case."""
    return (
        "rename the columns in the file, or name each at its column in model.yml as the file has "
        "it: was: [NAME]"
    )


def _no_known_name(
    names: Sequence[str], head: str, known: frozenset[str], contract: DataContract
) -> Finding:
    if (kind := text_kind(head)) is not None:
        return kind.finding("CSV")
    header = f"a header such as {contract.separator.join(list(contract.columns)[:_NAMES_SHOWN])}…"
    separated = separator_finding(contract.separator.join(names), contract)
    if separated is not None:
        return separated
    folded = {name.casefold() for name in names}
    if any(name.casefold() in folded for name in known):
        value = "the names differ from the contract's in upper and lower case only"
        return Finding("header", None, value, header, case_remedy())
    if (fitting := _like_data(names, contract)) is not None:
        value = f"the first line looks like data, not like names ({fitting})"
        return Finding("header", None, value, header, "write the column names in the first line")
    if (number := _line_of_names(head, known, contract)) is not None:
        value = f"the column names stand in line {number}"
        return Finding(
            "header", None, value, "in the first line", "remove the lines above the names"
        )
    value = "the first line names no known column"
    return Finding("header", None, value, header, "write the column names in the first line")


def separator_finding(line: str, contract: DataContract) -> Finding | None:
    """What is wrong with a line of names that another sign separates; None if none does."""
    known = known_names(contract)
    for other in _SEPARATORS:
        split = {name.strip().strip('"') for name in line.split(other)}
        if other != contract.separator and len(split & known) > 1:
            return Finding(
                "separator",
                None,
                f"fields are separated by {separator_word(other)}",
                separator_word(contract.separator),
                _other_separator(other, contract),
            )
    return None


def _other_separator(found: str, contract: DataContract) -> str:
    word, written = separator_word(contract.separator), json.dumps(found)
    return f"export it with {word} between fields, or set data.separator: {written} in model.yml"


def _like_data(cells: Sequence[str], contract: DataContract) -> str | None:
    """Why a line holds values of a row."""
    columns = list(contract.columns.values())
    if len(cells) == len(columns):
        told = [
            (cell, column) for cell, column in zip(cells, columns, strict=True) if _is_told(column)
        ]
        if told and all(_fits(cell, column) for cell, column in told):
            return f"{len(cells)} of {len(cells)} cells fit the columns of the contract"
    numbers = sum(_is_number(cell) for cell in cells)
    if numbers and 2 * numbers >= len(cells):
        return f"{numbers} of {len(cells)} cells are numbers"
    return None


def _is_told(column: ColumnContract) -> bool:
    """Whether its values can be told from a name."""
    return column.type in {"number", "integer", "date"} or column.categories is not None


def _fits(cell: str, column: ColumnContract) -> bool:
    value = reader_of(column).read(cell)
    if isinstance(value, Refusal):
        return False
    if value is None or column.categories is None:
        return True
    listed = column.categories
    return value in (map(float, listed) if column.type == "integer" else listed)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _line_of_names(head: str, known: frozenset[str], contract: DataContract) -> int | None:
    lines = head.splitlines()[:_LINES_LOOKED_AT]
    least = min(2, len(known))
    for number, line in enumerate(lines, start=1):
        cells = next(csv.reader([line], delimiter=contract.separator), [])
        if len(known.intersection(cell.strip() for cell in cells)) >= least:
            return number
    return None

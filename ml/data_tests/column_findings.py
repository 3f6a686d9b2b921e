"""Counts and findings of single columns: missing cells, cells of another type, broken limits."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import TYPE_CHECKING, Final

from ml.cells import Reason
from ml.cells.categories import difference_from
from ml.cells.columns import read_column
from ml.cells.reasons import NUMBER_MARKS
from ml.data_tests.cell_tests import CELL_TESTS, CellTest
from ml.data_tests.report import Finding, percent
from ml.data_tests.tally import Rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from ml.data_tests.tally import ColumnTally
    from ml.model_config import ColumnContract

_NUMBERS: Final = frozenset({"number", "integer"})
_SHOWN: Final = 3
# Listed besides, the other spelling would be a category of its own, of a target a class.
_SPELLING: Final = (
    "write them in the file as model.yml lists them, or change the listed value to the file's "
    "spelling; do not list both, they would be two categories"
)


def tally_chunk(
    raw: pd.DataFrame, present: dict[str, ColumnContract], tallies: dict[str, ColumnTally]
) -> pd.DataFrame:
    """Count one chunk; returns it with typed cells."""
    chunk = raw[list(present)].copy()
    for name, column in present.items():
        tally = tallies[name]
        values, missing, _, refusals = read_column(raw[name], column)
        tally.missing.add(raw.index[missing])
        tally.add_refusals(refusals)
        tally.groups.add(raw[name], missing)
        tally.add_values(values)
        if column.type in _NUMBERS:
            tally.add_ends(values)
        if column.type == "date" and len(refusals):
            tally.add_unread_dates(raw.loc[~missing, name])
        # A mistyped cell is empty here: it has its finding, its other limits are not tested.
        for test in CELL_TESTS:
            if test.applies(column) and (broken := test.breaks(values, column)).any():
                tally.failures.setdefault(test, Rows()).add(raw.index[broken])
                if test.name == "values" and column.type == "category":
                    _count_differences(values[broken], column, tally)
        chunk[name] = values
    return chunk


def _count_differences(unlisted: pd.Series, column: ColumnContract, tally: ColumnTally) -> None:
    for word, count in unlisted.value_counts().items():
        found = difference_from(str(word), column.categories or ())
        if found is not None:
            tally.unlisted[found] += int(count)


def column_findings(column: ColumnContract, tally: ColumnTally, rows: int) -> list[Finding]:
    """What is wrong with one column of a file of so many rows."""
    findings = []
    limit = column.max_missing_percent
    if rows and 100 * tally.missing.count / rows > limit:
        findings.append(
            Finding(
                "missing",
                column.name,
                f"{percent(tally.missing.count, rows)} missing",
                f"{limit:g} %",
                "fill the column at its source, or write "
                f"{_share(tally.missing.count, rows)} at data.columns.{column.name} in model.yml",
                tally.missing.count,
                tally.missing.first,
            )
        )
    findings += _type_findings(column, tally, rows)
    if tally.in_groups:
        findings.append(_groups_finding(column, tally.groups.rows))
    findings += [
        _limit_finding(column, test, failed, tally, rows) for test, failed in tally.failures.items()
    ]
    return findings


def _type_findings(column: ColumnContract, tally: ColumnTally, rows: int) -> list[Finding]:
    wanted = f"a date such as {column.date_format}" if column.type == "date" else column.type
    marks = {r.mark: held for r, held in tally.refused.items() if r.mark is not None}
    others = [
        (r.reason, held)
        for r, held in tally.refused.items()
        if r.mark is None and not (r.reason is Reason.FRACTION and tally.in_groups)
    ]
    findings = []
    if marks:
        held = _together(marks.values())
        findings.append(
            Finding(
                "type",
                column.name,
                f"{_cells(held.count)} hold{_s(held.count)} only {_quoted(marks)}",
                f"{wanted}, or a word that data.columns.{column.name}.missing names",
                _name_them(column, marks, tally.missing.count + held.count, rows),
                held.count,
                held.first,
            )
        )
    if others:
        bad = _together(held for _, held in others)
        counts = _meant(Counter({reason: held.count for reason, held in others}), column)
        reason = counts.most_common(1)[0][0]
        verb = "is" if bad.count == 1 else "are"
        findings.append(
            Finding(
                "type",
                column.name,
                f"{_cells(bad.count)} {verb} not of type {column.type}{_why(counts)}",
                wanted,
                _other_format(column, tally.date_formats)
                if reason is Reason.DATE_FORMAT and tally.date_formats
                else reason.remedy,
                bad.count,
                bad.first,
            )
        )
    return findings


def _groups_finding(column: ColumnContract, rows: list[int]) -> Finding:
    verb = "has" if len(rows) == 1 else "have"
    return Finding(
        "type",
        column.name,
        f"{_cells(len(rows))} {verb} a point before exactly three figures, and no whole number is "
        "longer without one: decimals or thousands",
        "whole numbers that can be read in one way",
        'set thousands: "." at the column in model.yml if 12.000 means twelve thousand, '
        'decimal: "." if it means twelve',
        len(rows),
        tuple(rows[:_SHOWN]),
    )


def _other_format(column: ColumnContract, read_all: Sequence[str]) -> str:
    """What to write where other formats read every cell: one, or whichever is meant."""
    named = " or ".join(f'format: "{form}"' for form in read_all[:_SHOWN])
    reads = "which reads every cell" if len(read_all) == 1 else "whichever is meant"
    return f"write {named} at data.columns.{column.name} in model.yml, {reads}"


def _meant(counts: Counter[Reason], column: ColumnContract) -> Counter[Reason]:
    """Reasons, with those that one cell leaves open decided by the whole column where it can."""
    thousands, decimal = counts[Reason.THOUSANDS_COMMA], counts[Reason.DECIMAL_COMMA]
    points = counts[Reason.THOUSANDS_POINT]
    decided = None
    if (thousands or column.type == "integer") and not decimal:
        decided = Reason.THOUSANDS_COMMA
    elif decimal and not thousands:
        decided = Reason.DECIMAL_COMMA
    found: Counter[Reason] = Counter()
    for reason, count in counts.items():
        if not count:
            continue
        meant = decided if reason is Reason.COMMA and decided is not None else reason
        if meant is Reason.DECIMAL_COMMA and points:
            meant = Reason.THOUSANDS_POINT  # whose remedy names both signs
        found[meant] += count
    return found


def _why(counts: Counter[Reason]) -> str:
    """After the count of cells: why they are not of the type, unless they are just other text."""
    if set(counts) == {Reason.TEXT}:
        return ""
    if len(counts) == 1:
        return f", {next(iter(counts)).words}"
    parts = [f"{count:,} {reason.words}" for reason, count in counts.most_common(_SHOWN)]
    return f": {'; '.join(parts)}"


def _limit_finding(
    column: ColumnContract, test: CellTest, failed: Rows, tally: ColumnTally, rows: int
) -> Finding:
    value, remedy = f"{_cells(failed.count)} {test.words}", test.remedy
    missing = tally.missing.count + failed.count
    if test.name == "range":
        end = tally.smallest if "below" in test.words else tally.largest
        value += _end(end, column, below="below" in test.words)
        if end in NUMBER_MARKS:
            remedy = _name_them(column, [f"{end:g}"], missing, rows)
    if test.name == "values" and tally.unlisted:
        marks = [found.shown for found in tally.unlisted if found.is_mark]
        parts = [
            _differing(found.words, found.shown, count)
            for found, count in tally.unlisted.most_common(_SHOWN)
        ]
        value += f": {'; '.join(parts)}"
        if marks:
            remedy = _name_them(column, marks, missing, rows)
            remedy += "; if it is an answer of its own, add it to the column's values"
        elif tally.unlisted.total() == failed.count:
            remedy = _SPELLING
    return Finding(
        test.name, column.name, value, test.limit(column), remedy, failed.count, failed.first
    )


def _differing(words: str, shown: str, count: int) -> str:
    return f'{count:,} {words} "{shown}"'


def _end(end: float, column: ColumnContract, *, below: bool) -> str:
    """The end of the column's numbers in two figures: enough to see another unit, not a row."""
    shown = end if end in NUMBER_MARKS else float(f"{end:.2g}")
    limit = column.minimum if below else column.maximum
    if limit is None or (shown >= limit if below else shown <= limit) or not math.isfinite(end):
        return ""
    about = "" if end in NUMBER_MARKS else "about "
    return f", the {'smallest' if below else 'largest'} {about}{shown:,.12g}"


def _name_them(column: ColumnContract, marks: Iterable[str], missing: int, rows: int) -> str:
    """What to write where marks mean missing; so many cells are missing then."""
    words = json.dumps([*column.missing, *marks], ensure_ascii=False)
    enough = 100 * missing <= column.max_missing_percent * rows
    share = "" if enough else f" and {_share(missing, rows)}"
    return (
        f"if that means missing, write missing: {words}{share} at data.columns.{column.name} in "
        "model.yml"
    )


def _share(missing: int, rows: int) -> str:
    """The setting that lets so many cells be missing, in whole percent."""
    return f"max_missing_percent: {math.ceil(100 * missing / rows)}"


def _quoted(marks: Iterable[str]) -> str:
    return " or ".join(f'"{mark}"' for mark in marks)


def _together(several: Iterable[Rows]) -> Rows:
    """The rows of all, the first of them first."""
    parts = list(several)
    first = sorted(row for rows in parts for row in rows.first)
    return Rows(sum(rows.count for rows in parts), tuple(first[:_SHOWN]))


def _cells(count: int) -> str:
    return f"{count:,} cell{'s' if count != 1 else ''}"


def _s(count: int) -> str:
    return "s" if count == 1 else ""

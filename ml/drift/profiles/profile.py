"""The reference profile: fitted once per model version, small, mergeable, used by every check."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pyarrow as pa

from ml.drift.counting.columns import Column, HistoryKind, Layout, Summary
from ml.drift.counting.grid import Grid
from ml.drift.counting.numeric import NumericSummary
from ml.drift.counting.scan import COLUMNS_AT_ONCE, Scan, scan_source
from ml.drift.errors import DriftInputError, TypesWidenedError
from ml.drift.readers.opening import open_source
from ml.drift.readers.source import Source
from ml.drift.reference.column_reference import ColumnReference, Past
from ml.drift.reference.null import DRAWS, DistanceNull
from ml.drift.reference.overdispersion import (
    BLOCK_LENGTHS,
    DAY_LENGTHS,
    Overdispersion,
    UnitSquares,
    is_weekly,
    learn,
)
from ml.drift.result import Kind, Role
from ml.drift.statistics.distance import draw_nulls
from ml.drift.statistics.registry import all_statistics

_HEAD_ROWS: Final = 4_096


@dataclass(frozen=True, slots=True)
class Profile:
    """A summary of a training set; `name` identifies it, such as a model version."""

    name: str
    rows: int
    layout: Layout
    history: HistoryKind
    references: tuple[ColumnReference, ...]

    @classmethod
    def fit(
        cls,
        data: Any,
        *,
        name: str = "reference",
        time_column: str | None = None,
        ignore: Collection[str] = (),
        categories: Collection[str] = (),
        roles: Mapping[str, Role] | None = None,
        history: HistoryKind | None = None,
        threads: int = 1,
        draws: int = DRAWS,
    ) -> "Profile":
        """Profile a training set in one pass, in memory that does not grow with its rows.

        Args:
            data: a path, a folder, several paths, an Arrow table or a pandas DataFrame.
            name: identifies the training set, such as a model version.
            time_column: holds the day of each row, in UTC; not compared itself.
            ignore: columns left out, such as row ids.
            categories: columns of numbers that are codes.
            roles: which columns are predictions or labels; the others are features.
            history: by default days if there is a time column, else blocks of rows.
            threads: for reading.
            draws: for simulating the null; fewer are faster and give rougher limits.

        Raises:
            DriftInputError: the data cannot be read, or a named column does not exist.
        """
        source = open_source(data)
        layout = fit_layout(
            source, time_column=time_column, ignore=ignore, categories=categories, roles=roles
        )
        if history is None:
            history = HistoryKind.DAYS if time_column else HistoryKind.BLOCKS
        if history is HistoryKind.DAYS and not time_column:
            raise DriftInputError("a history of days needs a time_column")
        found = scan_source(source, layout, history=history, threads=threads)
        better = _refitted(layout, found)
        if better.columns:
            again = scan_source(source, better, history=history, threads=threads)
            found.summaries |= again.summaries
            layout = layout.replaced(better.columns)
        return cls.of_scan(
            found,
            layout,
            name=name,
            history=history,
            draws=draws,
        )

    @classmethod
    def of_scan(
        cls,
        found: Scan,
        layout: Layout,
        *,
        name: str,
        history: HistoryKind,
        draws: int = DRAWS,
    ) -> "Profile":
        """Make a profile of one scan, or of several merged ones."""
        if found.rows == 0:
            raise DriftInputError("the reference has no rows; give the rows of the training set")
        references = make_references(layout.columns, found.summaries, draws=draws)
        return cls(
            name=name, rows=found.rows, layout=layout, history=history, references=references
        )

    def __getitem__(self, name: str) -> ColumnReference:
        return next(r for r in self.references if r.column.name == name)

    def describe(self) -> list[str]:
        """One line for each special column: why it is special, and which part of it is judged."""
        return [note for reference in self.references if (note := note_of(reference))]


def _refitted(layout: Layout, found: Scan) -> Layout:
    """A layout with better grids for columns whose first rows do not represent the rest."""
    columns = []
    for column in layout.columns:
        summary = found.summaries.get(column.name)
        if column.grid is None or not isinstance(summary, NumericSummary) or not summary.finite:
            continue
        grid = Grid.refit(column.grid, *summary.quantile(0.25, 0.5, 0.75))
        if grid is not column.grid:
            columns.append(replace(column, grid=grid))
    return replace(layout, columns=tuple(columns))


def note_of(reference: ColumnReference) -> str:
    """A note that qualifies a column's verdict; empty for an ordinary column."""
    name, summary = reference.column.name, reference.summary
    note = ""
    if summary.rows == summary.missing:
        note = "no value in the reference; judged by its missing share only"
    elif not isinstance(summary, NumericSummary):
        if summary.is_text:
            note = "more than 1,000 different texts; judged by its missing share only"
    elif reference.column.kind is Kind.DATE:
        note = "dates move with the calendar; judged by its missing share only"
    elif summary.is_constant:
        note = f"constant {summary.lowest:g} in the reference; any other value is new"
    elif summary.infinite:
        note = f"{summary.infinite:,} infinite values in the reference, counted as missing"
    return f"{name}: {note}" if note else ""


def _head(source: Source) -> pa.RecordBatch | None:
    """The first rows; a few columns at a time where the source allows it."""
    if source.rows is None:
        return next(source.batches(rows=_HEAD_ROWS), None)
    names, columns = list(source.names), []
    for i in range(0, len(names), COLUMNS_AT_ONCE):
        part = next(source.batches(names[i : i + COLUMNS_AT_ONCE], rows=_HEAD_ROWS), None)
        if part is None:
            return None
        columns += part.columns
    length = min((len(column) for column in columns), default=0)
    return pa.RecordBatch.from_arrays([column[:length] for column in columns], names)


def fit_layout(
    source: Source,
    *,
    time_column: str | None = None,
    ignore: Collection[str] = (),
    categories: Collection[str] = (),
    roles: Mapping[str, Role] | None = None,
) -> Layout:
    """Take kinds and grids from the first rows of a source.

    Raises:
        DriftInputError: there are no rows.
    """
    while True:
        try:
            head = _head(source)
        except TypesWidenedError:
            continue
        if head is None:
            raise DriftInputError("the reference has no rows; give the rows of the training set")
        return Layout.fit(
            head, time_column=time_column, ignore=ignore, categories=categories, roles=roles
        )


def make_references(
    columns: Sequence[Column], summaries: Mapping[str, Summary], *, draws: int = DRAWS
) -> tuple[ColumnReference, ...]:
    """Simulate the nulls of all columns and estimate their overdispersion together."""
    return learn_references(columns, summaries, draw_nulls(summaries, draws=draws))


def learn_references(
    columns: Sequence[Column],
    summaries: Mapping[str, Summary],
    nulls: Mapping[str, DistanceNull],
) -> tuple[ColumnReference, ...]:
    """Estimate the overdispersion of all columns together, given their nulls."""
    references = [
        ColumnReference(column, summaries[column.name], nulls.get(column.name))
        for column in columns
    ]
    pasts = [Past.of(reference.summary) for reference in references]
    lengths = DAY_LENGTHS if any(past.days for past in pasts) else BLOCK_LENGTHS
    by_length = [_learnt(references, pasts, length=length) for length in lengths]
    by_weekday = _learnt(references, pasts, length=None)
    return tuple(
        _with_past(
            reference,
            past,
            {name: [v[name][i] for v in by_length if v[name][i].units] for name in by_weekday},
            {name: of_all[i] for name, of_all in by_weekday.items()},
        )
        for i, (reference, past) in enumerate(zip(references, pasts, strict=True))
    )


def _learnt(
    references: Sequence[ColumnReference],
    pasts: Sequence[Past],
    *,
    length: int | None,
) -> dict[str, list[Overdispersion]]:
    """Overdispersion of every column, by statistic; length None means days of one weekday.

    The units of one column at a time, since they are large.
    """
    squares: dict[str, list[UnitSquares | None]] = {
        one.name: [] for one in all_statistics() if one.has_past
    }
    for reference, past in zip(references, pasts, strict=True):
        units = past.units_by_weekday() if length is None else past.units(length)
        for one in all_statistics():
            if one.has_past:
                squares[one.name].append(one.unit_squares(reference, units))
    return {name: learn(of_all, length=length or 1) for name, of_all in squares.items()}


def _with_past(
    reference: ColumnReference,
    past: Past,
    overdispersion: Mapping[str, Sequence[Overdispersion]],
    same_weekday: Mapping[str, Overdispersion],
) -> ColumnReference:
    """Add the past; the first statistic with an estimate tells whether the column is weekly."""
    values = [one.name for one in all_statistics() if one.has_past and one.is_effect_size]
    lead = next((name for name in values if overdispersion[name]), None)
    weekly = lead is not None and is_weekly(
        overdispersion[lead][0], same_weekday[lead], days=len(past.days)
    )
    return replace(
        reference,
        overdispersion=overdispersion,
        same_weekday={name: [one] for name, one in same_weekday.items()} if weekly else {},
        unit_rows=past.unit_rows,
    )

"""The columns that are compared: how each is counted, and how its Arrow values are read."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml.drift.counting.category import CategorySummary
from ml.drift.counting.grid import Grid
from ml.drift.counting.history import Blocks, Days
from ml.drift.counting.numeric import NumericSummary
from ml.drift.errors import DriftInputError
from ml.drift.result import Kind, Role

_DAY_SECONDS: Final = 86_400
Summary = NumericSummary | CategorySummary


class HistoryKind(StrEnum):
    """The units into which the history of the reference is cut."""

    NONE = "none"
    BLOCKS = "blocks"
    DAYS = "days"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the reference."""

    name: str
    kind: Kind
    role: Role = Role.FEATURE
    grid: Grid | None = None

    def summary(self, history: HistoryKind, rows: int | None) -> Summary:
        """An empty summary of this column; `rows` is the length of the file, None if unknown."""
        past: Blocks | Days | None = None
        if history is HistoryKind.BLOCKS:
            past = Blocks.for_rows(rows)
        elif history is HistoryKind.DAYS:
            past = Days()
        if self.kind is Kind.CATEGORY:
            return CategorySummary(history=past)
        return NumericSummary(grid=self.grid or Grid(center=0.0, scale=1.0), history=past)


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of the reference in its order; `time_column` holds the day of each row."""

    columns: tuple[Column, ...]
    time_column: str | None = None

    @classmethod
    def fit(
        cls,
        head: pa.RecordBatch,
        *,
        time_column: str | None = None,
        ignore: Collection[str] = (),
        categories: Collection[str] = (),
        roles: Mapping[str, Role] | None = None,
    ) -> "Layout":
        """Take kinds from the types and grids from the values of the first rows.

        Raises:
            DriftInputError: a named column does not exist; no column is left to compare.
        """
        roles = roles or {}
        named = {*ignore, *categories, *roles, *([time_column] if time_column else [])}
        unknown = sorted(named - set(head.schema.names))
        if unknown:
            raise DriftInputError(
                f"no column {', '.join(unknown)}; the file has {', '.join(head.schema.names)}"
            )
        if time_column:
            to_days(
                head.column(time_column)
            )  # refuses a column without dates before the rest is read
        columns = tuple(
            _column(
                name,
                head.column(name),
                role=roles.get(name, Role.FEATURE),
                forced=name in categories,
            )
            for name in head.schema.names
            if name not in ignore and name != time_column
        )
        if not columns:
            raise DriftInputError("no column is left to compare; ignore fewer of them")
        return cls(columns=columns, time_column=time_column)

    def replaced(self, columns: Sequence[Column]) -> "Layout":
        """The same columns in the same order, some of them replaced."""
        better = {column.name: column for column in columns}
        return replace(self, columns=tuple(better.get(c.name, c) for c in self.columns))

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)


def _column(name: str, values: pa.Array, *, role: Role, forced: bool) -> Column:
    kind = Kind.CATEGORY if forced else kind_of(values.type)
    if kind in {Kind.NUMBER, Kind.DATE}:
        sample = to_numbers(values).values
        return Column(name, kind, role, Grid.fit(np.asarray(sample)))
    return Column(name, kind, role)


def kind_of(arrow_type: pa.DataType) -> Kind:
    """How a column of this Arrow type is counted.

    Raises:
        DriftInputError: a nested or binary column; leave it out or flatten it.
    """
    t = pa.types
    if t.is_dictionary(arrow_type):
        return kind_of(arrow_type.value_type)
    if t.is_null(arrow_type):
        return Kind.EMPTY
    if t.is_boolean(arrow_type) or t.is_string(arrow_type) or t.is_large_string(arrow_type):
        return Kind.CATEGORY
    if t.is_integer(arrow_type) or t.is_floating(arrow_type) or t.is_decimal(arrow_type):
        return Kind.NUMBER
    if t.is_temporal(arrow_type) and not t.is_interval(arrow_type):
        return Kind.DATE
    raise DriftInputError(f"a column of type {arrow_type} cannot be compared; ignore or flatten it")


@dataclass(frozen=True, slots=True)
class Numbers:
    """Values, shape (n,), NaN where missing; `unreadable` counts texts that are not numbers."""

    values: NDArray[np.float64]
    unreadable: int = 0


def to_numbers(column: pa.Array) -> Numbers:
    """Read numbers as float64, dates and times as seconds, and texts that hold numbers."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return to_numbers(column.dictionary_decode())
    if pa.types.is_float64(kind) and column.null_count == 0:
        return Numbers(_in_numpy(column, np.nan))
    if pa.types.is_null(kind):
        return Numbers(np.full(len(column), np.nan))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _from_text(column)
    if pa.types.is_temporal(kind):
        return Numbers(_seconds(column))
    return Numbers(_in_numpy(column.cast(pa.float64(), safe=False), np.nan))


def _in_numpy(column: pa.Array, missing: float) -> NDArray[Any]:
    """Convert int64 or float64 to NumPy, nulls to `missing`; without nulls nothing is copied.

    `to_numpy`, `pa.scalar` and `pa.array` import pandas wherever it is installed, which costs a
    fifth of a second of CPU and 40 MB.
    """
    if column.null_count:
        buffers = [None, pa.py_buffer(np.full(len(column), missing))]
        column = pc.coalesce(column, pa.Array.from_buffers(column.type, len(column), buffers))
    found: NDArray[Any] = np.from_dlpack(column)
    return found


def _seconds(column: pa.Array) -> NDArray[np.float64]:
    """Dates and timestamps as seconds since 1970, times and durations as seconds."""
    kind = column.type
    if pa.types.is_date(kind):
        column = column.cast(pa.timestamp("s"))
        kind = column.type
    if pa.types.is_time(kind):
        per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
        whole = column.cast(pa.int32() if pa.types.is_time32(kind) else pa.int64())
    else:
        per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
        whole = column.cast(pa.int64())
    return _in_numpy(whole.cast(pa.float64(), safe=False), np.nan) / per_second


def _from_text(column: pa.Array) -> Numbers:
    try:
        cast = column.cast(pa.float64())
    except pa.ArrowInvalid:
        texts = column.to_pylist()
        values = np.array([_number(text) for text in texts], np.float64)
        given = len(texts) - column.null_count
        return Numbers(values, unreadable=given - int(np.count_nonzero(~np.isnan(values))))
    return Numbers(_in_numpy(cast, np.nan))


def _number(text: str | None) -> float:
    try:
        return float(text) if text is not None else float("nan")
    except ValueError:
        return float("nan")


def to_categories(column: pa.Array) -> tuple[Sequence[str], NDArray[np.int64]]:
    """The distinct values as text, and each row's index into them, -1 where missing."""
    if not pa.types.is_dictionary(column.type):
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            column = column.cast(pa.string())
        column = column.dictionary_encode()
    values = column.dictionary.cast(pa.string()).to_pylist()
    return values, _in_numpy(column.indices.cast(pa.int64()), -1)


def _moments(column: pa.Array) -> pa.Array:
    """Parse ISO texts, either all with an offset or all without."""
    try:
        return column.cast(pa.timestamp("us", "UTC"))
    except pa.ArrowInvalid:
        return column.cast(pa.timestamp("us"))


def to_days(column: pa.Array) -> NDArray[np.int64]:
    """UTC days since 1970 of dates, timestamps or ISO text; -1 where missing.

    Raises:
        DriftInputError: the column holds something else.
    """
    try:
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            column = _moments(column)
        if not (pa.types.is_timestamp(column.type) or pa.types.is_date(column.type)):
            raise DriftInputError(
                f"the time column is of type {column.type}; give dates, timestamps or ISO text"
            )
        seconds = _seconds(column)
    except pa.ArrowInvalid as error:
        raise DriftInputError(f"the time column cannot be read: {error}; give ISO dates") from error
    return np.where(np.isnan(seconds), -1, np.floor(np.nan_to_num(seconds) / _DAY_SECONDS)).astype(
        np.int64
    )

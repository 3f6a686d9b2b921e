"""Which columns are compared, as what, and on which grid: fixed by the reference."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import pyarrow as pa

from ml.drift.counting.arrow import to_days, to_numbers
from ml.drift.counting.category import CategorySummary
from ml.drift.counting.grid import Grid
from ml.drift.counting.numeric import NumericSummary
from ml.drift.counting.units import Blocks, Days
from ml.drift.errors import DriftInputError

Summary = NumericSummary | CategorySummary


class Kind(StrEnum):
    """How a column is counted."""

    NUMBER = "number"
    CATEGORY = "category"  # text and booleans; too many different values: free text
    DATE = "date"  # counted as seconds since 1970; judged by its missing share only
    EMPTY = "empty"  # no value in the reference: only its missing share can be judged


class Role(StrEnum):
    """What a column is to the model."""

    FEATURE = "feature"
    PREDICTION = "prediction"
    LABEL = "label"


class HistoryKind(StrEnum):
    """What the reference's own past is cut into."""

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
        """An empty summary for this column; rows where the length of the file is known."""
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
    """The columns in the order of the reference; `time_column` gives rows their day."""

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
        """Kinds from the types, grids from the values of the first rows.

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
            to_days(head.column(time_column))  # refuses what is no date before anything is read
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

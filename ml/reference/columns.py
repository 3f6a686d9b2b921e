"""Reads cells alike for the reference and for production: 1, 1.0 and "1" are one category."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml.collected_data import PREDICTION
from ml.drift import Kind
from ml.model_config import MISSING_WORDS, ColumnContract

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from ml.drift.counting.columns import Column
    from ml.model_config import ModelConfig

_MOST_TEXT: Final = 1_000
_MOST_INTEGER_BITS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Comparable:
    """A column as reference and production are counted.

    Args:
        contract: how its cells are read.
        is_number: float64 for the engine, else text.
    """

    name: str
    contract: ColumnContract
    is_number: bool

    @classmethod
    def of_model(cls, name: str, config: ModelConfig) -> Comparable:
        """A feature or the target as model.yml has it; `prediction` is read as the target is."""
        source = config.column(config.target if name == PREDICTION else name)
        return cls._of(name, source, is_number=source.numeric)

    @classmethod
    def of_profile(cls, column: Column, config: ModelConfig) -> Comparable:
        """A column of a reference, which decides: model.yml may have changed since."""
        name = config.target if column.name == PREDICTION else column.name
        source = config.data.columns.get(name)
        is_number = column.kind is Kind.NUMBER
        if source is None or source.numeric != is_number:
            source = ColumnContract(name, "number" if is_number else "category")
        return cls._of(column.name, source, is_number=is_number)

    @classmethod
    def of_row_id(cls, name: str) -> Comparable:
        """Row ids are text: 7, 7.0 and "7" are one row, and a long one is not rounded."""
        return cls(name, ColumnContract(name, "text"), is_number=False)

    @classmethod
    def _of(cls, name: str, source: ColumnContract, *, is_number: bool) -> Comparable:
        # A fraction in a column of whole numbers is still a number, and it may drift.
        contract = ColumnContract(name, "number") if is_number else replace(source, name=name)
        return cls(name, contract, is_number)

    @property
    def type(self) -> pa.DataType:
        """Arrow's."""
        return pa.float64() if self.is_number else pa.string()


@dataclass(frozen=True, slots=True)
class Cells:
    """One column of some rows; `unreadable` cells had a value but count as missing."""

    array: pa.Array
    unreadable: int


def cells_of_json(values: Sequence[Any], column: Comparable) -> Cells:
    """Cells as JSON gives them, one a row; pandas is asked only where one of them is odd.

    Args:
        values: None, numbers, texts, booleans, lists and objects.
        column: says what they are.
    """
    try:
        if column.is_number:
            return Cells(pa.array(values, pa.float64()), 0)
        if column.contract.type != "date":
            return Cells(_plain_texts(pa.array(values), column), 0)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError):
        pass  # cells of several types, or of a type that is odd here
    import pandas as pd  # noqa: PLC0415 - large, and seldom needed

    return cells_of(pd.Series(values, dtype=object), column)


def _plain_texts(values: pa.Array, column: Comparable) -> pa.Array:
    """Whole numbers, or texts where they are not read as numbers.

    Raises:
        ArrowInvalid: anything else, or a text that is too long.
    """
    if pa.types.is_null(values.type):
        return values.cast(pa.string())
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        return values.cast(pa.int64()).cast(pa.string())
    is_read_as_text = column.contract.type in {"category", "text"}
    if not (is_read_as_text and pa.types.is_string(values.type)):
        raise pa.ArrowInvalid(f"{values.type} in a column of type {column.contract.type}")
    if (pc.max(pc.binary_length(values)).as_py() or 0) > _MOST_TEXT:
        raise pa.ArrowInvalid("a text is too long")
    missing = pc.is_in(values, value_set=pa.array(MISSING_WORDS))
    return pc.if_else(missing, pa.scalar(None, pa.string()), values)


def cells_of(values: pd.Series, column: Comparable) -> Cells:
    """Raw cells of whatever type as the engine counts them.

    Args:
        values: text from CSV, any type from Parquet or JSON.
        column: says what they are.
    """
    from ml.data_tests.typed import typed  # noqa: PLC0415 - pandas, as above

    scalars = values
    if values.dtype == object:
        scalars = values.map(_scalar)
    refused = scalars.isna() & values.notna()
    found = typed(scalars, column.contract)
    unreadable = int(refused.sum()) + int(found.bad.sum())
    if column.is_number:
        return Cells(pa.array(found.cells.to_numpy(np.float64)), unreadable)
    return Cells(_texts(found.cells), unreadable)


def _scalar(value: Any) -> Any:
    """None for what is not a cell of a table: lists, objects, integers beyond any float."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value  # 1.0 and 1 are written alike
    if isinstance(value, int) and value.bit_length() > _MOST_INTEGER_BITS:
        return None
    return None if isinstance(value, list | dict) else value


def _texts(cells: pd.Series) -> pa.Array:
    """Cells as text; whole numbers without a fraction, unpaired surrogates replaced."""
    if cells.dtype.kind == "f":
        texts = [None if np.isnan(value) else f"{value:.15g}" for value in cells]
    else:
        texts = [None if value is None else _text(str(value)) for value in _nones(cells)]
    return pa.array(texts, pa.string())


def _nones(cells: pd.Series) -> Sequence[Any]:
    return list(cells.where(cells.notna(), None))


def _text(value: str) -> str:
    return value[:_MOST_TEXT].encode("utf-8", "replace").decode("utf-8")

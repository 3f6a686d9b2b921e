"""Reads cells alike for the reference and for production: 1, 1.0 and "1" are one category."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from ml.collected_data import PREDICTION
from ml.drift import Kind
from ml.model_config import MISSING_WORDS, ColumnContract

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from ml.drift.counting.columns import Column
    from ml.model_config import ModelConfig

_NUMBERS: Final = frozenset({float, int, bool, type(None)})
_WHOLE_NUMBERS: Final = frozenset({float, int, type(None)})
_TEXTS: Final = frozenset({str, type(None)})
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
    """Read cells of JSON, one a row; pandas is imported only for unusual ones.

    Args:
        values: None, numbers, texts, booleans, lists and objects.
        column: says what they are.
    """
    types = set(map(type, values))
    try:
        if column.is_number and types <= _NUMBERS:
            return Cells(_numbers_to_arrow(np.array(values, np.float64)), 0)
        if not column.is_number and column.contract.type != "date":
            return Cells(_texts_to_arrow(_plain_texts(values, types, column)), 0)
    except (ValueError, OverflowError):
        pass  # several types, an unusual type, or too large
    import pandas as pd  # noqa: PLC0415 - large, and seldom needed

    return cells_of(pd.Series(values, dtype=object), column)


def _plain_texts(values: Sequence[Any], types: set[type], column: Comparable) -> list[str | None]:
    """Texts of whole numbers, or of texts in a column that is not read as numbers.

    Raises:
        ValueError: there are other cells, or a text is too long.
    """
    if types <= _WHOLE_NUMBERS:
        return [None if value is None else _whole(value) for value in values]
    if column.contract.type not in {"category", "text"} or not types <= _TEXTS:
        raise ValueError(types)
    if any(value and len(value) > _MOST_TEXT for value in values):
        raise ValueError(_MOST_TEXT)
    return [None if value in MISSING_WORDS else value for value in values]


def _whole(value: float) -> str:
    whole = int(value)
    if value != whole or whole.bit_length() > _MOST_INTEGER_BITS:
        raise ValueError(value)
    return str(whole)


# Arrays are made of buffers, since `pa.array` imports pandas: 40 MB and 0.2 s of CPU.
def _numbers_to_arrow(values: NDArray[np.float64]) -> pa.Array:
    return pa.Array.from_buffers(pa.float64(), len(values), [None, pa.py_buffer(values)])


def _texts_to_arrow(texts: Sequence[str | None]) -> pa.Array:
    """Texts as an Arrow array; None becomes null.

    Raises:
        UnicodeEncodeError: a text has an unpaired surrogate.
    """
    encoded = [b"" if text is None else text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    there = np.packbits([text is not None for text in texts], bitorder="little")
    buffers = [pa.py_buffer(there), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(texts), buffers)


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

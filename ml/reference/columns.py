"""Reads cells the same way for reference and production: 1, 1.0 and "1" are one category."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from ml.cells import Refusal, reader_of
from ml.cells.cell import as_text
from ml.collected_data import PREDICTION
from ml.drift import Kind
from ml.model_config import ColumnContract

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from ml.drift.counting.columns import Column
    from ml.model_config import ModelConfig

_NUMBERS: Final = frozenset({float, int, type(None)})
_MOST_TEXT: Final = 1_000


@dataclass(frozen=True, slots=True)
class Comparable:
    """How a column is counted in both reference and production.

    Args:
        contract: how its cells are read.
        is_number: float64 for the engine, else text.
        is_id: identifies rows; no digit of it is rounded.
    """

    name: str
    contract: ColumnContract
    is_number: bool
    is_id: bool = False

    @classmethod
    def of_model(cls, name: str, config: ModelConfig) -> Comparable:
        """A feature or the target, as in model.yml; `prediction` is read like the target."""
        source = config.column(config.target if name == PREDICTION else name)
        return cls._of(name, source, is_number=source.numeric)

    @classmethod
    def of_profile(cls, column: Column, config: ModelConfig) -> Comparable:
        """A column of a reference, which takes precedence: model.yml may have changed since."""
        name = config.target if column.name == PREDICTION else column.name
        names = config.data.all_names(name)
        source = next((c for n in names if (c := config.data.columns.get(n))), None)
        is_number = column.kind is Kind.NUMBER
        if source is None or source.numeric != is_number:
            source = ColumnContract(name, "number" if is_number else "category")
        return cls._of(column.name, source, is_number=is_number)

    @classmethod
    def of_row_id(cls, contract: ColumnContract) -> Comparable:
        """Row ids are compared as text: 7, 7.0 and "7" are one row."""
        return cls(contract.name, contract, is_number=False, is_id=True)

    @classmethod
    def _of(cls, name: str, source: ColumnContract, *, is_number: bool) -> Comparable:
        if is_number and source.type == "integer":
            # A fraction in a column of whole numbers is still a number, and it may drift.
            source = replace(source, type="number")
        return cls(name, replace(source, name=name, former=()), is_number)

    @property
    def type(self) -> pa.DataType:
        """The Arrow type of its cells."""
        return pa.float64() if self.is_number else pa.string()


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of one column; the `unreadable` ones had a value but count as missing."""

    array: pa.Array
    unreadable: int


def cells_of_json(values: Sequence[Any], column: Comparable) -> Cells:
    """Read cells of JSON, one a row; pandas is imported for dates and very long numbers only.

    Args:
        values: None, numbers, texts, booleans, lists and objects.
        column: says what they are.
    """
    reader = reader_of(column.contract)
    plain = column.contract.type == "number" and not reader.missing_numbers
    if column.is_number and plain and _NUMBERS.issuperset(map(type, values)):
        try:
            return Cells(_numbers_to_arrow(np.array(values, np.float64)), 0)
        except OverflowError:
            pass  # one is beyond any float: it is refused below, the others are not
    places: dict[Any, int] = {}
    distinct: list[Any] = []
    rows: list[int] = []
    for value in values:
        # 1 and True are equal and do not mean the same; lists have no hash.
        key = (type(value), None if isinstance(value, list | dict) else value)
        place = places.setdefault(key, len(places))
        if place == len(distinct):
            distinct.append(value)
        rows.append(place)
    answers = [(reader.identity if column.is_id else reader.read)(value) for value in distinct]
    refused = [isinstance(answer, Refusal) for answer in answers]
    unreadable = sum(refused[row] for row in rows)
    read = [None if bad else answer for answer, bad in zip(answers, refused, strict=True)]
    if column.is_number:
        numbers = np.array([*read, np.nan], np.float64)[rows]
        return Cells(_numbers_to_arrow(numbers), unreadable)
    texts = [None if answer is None else _text(answer) for answer in read]
    return Cells(_texts_to_arrow([texts[row] for row in rows]), unreadable)


# Arrays are made of buffers, since `pa.array` imports pandas: 40 MB and 0.2 s of CPU.
def _numbers_to_arrow(values: NDArray[np.float64]) -> pa.Array:
    return pa.Array.from_buffers(pa.float64(), len(values), [None, pa.py_buffer(values)])


def _texts_to_arrow(texts: Sequence[str | None]) -> pa.Array:
    """Texts as an Arrow array; None becomes null."""
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
    if column.is_id:
        return cells_of_json(values.tolist(), column)
    from ml.cells.columns import read_column  # noqa: PLC0415 - pandas, as above

    found = read_column(values, column.contract)
    unreadable = int(found.bad.sum())
    if column.is_number:
        return Cells(pa.array(found.cells.to_numpy(np.float64)), unreadable)
    there = found.cells.notna()
    texts = [_text(cell) if held else None for cell, held in zip(found.cells, there, strict=True)]
    return Cells(_texts_to_arrow(texts), unreadable)


def _text(value: Any) -> str:
    """As a reference has it: whole numbers without a fraction, unpaired surrogates replaced."""
    text = value if isinstance(value, str) else as_text(value) or ""
    return text[:_MOST_TEXT].encode("utf-8", "replace").decode("utf-8")

"""Raw columns -> typed columns with pandas: cell by cell what `ml.cells.cell` defines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd

from ml.cells.cell import reader_of
from ml.cells.dates import dates_of
from ml.cells.notation import FEWEST_LOST, SHORT
from ml.cells.reasons import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ml.cells.cell import CellReader
    from ml.model_config import ColumnContract

_TEXTS: Final = frozenset({"string", "empty"})
_DATES: Final = frozenset({"date", "datetime", "empty"})


class TypedColumn(NamedTuple):
    """A converted column; the masks tell cells that are `missing` from `bad` ones of another type.

    Numbers and integers are float64, dates datetime64, all else text. Both kinds of cells are NaN,
    NaT or None in `cells`. `refusals` has the Refusal of each bad
    cell, and no other row.
    """

    cells: pd.Series
    missing: pd.Series
    bad: pd.Series
    refusals: pd.Series


def read_column(values: pd.Series, contract: ColumnContract) -> TypedColumn:
    """Convert one column.

    Args:
        values: raw cells: text from CSV, any dtype from Parquet or JSON.
        contract: says the type wanted.
    """
    reader = reader_of(contract)
    if reader.is_number:
        return _numbers(values, reader)
    if reader.is_date:
        return _dates(values, reader)
    return _texts(values, reader)


def read_frame(raw: pd.DataFrame, columns: Mapping[str, ColumnContract]) -> pd.DataFrame:
    """The named columns, converted; cells of the wrong type become missing."""
    return pd.DataFrame(
        {name: read_column(raw[name], contract).cells for name, contract in columns.items()},
        index=raw.index,
    )


def allowed_values(contract: ColumnContract) -> Sequence[object]:
    """The contract's values in the type that `read_column` gives; empty where it lists none."""
    values = contract.categories or ()
    return [float(value) for value in values] if contract.type == "integer" else values


def _numbers(values: pd.Series, reader: CellReader) -> TypedColumn:
    if values.dtype.kind in "iuf":
        return _of_numbers(values, reader)
    if not reader.notation.is_plain or not _all_text(values):
        return _cell_by_cell(values, reader, np.dtype(np.float64))
    parsed = pd.to_numeric(values, errors="coerce")
    numbers = np.array(parsed, dtype=np.float64)
    again = np.isnan(numbers) | np.isin(numbers, list(reader.missing_numbers))
    if reader.contract.type == "integer":
        finite = np.where(np.isfinite(numbers), numbers, 0)
        again |= (finite % 1 != 0) | (np.abs(finite) >= FEWEST_LOST)
    if parsed.dtype.kind == "f":
        again[_long_whole(values)] = True
    missing, bad = np.zeros((2, len(numbers)), bool)
    if not again.any():
        return _typed(values.index, numbers, missing, bad, [])
    rest = _cell_by_cell(values[again], reader, numbers.dtype)
    numbers[again], missing[again], bad[again] = rest.cells, rest.missing, rest.bad
    return _typed(values.index, numbers, missing, bad, rest.refusals.to_list())


def _long_whole(values: pd.Series) -> list[int]:
    """Where whole numbers are so long that beside fractions pandas does not keep every digit."""
    texts = values.to_numpy()
    if max(map(len, values.dropna().to_numpy()), default=0) <= SHORT:
        return []
    return [
        row
        for row, text in enumerate(texts)
        if isinstance(text, str) and len(text) > SHORT and text.strip().lstrip("+-").isdigit()
    ]


def _of_numbers(values: pd.Series, reader: CellReader) -> TypedColumn:
    numbers = np.array(values, dtype=np.float64)
    missing = np.isnan(numbers) | np.isin(numbers, list(reader.missing_numbers))
    bad = np.zeros(len(numbers), bool)
    if reader.contract.type == "integer":
        bad = (
            ~missing & np.isfinite(numbers) & (np.where(np.isfinite(numbers), numbers, 0) % 1 != 0)
        )
    numbers[missing | bad] = np.nan
    return _typed(values.index, numbers, missing, bad, [Refusal(Reason.FRACTION)] * int(bad.sum()))


def _dates(values: pd.Series, reader: CellReader) -> TypedColumn:
    form = reader.contract.date_format
    if values.dtype.kind == "M" or _kind(values) in _DATES:
        dates = dates_of(values, form)
        missing = values.isna() | dates.isin(list(reader.missing_dates))
        bad = ~missing & dates.isna()
        why = [Refusal(Reason.DATE_FORMAT)] * int(bad.sum())
        return _typed(values.index, dates.mask(missing).array, missing, bad, why)
    if not _all_text(values):
        return _cell_by_cell(values, reader, np.dtype("datetime64[ns]"))
    codes, texts = _uniques(values)
    stripped = pd.Series([text.strip() for text in texts], dtype=object)
    dates = dates_of(stripped.mask(stripped.map(reader.means_missing).astype(bool)), form)
    again = np.flatnonzero(dates.isna() | dates.isin(list(reader.missing_dates)))
    answers: list[Any] = list(dates.array)
    for at in again:
        answers[at] = reader.read(stripped[at])
    return _spread(values.index, codes, answers, np.dtype("datetime64[ns]"))


def _texts(values: pd.Series, reader: CellReader) -> TypedColumn:
    if values.dtype.kind == "O" and not _all_text(values):
        return _cell_by_cell(values, reader, np.dtype(object))
    codes, cells = _uniques(values)
    return _spread(values.index, codes, [reader.read(cell) for cell in cells], np.dtype(object))


def _kind(values: pd.Series) -> str:
    return pd.api.types.infer_dtype(values, skipna=True) if values.dtype == object else ""


def _all_text(values: pd.Series) -> bool:
    return _kind(values) in _TEXTS or isinstance(values.dtype, pd.CategoricalDtype)


def _uniques(values: pd.Series) -> tuple[NDArray[np.intp], list[Any]]:
    """The place of each cell among the distinct ones, -1 where it is missing, and those."""
    if values.dtype != object:
        codes, distinct = pd.factorize(values)
        return codes, list(distinct.tolist())
    places: dict[Any, int] = {}  # pandas would take texts for equal that differ after a NUL
    found = [places.setdefault(cell, len(places)) for cell in values.array.tolist()]
    is_text = [isinstance(cell, str) for cell in places]
    order = np.where(is_text, np.cumsum(is_text) - 1, -1).astype(np.intp)
    return order[np.array(found, np.intp)], [cell for cell in places if isinstance(cell, str)]


def _cell_by_cell(values: pd.Series, reader: CellReader, dtype: np.dtype[Any]) -> TypedColumn:
    """Any mixture of cells; equal ones are read once."""
    places: dict[Any, int] = {}
    answers: list[Any] = []
    codes = np.empty(len(values), np.intp)
    for row, cell in enumerate(values.tolist()):
        # 1, 1.0 and True are equal and do not mean the same; lists have no hash.
        key = (type(cell), None if isinstance(cell, list | dict) else cell)
        if key not in places:
            places[key] = len(answers)
            answers.append(reader.read(cell))
        codes[row] = places[key]
    return _spread(values.index, codes, answers, dtype)


def _spread(
    index: pd.Index, codes: NDArray[np.intp], answers: Sequence[Any], dtype: np.dtype[Any]
) -> TypedColumn:
    """What was read of the distinct cells, row by row."""
    found = [None if isinstance(answer, Refusal) else answer for answer in answers]
    distinct = pd.Series([*found, None], dtype=object if dtype.kind == "O" else None).astype(dtype)
    refused = np.array([*(isinstance(answer, Refusal) for answer in answers), False])
    empty = np.array([*(answer is None for answer in answers), True])
    bad = refused[codes]
    why = [answers[place] for place in codes[bad]]
    return _typed(index, distinct.to_numpy()[codes], empty[codes], bad, why)


def _typed(
    index: pd.Index,
    cells: Any,
    missing: Any,
    bad: Any,
    refusals: Sequence[Refusal],
) -> TypedColumn:
    """Refusals are those of the bad cells, in order."""
    why = np.empty(len(refusals), object)
    why[:] = [*refusals, None][:-1]
    return TypedColumn(
        pd.Series(cells, index=index),
        pd.Series(missing, index=index),
        pd.Series(bad, index=index),
        pd.Series(why, index=index[bad]),
    )

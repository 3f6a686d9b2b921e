"""Raw cells -> typed columns: the same for data tests, training and drift checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd

from ml.model_config import MISSING_WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml.model_config import ColumnContract

MOST_EXACT: Final = 2**53 - 1  # the largest whole number that a 64-bit float tells from the next


def is_missing(values: pd.Series) -> pd.Series:
    """True where a cell is empty or one of the usual words for it."""
    missing = values.isna()
    if values.dtype == object:
        missing = missing | values.isin(MISSING_WORDS)
    return missing


class TypedColumn(NamedTuple):
    """A converted column; the masks tell cells that are `missing` from `bad` ones of another type.

    Numbers and integers are float64, dates datetime64, all else text. Both kinds of cells are NaN,
    NaT or None in `cells`.
    """

    cells: pd.Series
    missing: pd.Series
    bad: pd.Series


def typed(values: pd.Series, contract: ColumnContract) -> TypedColumn:
    """Convert one column.

    Args:
        values: raw cells: text from CSV, any dtype from Parquet or JSON.
        contract: says the type wanted.
    """
    missing = is_missing(values)
    if contract.type in {"number", "integer"}:
        numbers = pd.to_numeric(values.mask(missing), errors="coerce").astype("float64")
        bad = ~missing & numbers.isna()
        if contract.type == "integer":
            bad |= np.isfinite(numbers) & (numbers % 1 != 0)
        return TypedColumn(numbers.mask(bad), missing, bad)
    if contract.type == "date":
        dates = _dates(values.mask(missing), contract)
        return TypedColumn(dates, missing, ~missing & dates.isna())
    bad = pd.Series(data=False, index=values.index)
    return TypedColumn(_text(values).mask(missing, None), missing, bad)


def typed_frame(raw: pd.DataFrame, columns: Mapping[str, ColumnContract]) -> pd.DataFrame:
    """The named columns, converted; cells of the wrong type become missing."""
    return pd.DataFrame(
        {name: typed(raw[name], contract).cells for name, contract in columns.items()},
        index=raw.index,
    )


def allowed_values(contract: ColumnContract) -> Sequence[object]:
    """The contract's values in the type that `typed` gives; empty where it lists none."""
    values = contract.categories or ()
    return [float(value) for value in values] if contract.type == "integer" else values


def _dates(values: pd.Series, contract: ColumnContract) -> pd.Series:
    """UTC without a zone, in nanoseconds, so that dates of all files fit into one column."""
    dates = pd.to_datetime(values, format=contract.date_format, errors="coerce")
    if dates.dtype.kind != "M":  # some have a zone, some have none
        dates = pd.to_datetime(values, format=contract.date_format, errors="coerce", utc=True)
    if dates.dt.tz is not None:
        dates = dates.dt.tz_convert("UTC").dt.tz_localize(None)
    inside = (dates >= pd.Timestamp.min) & (dates <= pd.Timestamp.max)
    return dates.where(inside).dt.as_unit("ns")


def _text(values: pd.Series) -> pd.Series:
    if values.dtype == object:
        return values.astype(object).map(str, na_action="ignore")
    if values.dtype.kind == "f":
        # pandas turned whole numbers into floats because a cell was missing: write 7, not 7.0.
        return values.map(lambda cell: f"{cell:.15g}", na_action="ignore").astype(object)
    return values.astype(str).astype(object)

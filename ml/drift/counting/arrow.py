"""From an Arrow column of whatever type to what the summaries count."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml.drift.errors import DriftInputError

_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Numbers:
    """Values, shape (n,), NaN where missing; unreadable counts text that is no number."""

    values: NDArray[np.float64]
    unreadable: int = 0


def to_numbers(column: pa.Array) -> Numbers:
    """Numbers as float64; dates and times as seconds; text as far as it can be read."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return to_numbers(column.dictionary_decode())
    if pa.types.is_float64(kind) and column.null_count == 0:
        return Numbers(column.to_numpy())
    if pa.types.is_null(kind):
        return Numbers(np.full(len(column), np.nan))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _from_text(column)
    if pa.types.is_temporal(kind):
        return Numbers(_seconds(column))
    cast = column.cast(pa.float64(), safe=False)
    return Numbers(np.asarray(cast.to_numpy(zero_copy_only=False), np.float64))


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
    numbers = whole.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return np.asarray(numbers, np.float64) / per_second


def _from_text(column: pa.Array) -> Numbers:
    try:
        cast = column.cast(pa.float64())
    except pa.ArrowInvalid:
        texts = column.to_pylist()
        values = np.array([_number(text) for text in texts], np.float64)
        given = len(texts) - column.null_count
        return Numbers(values, unreadable=given - int(np.count_nonzero(~np.isnan(values))))
    return Numbers(np.asarray(cast.to_numpy(zero_copy_only=False), np.float64))


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
    indices = column.indices
    if indices.null_count:
        indices = pc.fill_null(indices.cast(pa.int64()), -1)
    return values, indices.to_numpy(zero_copy_only=False).astype(np.int64)


def _moments(column: pa.Array) -> pa.Array:
    """ISO text as timestamps, with zone offsets or all without."""
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

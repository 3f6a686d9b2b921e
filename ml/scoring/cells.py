"""The check of one column's values in a request."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ml.scoring.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ml.model_folder.signature import Column

_FLOAT32_MAX = 3.4028234663852886e38
_SHOWN_CHARACTERS = 40


def check_cells(values: Sequence[Any], column: Column) -> list[Any]:
    """The values as the column's Python type; None stays where a value may be missing.

    Raises:
        BadRequestError: the first value that does not fit, with its row number.
    """
    convert = _CONVERT[column.type]
    checked: list[Any] = []
    for row, value in enumerate(values):
        if value is None:
            if column.required:
                raise BadRequestError(
                    "missing_value",
                    f"column '{column.name}', row {row}: the value is missing; the model needs "
                    f"{_WANTED[column.type]} in every row",
                    column=column.name,
                )
            checked.append(None)
            continue
        try:
            checked.append(convert(value))
        except _NotFiniteError:
            raise BadRequestError(
                "not_finite",
                f"column '{column.name}', row {row}: {shown(value)} is not finite in this "
                f"column's type; send {_WANTED[column.type]}",
                column=column.name,
            ) from None
        except (TypeError, ValueError, OverflowError):
            raise BadRequestError(
                "wrong_type",
                f"column '{column.name}', row {row}: {shown(value)} is not "
                f"{_WANTED[column.type]}; send one",
                column=column.name,
            ) from None
    return checked


def is_text(value: object) -> bool:
    """Whether it is a text that can be written as UTF-8: JSON can name half a character."""
    return isinstance(value, str) and value == value.encode(errors="ignore").decode()


def shown(value: object) -> str:
    """A value of the caller, short enough for a message."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"


class _NotFiniteError(ValueError):
    """NaN, an infinity, or too large for the type."""


def _double(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    try:
        number = float(value)
    except OverflowError:
        raise _NotFiniteError from None
    if not math.isfinite(number):
        raise _NotFiniteError
    return number


def _float(value: Any) -> float:
    number = _double(value)
    if abs(number) > _FLOAT32_MAX:
        raise _NotFiniteError
    return number


def _whole(value: Any, *, bits: int) -> int:
    # A caller's data frame turns whole numbers into floats as soon as one value is missing.
    number = _double(value)
    if not number.is_integer():
        raise ValueError
    whole = int(value)
    if not -(2 ** (bits - 1)) <= whole < 2 ** (bits - 1):
        raise OverflowError
    return whole


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _string(value: Any) -> str:
    if not is_text(value):
        raise TypeError
    return str(value)


def _datetime(value: Any) -> datetime:
    moment = datetime.fromisoformat(_string(value))
    # numpy's type knows no zone: a moment with one is brought to UTC first.
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


_CONVERT: Mapping[str, Callable[[Any], Any]] = {
    "double": _double,
    "float": _float,
    "long": lambda value: _whole(value, bits=64),
    "integer": lambda value: _whole(value, bits=32),
    "boolean": _boolean,
    "string": _string,
    "datetime": _datetime,
}
_WANTED: Mapping[str, str] = {
    "double": "a finite number",
    "float": "a finite number of at most 3.4e38",
    "long": "a whole number of 64 bits",
    "integer": "a whole number of 32 bits",
    "boolean": "true or false",
    "string": "a text",
    "datetime": "an ISO 8601 date",
}

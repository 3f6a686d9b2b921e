"""Checks the values of one column in a request."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from ml.scoring.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ml.model_folder.signature import Column

_FLOAT32_MAX = 3.4028234663852886e38
_SHOWN_CHARACTERS = 40


def check_cells(values: Sequence[Any], column: Column) -> list[Any]:
    """Convert the values to the column's Python type; None is kept if values may be missing.

    Raises:
        BadRequestError: the first value that does not fit, with its row number.
    """
    cell_type = _CELL_TYPES[column.type]
    checked: list[Any] = []
    for row, value in enumerate(values):
        if value is None:
            if column.required:
                raise BadRequestError(
                    "missing_value",
                    f"column '{column.name}', row {row}: the value is missing; the model needs "
                    f"{cell_type.wanted} in every row",
                    column=column.name,
                )
            checked.append(None)
            continue
        try:
            checked.append(cell_type.convert(value))
        except _NotFiniteError:
            raise BadRequestError(
                "not_finite",
                f"column '{column.name}', row {row}: {shown(value)} is not finite in this "
                f"column's type; send {cell_type.wanted}",
                column=column.name,
            ) from None
        except (TypeError, ValueError, OverflowError):
            raise BadRequestError(
                "wrong_type",
                f"column '{column.name}', row {row}: {shown(value)} is not "
                f"{cell_type.wanted}; send one",
                column=column.name,
            ) from None
    return checked


def is_text(value: object) -> bool:
    """Whether it is a string that UTF-8 can encode: JSON may hold an unpaired surrogate."""
    return isinstance(value, str) and value == value.encode(errors="ignore").decode()


def shown(value: object) -> str:
    """A value from the request, shortened for a message."""
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
    # pandas turns a caller's whole numbers into floats as soon as one value is missing.
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
    # numpy's type has no zone: a time with an offset is converted to UTC first.
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class _CellType:
    """How a value is converted to an MLflow column type, and what to send if it is refused."""

    wanted: str
    convert: Callable[[Any], Any]


_CELL_TYPES: Mapping[str, _CellType] = {
    "double": _CellType("a finite number", _double),
    "float": _CellType("a finite number of at most 3.4e38", _float),
    "long": _CellType("a whole number of 64 bits", partial(_whole, bits=64)),
    "integer": _CellType("a whole number of 32 bits", partial(_whole, bits=32)),
    "boolean": _CellType("true or false", _boolean),
    "string": _CellType("a text", _string),
    "datetime": _CellType("an ISO 8601 date", _datetime),
}

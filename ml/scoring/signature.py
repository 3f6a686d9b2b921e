"""The columns a model wants, as its MLflow signature states them, and the check of one value."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ml.errors import ModelArtefactError
from ml.scoring.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_FLOAT32_MAX = 3.4028234663852886e38
_SHOWN_CHARACTERS = 40

# MLflow column type -> numpy dtype of the data frame's column.
DTYPES: Mapping[str, str] = {
    "double": "float64",
    "float": "float32",
    "long": "int64",
    "integer": "int32",
    "boolean": "bool",
    "string": "object",
    "datetime": "datetime64[us]",
}
# These have no way to say "missing": an optional column of such a type becomes float64.
_WITHOUT_MISSING = frozenset({"long", "integer", "boolean"})


@dataclass(frozen=True, slots=True)
class Column:
    """One model input. MLflow marks a column optional when its training rows missed values."""

    name: str
    type: str
    required: bool

    @property
    def dtype(self) -> str:
        """The numpy dtype that this column has in the data frame."""
        if not self.required and self.type in _WITHOUT_MISSING:
            return "float64"
        return DTYPES[self.type]

    def check(self, values: Sequence[Any]) -> list[Any]:
        """The values as this column's Python type; None stays where a value may be missing.

        Raises:
            BadRequestError: the first value that does not fit, with its row number.
        """
        convert = _CONVERT[self.type]
        checked: list[Any] = []
        for row, value in enumerate(values):
            if value is None:
                if self.required:
                    raise BadRequestError(
                        "missing_value",
                        f"column '{self.name}', row {row}: the value is missing; the model needs "
                        f"{_WANTED[self.type]} in every row",
                        column=self.name,
                    )
                checked.append(None)
                continue
            try:
                checked.append(convert(value))
            except _NotFiniteError:
                raise BadRequestError(
                    "not_finite",
                    f"column '{self.name}', row {row}: {shown(value)} is not finite in this "
                    f"column's type; send {_WANTED[self.type]}",
                    column=self.name,
                ) from None
            except (TypeError, ValueError, OverflowError):
                raise BadRequestError(
                    "wrong_type",
                    f"column '{self.name}', row {row}: {shown(value)} is not "
                    f"{_WANTED[self.type]}; send one",
                    column=self.name,
                ) from None
        return checked


def parse_signature(text: str) -> tuple[Column, ...]:
    """Read the `inputs` of an MLmodel's signature.

    Args:
        text: JSON list of `{"name", "type", "required"}`.

    Raises:
        ModelArtefactError: it is not a signature of named columns, or a type is not supported.
    """
    try:
        entries = json.loads(text)
        columns = tuple(
            Column(entry["name"], entry["type"], bool(entry.get("required", True)))
            for entry in entries
        )
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise ModelArtefactError(
            "the model's signature does not name its columns; save the model with the signature "
            "of a pandas data frame"
        ) from exc
    unsupported = {column.name: column.type for column in columns if column.type not in DTYPES}
    if unsupported or not columns:
        raise ModelArtefactError(
            f"the model's signature has columns that cannot be served: {unsupported or 'none'}; "
            f"supported types are {', '.join(DTYPES)}"
        )
    return columns


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

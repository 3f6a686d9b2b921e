"""Checks the values of one column in a request."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from ml.cells import Reason, Refusal, reader_of
from ml.cells.cell import MOST_EXACT
from ml.scoring.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ml.model_config import ColumnContract
    from ml.model_folder.signature import Column

_FLOAT32_MAX = 3.4028234663852886e38
_SHOWN_CHARACTERS = 40
_MOST_KNOWN = 1_000  # texts of a column that are read once


class CellCheck:
    """Reads one column's cells as the model's contract has them, and holds them to its signature.

    Args:
        column: of the model's signature.
        contract: None: the model came without one; cells are taken as JSON has them.
    """

    def __init__(self, column: Column, contract: ColumnContract | None = None) -> None:
        self._column = column
        signature = _CELL_TYPES[column.type]
        self._wanted = signature.wanted if contract is None else _wanted(contract, signature)
        self._convert = signature.convert
        reads_numbers = contract is None or not reader_of(contract).missing_numbers
        is_number = contract is None or contract.type in {"number", "integer"}
        self._takes_numbers = column.type == "double" and is_number and reads_numbers
        self._takes_fractions = contract is None or contract.type == "number"
        if contract is not None:
            self._convert = _ContractCell(contract, signature.convert)

    def check(self, values: Sequence[Any]) -> list[Any]:
        """The values as the column's Python type; None stays where a value may be missing.

        Raises:
            BadRequestError: the first value that does not fit, with its row number.
        """
        if self._takes_numbers and (numbers := self._numbers(values)) is not None:
            return numbers
        convert, required = self._convert, self._column.required
        checked: list[Any] = []
        for row, value in enumerate(values):
            try:
                cell = None if value is None else convert(value)
            except _NotFiniteError:
                raise self._not_finite(value, row) from None
            except _RefusedError as exc:
                raise self._wrong(value, row, f": it is {exc.words}" if exc.words else "") from None
            except (TypeError, ValueError, OverflowError):
                raise self._wrong(value, row, "") from None
            if cell is None and required:
                raise self._missing(row)
            checked.append(cell)
        return checked

    def _numbers(self, values: Sequence[Any]) -> list[Any] | None:
        """The values as they are if all are plain numbers; None: look at each."""
        kinds = set(map(type, values))
        if kinds == {float} and self._takes_fractions and all(map(math.isfinite, values)):
            return list(values)
        if kinds == {int} and max(map(abs, values)) <= MOST_EXACT:
            return list(map(float, values))
        return None

    def _missing(self, row: int) -> BadRequestError:
        name = self._column.name
        text = f"the value is missing; the model needs {self._wanted} in every row"
        return BadRequestError("missing_value", f"column '{name}', row {row}: {text}", column=name)

    def _not_finite(self, value: Any, row: int) -> BadRequestError:
        name = self._column.name
        remedy = f"send {self._wanted}"
        if not self._column.required:
            remedy += ", or null where the value is missing"
        text = f"{shown(value)} is not finite in this column's type; {remedy}"
        return BadRequestError("not_finite", f"column '{name}', row {row}: {text}", column=name)

    def _wrong(self, value: Any, row: int, why: str) -> BadRequestError:
        name = self._column.name
        text = f"{shown(value)} is not {self._wanted}{why}; send one"
        return BadRequestError("wrong_type", f"column '{name}', row {row}: {text}", column=name)


def collected_dates(cells: Sequence[datetime | None], form: str | None) -> list[str | None]:
    """Dates as a file of the contract has them, so that the drift check reads them alike."""
    if form is None or "%" not in form:
        return [None if cell is None else cell.isoformat() for cell in cells]
    return [None if cell is None else cell.replace(tzinfo=UTC).strftime(form) for cell in cells]


def is_text(value: object) -> bool:
    """Whether it is a string that UTF-8 can encode: JSON may hold an unpaired surrogate."""
    return isinstance(value, str) and value == value.encode(errors="ignore").decode()


def shown(value: object) -> str:
    """A value from the request, shortened for a message."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"


class _NotFiniteError(ValueError):
    """NaN, an infinity, or too large for the type."""


class _RefusedError(ValueError):
    """The contract does not read the value; `words` say in what it differs."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class _ContractCell:
    """Reads text, numbers and booleans as the contract has them in a file, then converts."""

    def __init__(self, contract: ColumnContract, convert: Callable[[Any], Any]) -> None:
        self._reader = reader_of(contract)
        self._convert = convert
        self._whole = contract.type == "integer"
        self._known: dict[str, Any] = {}

    def __call__(self, value: Any) -> Any:
        if type(value) is not str:
            return self._read(value)
        if value not in self._known:
            if not is_text(value):
                raise TypeError
            cell = self._read(value)
            if len(self._known) >= _MOST_KNOWN:
                return cell
            self._known[value] = cell
        return self._known[value]

    def _read(self, value: Any) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            raise _NotFiniteError
        cell = self._reader.read(value)
        if isinstance(cell, Refusal):
            raise _RefusedError("" if cell.reason is Reason.TEXT else cell.reason.words)
        if isinstance(cell, datetime):
            return datetime.fromisoformat(cell.isoformat())  # not pandas' type
        if self._whole and isinstance(cell, float) and MOST_EXACT < abs(cell) < math.inf:
            # An integer with more digits than are kept is refused in a file too.
            raise _RefusedError("written with more digits than are kept exactly")
        return None if cell is None else self._convert(cell)


def _wanted(contract: ColumnContract, signature: _CellType) -> str:
    if contract.type == "integer":
        return "a whole number"
    if contract.type == "date":
        return f"a date such as {contract.date_format}"
    return signature.wanted


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

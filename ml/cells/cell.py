"""One cell of any source -> a value of the contract's type, missing, or a refusal that says why."""

from __future__ import annotations

import math
import re
from datetime import date
from functools import cached_property, lru_cache
from numbers import Integral, Real
from typing import TYPE_CHECKING, Final, SupportsFloat, TypeAlias

from ml.cells.notation import Notation, difference, lost_digits, number_of
from ml.cells.reasons import Reason, Refusal, is_mark
from ml.model_config import MISSING_WORDS

if TYPE_CHECKING:
    from datetime import datetime

    from ml.model_config import ColumnContract

MOST_EXACT: Final = 2**53 - 1  # the largest whole number that a 64-bit float tells from the next
_WHOLE: Final = re.compile(r"[+-]?[0-9]+")
_AS_FLOAT: Final = re.compile(r"([+-]?[0-9]+)\.0*")
_EXACT: Final = re.compile(r"([+-]?[0-9]{1,300})(?:\.0*)?")
_BOOLEANS: Final = frozenset({"true", "false"})
_REMEMBERED: Final = 512  # contracts: of a few models

Value: TypeAlias = "float | str | datetime"
_NUMBERS: Final = frozenset({"number", "integer"})


class CellReader:
    """Reads cells of one column.

    Text is stripped first: spaces around it are not part of a cell. A word that the column's values
    list is a value, even if it is one of the words for missing.

    Args:
        contract: the column's, with the file's words and signs in it.
    """

    def __init__(self, contract: ColumnContract) -> None:
        self.contract = contract
        self.is_number = contract.type in _NUMBERS
        self.is_date = contract.type == "date"
        self._whole = contract.type == "integer"
        listed = () if self.is_number else contract.categories or ()
        self._listed = {value.strip(): value for value in listed}
        words = {*MISSING_WORDS, *(word.strip() for word in contract.missing)}
        self._missing = frozenset(words - self._listed.keys())
        self._as_float = bool(listed) and all(_WHOLE.fullmatch(value) for value in self._listed)
        self._booleans = _by_lower_case(self._listed)
        self.notation = Notation(contract.decimal, contract.thousands)
        self.missing_numbers = self._numbers_that_mean_missing()

    def read(self, cell: object) -> Value | Refusal | None:
        """The value of a cell; None where it is missing.

        Args:
            cell: text from CSV; any scalar of Parquet or JSON; None or NaN where there is none.

        Returns:
            float for numbers and integers, which may be infinite; datetime in UTC without a zone
            for dates; else text.
        """
        if isinstance(cell, str):
            return self._text(cell)
        if cell is None or cell != cell:  # noqa: PLR0124 - NaN and NaT
            return None
        if self.is_date:
            return self._date(cell)
        if self.is_number:
            return self._number_of(cell)
        text = as_text(cell)
        return Refusal(Reason.TEXT) if text is None else self._text(text)

    def identity(self, cell: object) -> str | Refusal | None:
        """The text by which a row id is compared: 7, 7.0 and "7" are one; no digit is rounded."""
        if not self.is_number:
            found = self.read(cell)
            return str(found) if self.is_date and found is not None else found  # type: ignore[return-value]
        plain = self.notation.plain(cell.strip()) if isinstance(cell, str) else as_text(cell)
        exact = None if plain is None or isinstance(cell, bool) else _EXACT.fullmatch(plain)
        if exact is not None and float(exact[1]) not in self.missing_numbers:
            return str(int(exact[1]))
        found = self.read(cell)
        return as_text(found) if isinstance(found, float) else found  # type: ignore[return-value]

    def _text(self, cell: str) -> Value | Refusal | None:
        text = cell.strip()
        if text in self._missing:
            return None
        if self.is_number:
            plain = self.notation.plain(text)
            number = None if plain is None else number_of(plain)
            if plain is None or number is None:
                return difference(text)
            if self._whole and lost_digits(plain, number):
                return Refusal(Reason.SCIENTIFIC)
            return self._checked(number)
        if self.is_date:
            return self._date(text)
        return self._category(text)

    def _number_of(self, cell: object) -> float | Refusal | None:
        if isinstance(cell, bool) or not isinstance(cell, Real | SupportsFloat):
            return Refusal(Reason.BOOLEAN if isinstance(cell, bool) else Reason.TEXT)
        try:
            return self._checked(float(cell))
        except OverflowError:
            return Refusal(Reason.TEXT)

    def _checked(self, number: float) -> float | Refusal | None:
        if number in self.missing_numbers:
            return None
        if self._whole and math.isfinite(number) and not number.is_integer():
            return Refusal(Reason.FRACTION)
        return number

    def _category(self, text: str) -> str:
        if not self._listed:
            return text
        value = self._listed.get(text)
        if value is None and self._as_float:
            whole = _AS_FLOAT.fullmatch(text)
            value = self._listed.get(whole[1]) if whole else None
        if value is None and self._booleans:
            value = self._booleans.get(text.lower())
        return text if value is None else value

    def _date(self, cell: object) -> datetime | Refusal | None:
        from ml.cells.dates import date_of  # noqa: PLC0415 - pandas, which few readers need

        found = date_of(cell, self.contract.date_format)
        if found is not None:
            return None if found in self.missing_dates else found
        if isinstance(cell, str) and is_mark(cell):
            return Refusal(Reason.MARK, cell)
        return Refusal(Reason.DATE_FORMAT if isinstance(cell, str | date) else Reason.TEXT)

    @cached_property
    def missing_dates(self) -> frozenset[datetime]:
        """Words for missing that are dates: Parquet has them as timestamps."""
        from ml.cells.dates import date_of  # noqa: PLC0415 - as above

        form = self.contract.date_format
        found = [date_of(word, form) for word in self._missing if word[:1].isdigit()]
        return frozenset(date for date in found if date is not None)

    def means_missing(self, text: str) -> bool:
        """Whether a stripped text is one of the words for missing."""
        return text in self._missing

    def _numbers_that_mean_missing(self) -> frozenset[float]:
        if not self.is_number:
            return frozenset()
        plain = (self.notation.plain(word) or _plain(word) for word in self._missing)
        return frozenset(
            number for word in plain if word and (number := number_of(word)) is not None
        )


def _plain(word: str) -> str | None:
    """A missing word as JSON and Parquet have the number, whatever the signs of the file are."""
    return Notation(None, None).plain(word)


def _by_lower_case(listed: dict[str, str]) -> dict[str, str]:
    """Listed words for true and false by their lower case, unless two differ in case only."""
    found = [text for text in listed if text.lower() in _BOOLEANS]
    lowered = {text.lower(): listed[text] for text in found}
    return lowered if len(lowered) == len(found) else {}


def as_text(cell: object) -> str | None:
    """A scalar as text: whole numbers without a fraction; None for lists and objects."""
    if isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, Integral):
        return str(int(cell)) if int(cell).bit_length() <= _MOST_INTEGER_BITS else None
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else f"{cell:.15g}"
    return None if isinstance(cell, list | dict | bytes) else str(cell)


_MOST_INTEGER_BITS: Final = 1_000


@lru_cache(_REMEMBERED)
def reader_of(contract: ColumnContract) -> CellReader:
    """The reader of a column, made once."""
    return CellReader(contract)

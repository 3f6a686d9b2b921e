"""Numbers in text: what is read as one, and in what the others differ from it."""

from __future__ import annotations

import math
import re
from typing import Final

from ml.cells.reasons import Reason, Refusal, is_mark

_PLAIN: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WHOLE: Final = re.compile(r"[+-]?[0-9]+")
_INFINITE: Final = re.compile(r"([+-]?)inf(?:inity)?", re.IGNORECASE)
# Up to here a text is the same number to every reader; longer ones pandas rounds in its own way.
SHORT: Final = 15
FEWEST_LOST: Final = 1e11  # spreadsheets round whole numbers of twelve and more digits
_SPACES: Final = " \u00a0\u2009\u202f"
_SIGNS: Final = {" ": f"[{_SPACES}]", "'": "['\u2019]", ".": r"\.", ",": ","}
_DIGITS: Final = "[0-9]{1,3}"
_NUMBER: Final = r"[+-]?[0-9][0-9.,'\u2019 \u00a0\u2009\u202f]*(?:[eE][+-]?[0-9]+)?"

_DIFFERENCES: Final = (
    (
        Reason.THOUSANDS_POINT,
        # One group only differs from a number where the point is not the decimal sign.
        r"[+-]?[1-9][0-9]{0,2}(?:\.[0-9]{3})+(?:,[0-9]*)?",
    ),
    (
        Reason.THOUSANDS_COMMA,
        r"[+-]?[1-9][0-9]{0,2}(?:(?:,[0-9]{2,3})+,[0-9]{3}|(?:,[0-9]{3})+\.[0-9]*)",
    ),
    (Reason.COMMA, r"[+-]?[1-9][0-9]{0,2},[0-9]{3}"),
    (Reason.DECIMAL_COMMA, r"[+-]?[0-9]*,[0-9]+(?:[eE][+-]?[0-9]+)?"),
    (Reason.THOUSANDS_SPACE, rf"[+-]?[0-9]{{1,3}}(?:[{_SPACES}][0-9]{{3}})+(?:[.,][0-9]*)?"),
    (Reason.THOUSANDS_QUOTE, r"[+-]?[0-9]{1,3}(?:['\u2019][0-9]{3})+(?:[.,][0-9]*)?"),
    (Reason.DECIMAL_POINT, r"[+-]?[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?"),
    (Reason.PERCENT, rf"{_NUMBER}\s*[%\u2030]"),
    (
        Reason.CURRENCY,
        rf"(?:[$\u20ac\u00a3\u00a5]|[A-Z]{{3}})\s*{_NUMBER}|{_NUMBER}\s*[$\u20ac\u00a3\u00a5]",
    ),
    (Reason.UNIT, rf"[^0-9]{{0,5}}{_NUMBER}\s*[^\W\d_][^0-9]{{0,20}}"),
)
_DIFFERS: Final = tuple((reason, re.compile(pattern)) for reason, pattern in _DIFFERENCES)


class Notation:
    """How a column writes its numbers.

    Args:
        decimal: sign before the fraction; None: a point.
        thousands: sign between groups of three digits; None: there are no groups.
    """

    def __init__(self, decimal: str | None, thousands: str | None) -> None:
        self.thousands = thousands
        self.decimal = decimal or ("," if thousands == "." else ".")
        self.is_plain = thousands is None and self.decimal == "."
        group = _SIGNS.get(thousands or "", "(?!)")
        sign = _SIGNS[self.decimal]
        self._group = re.compile(group)
        self._pattern = re.compile(
            rf"[+-]?(?:{_DIGITS}(?:{group}[0-9]{{3}})+|[0-9]+)?(?:(?<=[0-9]){sign}[0-9]*|{sign}[0-9]+)?"
            r"(?:(?<=[0-9.,])[eE][+-]?[0-9]+)?"
        )

    def plain(self, text: str) -> str | None:
        """A stripped text as a program writes the number, or None if it is not one."""
        if _INFINITE.fullmatch(text) or (self.is_plain and _PLAIN.fullmatch(text)):
            return text
        if self.is_plain or not self._pattern.fullmatch(text):
            return None
        written = self._group.sub("", text).replace(self.decimal, ".")
        return written if _PLAIN.fullmatch(written) else None


def number_of(plain: str) -> float | None:
    """The number that a plain text writes; None if it is beyond any float.

    Every figure as `pandas.to_numeric` has it, since rows are known by a hash of their numbers.
    """
    infinite = _INFINITE.fullmatch(plain)
    if infinite:
        return -math.inf if infinite[1] == "-" else math.inf
    if len(plain) <= SHORT and "e" not in plain and "E" not in plain:
        return float(plain)
    if _WHOLE.fullmatch(plain):
        number = float(plain)
    else:
        import pandas as pd  # noqa: PLC0415 - large, and few numbers are that long

        number = float(pd.to_numeric(pd.Series([plain], dtype=object), errors="coerce")[0])
    return number if math.isfinite(number) else None


def lost_digits(plain: str, number: float) -> bool:
    """Whether a spreadsheet has rounded a long whole number to what it shows: 4.01235E+11."""
    mantissa, _, exponent = plain.lower().partition("e")
    if not exponent or abs(number) < FEWEST_LOST:
        return False
    digits = mantissa.strip("+-").replace(".", "").strip("0")
    return len(digits) < len(f"{abs(number):.0f}")


def difference(text: str) -> Refusal:
    """In what a stripped text that is not read as a number differs from one."""
    if is_mark(text):
        return Refusal(Reason.MARK, text)
    for reason, pattern in _DIFFERS:
        if pattern.fullmatch(text):
            return Refusal(reason)
    return Refusal(Reason.TEXT)

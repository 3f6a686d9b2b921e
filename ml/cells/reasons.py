"""Why a cell is not of its column's type, and what to do about it."""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

# What people and programs write for "nothing". Only these words are ever shown in a finding.
_MARKS: Final = frozenset(
    [
        *("?", "??", "???", "-", "--", "---", ".", "..", "...", "n/a", "na", "n.a.", "nan", "none"),
        *("null", "nil", "nat", "missing", "unknown", "unk", "undefined", "no data", "(null)"),
        *("#n/a", "#na", "#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!", "(blank)"),
        *("<na>", "\\n", "not available", "not applicable"),
    ]
)
# Numbers that often stand for "nothing".
NUMBER_MARKS: Final = frozenset({-1.0, -9.0, -99.0, -200.0, -999.0, -9999.0, -99999.0})


class _Said(NamedTuple):
    words: str
    remedy: str


class Reason(Enum):
    """In what a cell differs from its column's type; `words` follow "cells" or a shown value."""

    DECIMAL_COMMA = _Said(
        "written with a decimal comma",
        'set decimal: "," at data or at the column in model.yml, or write decimal points',
    )
    DECIMAL_POINT = _Said(
        "written with a point that is not the decimal sign",
        "write every number of the column with the signs that model.yml states, or set "
        "decimal and thousands at the column",
    )
    THOUSANDS_COMMA = _Said(
        "written with commas as thousands separators",
        'set thousands: "," at data or at the column in model.yml, or write 1234 for 1,234',
    )
    COMMA = _Said(
        "written with a comma before three digits, a thousands separator or a decimal comma",
        'set thousands: "," in model.yml if 1,234 means one thousand two hundred thirty-four, '
        'decimal: "," if it lies between one and two; neither is guessed',
    )
    THOUSANDS_POINT = _Said(
        "written with points as thousands separators",
        'set thousands: "." and decimal: "," at data or at the column in model.yml',
    )
    THOUSANDS_SPACE = _Said(
        "written with spaces as thousands separators",
        'set thousands: " " at data or at the column in model.yml',
    )
    THOUSANDS_QUOTE = _Said(
        "written with apostrophes as thousands separators",
        'set thousands: "\'" at data or at the column in model.yml',
    )
    SCIENTIFIC = _Said(
        "written in scientific notation, so their last digits are gone",
        "export the column as text from its source, not through a spreadsheet; if it is a "
        "measure, give it type number",
    )
    FRACTION = _Said(
        "with a fraction",
        "give the column type number in model.yml, or correct the cells",
    )
    PERCENT = _Said(
        "written with a percent sign",
        "write the number alone and keep the unit in the column's name",
    )
    CURRENCY = _Said(
        "written with a currency",
        "write the number alone and keep the currency in the column's name",
    )
    UNIT = _Said(
        "written with a unit or other text beside the number",
        "write the number alone and keep the unit in the column's name",
    )
    MARK = _Said(
        "holding a mark that often means missing",
        "name it at `missing` of the column in model.yml if it does",
    )
    DATE_FORMAT = _Said(
        "written in another date format",
        "write every date as the column's format in model.yml says, or change that",
    )
    BOOLEAN = _Said("true or false", "write a number, or give the column type category")
    TEXT = _Said("of another kind", "look for text or another column's cells in the column")

    @property
    def words(self) -> str:
        """After "3 cells" or after a shown value."""
        return self.value.words

    @property
    def remedy(self) -> str:
        """What to do in the file or in model.yml."""
        return self.value.remedy


class Refusal(NamedTuple):
    """Why a cell has no value; `mark` is one of the well-known marks for missing, never more."""

    reason: Reason
    mark: str | None = None


def is_mark(text: str) -> bool:
    """Whether a stripped text is well known for standing where there is no value."""
    return text.lower() in _MARKS

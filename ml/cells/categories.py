"""In what a word differs from the listed ones: told with nothing that is not in the contract."""

from __future__ import annotations

import difflib
import re
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from ml.cells.reasons import is_mark

if TYPE_CHECKING:
    from collections.abc import Collection


class Difference(NamedTuple):
    """How an unlisted word differs; `shown` is a listed word, or a mark for missing."""

    words: str
    shown: str

    @property
    def is_mark(self) -> bool:
        """Whether the word is a mark that often means missing, not one like a listed word."""
        return self.words == _HOLD


_HOLD = "hold"


def difference_from(text: str, listed: Collection[str]) -> Difference | None:
    """The plainest difference from any listed word; None if the word is like none of them."""
    if is_mark(text):
        return Difference(_HOLD, text)
    for words, plain in _FORMS:
        same = [value for value in listed if plain(value) == plain(text)]
        if same:  # `>50K.` is like `<=50K` and `>50K`, once signs are left out
            return Difference(words, max(same, key=lambda value: _likeness(value, text)))
    return None


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()


def _composed(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _lower(text: str) -> str:
    return _composed(text).casefold()


def _one_space(text: str) -> str:
    return re.sub(r"[\W_]+", " ", _lower(text)).strip()


def _number(text: str) -> str:
    whole = re.fullmatch(r"([+-]?)0*(\d+?)(?:\.0*)?", text.strip())
    return f"{whole[1].strip('+')}{whole[2]}" if whole else text


def _unaccented(text: str) -> str:
    letters = unicodedata.normalize("NFKD", _one_space(text))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


_FORMS = (
    ("are encoded in another way than", _composed),
    ("differ in upper and lower case only from", _lower),
    ("differ in zeros before the number or after its point only from", _number),
    ("differ in spaces or punctuation only from", _one_space),
    ("differ in accents only from", _unaccented),
)

"""How numbers, times and lists are written in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime, timedelta

_FIGURES = 3
_SMALL = 0.01
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_LONGEST_PART = 400  # of a text that comes from outside
LONGEST_NAME = 100
_METRIC_WORDS = {
    "r2": "R²",
    "mae": "MAE",
    "rmse": "RMSE",
    "accuracy": "accuracy",
    "f1": "F1",
    "f1_macro": "F1 (macro)",
    "roc_auc": "ROC AUC",
}


def number(value: float, *, digits: int = _FIGURES) -> str:
    """To three significant figures: `0.30`, `0.462`, `1.00`, `44.1`, `1,342`, `0.00123`."""
    size = abs(value)
    if size == 0:
        return "0"
    if size < _SMALL:
        return f"{value:.{digits}g}"
    if size < 1:
        text = f"{value:.{digits}f}"
        return text.removesuffix("0")
    before_the_point = len(str(int(size)))
    return f"{value:,.{max(digits - before_the_point, 0)}f}"


def numbers(first: float, second: float) -> tuple[str, str]:
    """Two numbers with as many figures as it takes to tell them apart, at most eight."""
    for digits in range(_FIGURES, 9):
        texts = number(first, digits=digits), number(second, digits=digits)
        if first == second or texts[0] != texts[1]:
            return texts
    return repr(first), repr(second)


def metric_word(name: str) -> str:
    """`r2` as `R²`; one that is not known here as it is."""
    return _METRIC_WORDS.get(name, name)


def time(moment_utc: datetime) -> str:
    """A UTC time such as `14 Mar 06:21 UTC`."""
    return f"{moment_utc.day} {moment_utc:%b %H:%M} UTC"


def duration(length: timedelta) -> str:
    """In its two largest units: `7 d`, `1 d 12 h`, `1 min 19 s`, `40 s`; below 10 s `1.3 s`."""
    seconds = max(length.total_seconds(), 0.0)
    if seconds < 10:  # noqa: PLR2004 - where a tenth of a second still says something
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    left = round(seconds)
    for place, (unit, size) in enumerate(_UNITS[:-1]):
        if left >= size:
            count, rest = divmod(left, size)
            smaller, smaller_size = _UNITS[place + 1]
            more = rest // smaller_size
            return f"{count} {unit} {more} {smaller}" if more else f"{count} {unit}"
    return f"{left} s"


def plural(count: int, noun: str) -> str:
    """A count with its noun: `1 file`, `3 files`, `1,342 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def listed(parts: Collection[str]) -> str:
    """Join parts with commas and "and": `drift and new data`."""
    return " and ".join(parts)


def short(text: str, longest: int = _LONGEST_PART) -> str:
    """Shorten a text by cutting out its middle, which says least."""
    if len(text) <= longest:
        return text
    half = (longest - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


def ended(text: str) -> str:
    """End a text with exactly one full stop."""
    return f"{text.rstrip(' .;')}."


def capital(text: str) -> str:
    """Capitalise the first letter and keep the rest."""
    return text[:1].upper() + text[1:]

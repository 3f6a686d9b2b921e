"""The parts of every chart: frame, scales, axes, paths.

Sizes are CSS pixels and fixed, so that labels stay readable on a phone; coordinates are whole
pixels, paths are relative, and attributes that HTML need not quote are not quoted, so that a report
of two hundred columns stays small. Colours are classes that `page.document` defines for light, dark
and print.
"""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

from ml.presentation.figures import number, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WIDTH: Final = 328
HEIGHT: Final = 128
LEFT: Final = 44
RIGHT: Final = WIDTH - 4
TOP: Final = 16
BASE: Final = HEIGHT - 20
_LABEL_HEIGHT: Final = 13
_GAP: Final = 6
_WIDEST: Final = frozenset("mwMW@%\u2026\u2192")
_TICKS: Final = 4
_PLAIN: Final = (1e-4, 1e7)  # between these a tick is written without an exponent


@dataclass(frozen=True, slots=True)
class Axis:
    """Maps values to whole pixels; values outside are drawn at the end."""

    low: float
    high: float
    start: int
    end: int

    def at(self, value: float) -> int:
        """The pixel of a value."""
        span = (self.high - self.low) or 1.0
        part = min(max((value - self.low) / span, 0.0), 1.0)
        return round(self.start + part * (self.end - self.start))


def width_of(words: str) -> float:
    """Upper bound of a label's width in pixels, in the widest of the usual system fonts."""
    return sum(
        12.0
        if letter in _WIDEST or unicodedata.east_asian_width(letter) in "WF"
        else 9.5
        if letter.isupper()
        else 7.7
        for letter in words
    )


def cut(words: str, room: float) -> str:
    """The start of a text that fits into so many pixels, with an ellipsis if it is cut."""
    if width_of(words) <= room:
        return words
    kept = words[: int(room / 7.7)]
    while kept and width_of(f"{kept}…") > room:
        kept = kept[:-1]
    return f"{kept}…"


def svg(width: int, height: int, finding: str, *parts: str) -> str:
    """An image whose label states its finding for screen readers."""
    return (
        f'<svg role=img aria-label="{escape(finding)}" width={width} height={height}>'
        f"{''.join(parts)}</svg>"
    )


def text(x: int, y: int, words: str, *, anchor: str = "") -> str:
    """A label; anchor: empty for its start, m for its middle, e for its end."""
    kind = f" class={anchor}" if anchor else ""
    return f"<text{kind} x={x} y={y}>{escape(words)}</text>"


def path(kind: str, commands: str) -> str:
    """A shape of one CSS class."""
    return f'<path class={kind} d="{commands}"/>'


def line(points: Sequence[tuple[int, int]]) -> str:
    """Path through points, shape (n, 2), n >= 1; a single point is drawn as a dot."""
    (x, y), *rest = points
    moves = []
    for to_x, to_y in rest:
        moves.append(f"{to_x - x}{'' if to_y < y else ' '}{to_y - y}")
        x, y = to_x, to_y
    first_x, first_y = points[0]
    return f"M{first_x} {first_y}l{' '.join(moves)}" if moves else f"M{first_x - 1} {first_y}h2"


def steps(xs: Sequence[int], heights: Sequence[int], base: int) -> str:
    """Outline of adjacent bars on `base`.

    Args:
        xs: pixels of their sides, shape (k + 1,).
        heights: in pixels, shape (k,).
        base: pixel of the axis.
    """
    commands, before, run = [f"M{xs[0]} {base}"], 0, 0
    for place, height in enumerate(heights):
        if height != before:
            commands.append(f"{f'h{run}' if run else ''}v{before - height}")
            before, run = height, 0
        run += xs[place + 1] - xs[place]
    return "".join([*commands, f"h{run}", f"v{before}" if before else ""])


def value_axis(scale: Axis, *, base: int = BASE) -> str:
    """A horizontal axis with three or four round values."""
    ticks = _round_values(scale.low, scale.high)
    digits = _decimals(ticks)
    labels, marks, free = [], [], 0.0
    for tick in ticks:
        x, words = scale.at(tick), _tick_text(tick, digits)
        half = width_of(words) / 2
        marks.append(f"M{x} {base}v4")
        if x - half < free:
            continue
        if x + half > WIDTH:
            labels.append(text(WIDTH, base + 16, words, anchor="e"))
        else:
            labels.append(text(x, base + 16, words, anchor="m"))
        free = x + half + _GAP
    return path("axis", f"M{scale.start} {base}H{scale.end}{''.join(marks)}") + "".join(labels)


def side_labels(labels: Iterable[tuple[int, str]]) -> str:
    """Labels left of a chart at these heights; of two that would overlap, the first is drawn."""
    placed: list[int] = []
    drawn = []
    for y, words in labels:
        if all(abs(y - other) >= _LABEL_HEIGHT for other in placed):
            placed.append(y)
            drawn.append(text(LEFT - 4, y + 4, words, anchor="e"))
    return "".join(drawn)


def _round_values(low: float, high: float) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten from low to high."""
    span = high - low
    if not span > 0 or not math.isfinite(span):
        return [low]
    power = 10.0 ** math.floor(math.log10(span / _TICKS))
    step = next(power * k for k in (1, 2, 5, 10) if span / (power * k) <= _TICKS)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [k * step for k in range(first, last + 1)] or [low]


def _decimals(ticks: Sequence[float]) -> int:
    if len(ticks) < 2:  # noqa: PLR2004 - a step lies between two
        return 3
    return max(0, -math.floor(math.log10(abs(ticks[1] - ticks[0])) + 1e-9))


def _tick_text(tick: float, digits: int) -> str:
    size = abs(tick)
    if size and not _PLAIN[0] <= size < _PLAIN[1]:
        return number(tick)
    words = f"{size:.{digits}f}" if digits else whole(size)
    return f"\u2212{words}" if tick < 0 and size else words

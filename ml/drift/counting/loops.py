"""The inner loops, in plain Python: one pass over a column into a log-linear histogram.

`translate` turns them into `loops.ll`, from which `kernels` makes machine code; both read the types
of the arguments here. They index, compare and calculate, and nothing else.

Bin index = top bits of the float64 1 + |y|: no logarithm, no search. 128 bins an octave, 40 octaves
a side, ascending in y: position BINS_A_SIDE - 1 - k for y < 0, BINS_A_SIDE + k for y >= 0.
"""

import math
import struct
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Singles: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int64]

STEPS_BITS: Final = 7
STEPS_AN_OCTAVE: Final = 1 << STEPS_BITS
OCTAVES: Final = 40
BINS_A_SIDE: Final = STEPS_AN_OCTAVE * OCTAVES
BINS: Final = 2 * BINS_A_SIDE

# Cells: eight bins each, the outer octaves folded into the last one; what histories are kept in.
BINS_A_CELL: Final = 8
CELL_OCTAVES: Final = 12
CELLS_A_SIDE: Final = STEPS_AN_OCTAVE // BINS_A_CELL * CELL_OCTAVES
CELLS: Final = 2 * CELLS_A_SIDE

STRIP: Final = 512  # values; with their bins they stay in the first-level cache

# What a pass leaves in `moments`, by position.
FINITE, MISSING, INFINITE, LOWEST, HIGHEST, SQUARES = range(6)

SHIFT: Final = 52 - STEPS_BITS
_ONE: Final = 1023 << STEPS_BITS  # index of 1.0, where |y| = 0
_OUTERMOST: Final = float(np.nextafter(2.0**OCTAVES, 0.0))  # 1 + |y| from here on: the last bin
_INFINITY: Final = math.inf


def top_bits(value: float) -> int:
    """Exponent and first STEPS_BITS binary places of a positive float64."""
    (whole,) = struct.unpack("<Q", struct.pack("<d", value))
    top: int = whole >> SHIFT
    return top


def sum_of_squares(ys: Floats, size: int) -> float:
    """Of the first `size`; the only sum here that may be added up in any order."""
    total = 0.0
    for i in range(size):
        total += ys[i] * ys[i]
    return total


def add_values(  # noqa: PLR0917 - machine code takes no keywords
    values: Floats,
    first: int,
    last: int,
    center: float,
    per_scale: float,
    counts: Ints,
    sums: Floats,
    moments: Floats,
    ys: Floats,
    bins: Ints,
) -> None:
    """Add values[first:last] to counts and sums, shape (BINS,), and to moments, shape (6,).

    Sums and squares are of y = (x - center) * per_scale. NaN counts as missing, infinity (also one
    that only y overflows to) as infinite; neither is binned. `ys` and `bins`, shape (STRIP,), are
    scratch.

    A strip at a time, so that bins are found in vector registers and only counting is one by one.
    """
    for start in range(first, last, STRIP):
        size = min(STRIP, last - start)
        finite, missing, outside, same = 0, 0, 0, 0
        lowest, highest, leading = moments[LOWEST], moments[HIGHEST], values[start]
        for i in range(size):
            x = values[start + i]
            y = (x - center) * per_scale
            outward = 1.0 + abs(y)
            there = outward < _INFINITY
            capped = outward if outward < _OUTERMOST else _OUTERMOST  # noqa: FURB136 - NaN: capped
            k = top_bits(capped) - _ONE
            k = BINS_A_SIDE + k if y >= 0.0 else BINS_A_SIDE - 1 - k
            bins[i] = k if there else BINS
            ys[i] = y if there else 0.0
            finite += 1 if there else 0
            missing += 1 if math.isnan(x) else 0
            outside += 1 if (x < lowest) | (x > highest) else 0
            same += 1 if x == leading else 0
        moments[FINITE] += finite
        moments[MISSING] += missing
        moments[INFINITE] += size - finite - missing
        moments[SQUARES] += sum_of_squares(ys, size)
        if outside > 0:  # seldom: looking costs less than keeping both up to date
            for i in range(size):
                if bins[i] < BINS:
                    moments[LOWEST] = min(moments[LOWEST], values[start + i])
                    moments[HIGHEST] = max(moments[HIGHEST], values[start + i])
        if same == finite == size:  # one bin, added to again and again, would wait for itself
            counts[bins[0]] += size
            sums[bins[0]] += size * ys[0]
        else:
            for i in range(size):
                if bins[i] < BINS:
                    counts[bins[i]] += 1
                    sums[bins[i]] += ys[i]


def add_days(  # noqa: PLR0917 - same
    values: Floats, days: Ints, size: int, center: float, per_scale: float, cells: Ints
) -> None:
    """Count values, shape (size,), by day slot and cell into cells, shape (slots, CELLS + 1), flat.

    The last cell counts what is missing or infinite. A slot below zero is left out.
    """
    for i in range(size):
        if days[i] < 0:
            continue
        slot = days[i] * (CELLS + 1)
        y = (values[i] - center) * per_scale
        outward = 1.0 + abs(y)
        if not outward < _INFINITY:
            cells[slot + CELLS] += 1
            continue
        k = (top_bits(outward) - _ONE) // BINS_A_CELL
        k = min(k, CELLS_A_SIDE - 1)
        k = CELLS_A_SIDE + k if y >= 0.0 else CELLS_A_SIDE - 1 - k
        cells[slot + k] += 1


def count_uniforms(  # noqa: PLR0917 - same
    uniforms: Singles,
    draws: int,
    size: int,
    shares: Floats,
    share_count: int,
    starts: Ints,
    start_count: int,
    counts: Singles,
) -> None:
    """Count uniforms, shape (draws, size), between ascending shares (k,) into (draws, k), flat.

    `starts` holds, for equal steps of the unit interval, the first share that may lie above them;
    what is above the last share is not counted. The counts are set, not added to.
    """
    for draw in range(draws):
        row = draw * share_count
        for k in range(share_count):
            counts[row + k] = 0.0
        for i in range(size):
            u = uniforms[draw * size + i]
            k = starts[int(u * start_count)]
            while k < share_count and shares[k] <= u:
                k += 1
            if k < share_count:
                counts[row + k] += 1.0

"""The inner loops, compiled: one pass over a column into a log-linear histogram.

Bin index = top bits of the float64 1 + |y|: no logarithm, no search. 128 bins an octave, 40 octaves
a side, ascending in y: position BINS_A_SIDE - 1 - k for y < 0, BINS_A_SIDE + k for y >= 0.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numba
import numpy as np
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

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

_SHIFT: Final = np.uint64(52 - STEPS_BITS)
_ONE: Final = 1023 << STEPS_BITS  # index of 1.0, where |y| = 0
_OUTERMOST: Final = float(np.nextafter(2.0**OCTAVES, 0.0))  # 1 + |y| from here on: the last bin
_STRIP: Final = 512  # values; with their bins they stay in the first-level cache

# What a pass leaves in `moments`, by position.
FINITE, MISSING, INFINITE, LOWEST, HIGHEST, SQUARES = range(6)


def _compiled(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    """Compile on first call, kept on disk where a cache folder can be written."""
    try:
        compiled: Callable[..., Any] = numba.njit(function, cache=True, nogil=True, **options)
    except RuntimeError:  # numba: "cannot cache function": package and home are read-only
        compiled = numba.njit(function, nogil=True, **options)
    return compiled


def _as_bits(_: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.uint64))

    return types.uint64(value), generate


_bits: Any = intrinsic(_as_bits)
"""The 64 bits of a float64 as an integer, in a register: a view of an array needs memory."""


# Floating-point sums keep their order unless told otherwise, and then run one by one.
@partial(_compiled, fastmath={"reassoc"})
def _sum_of_squares(y: NDArray[np.float64], size: int) -> float:
    total = 0.0
    for i in range(size):
        total += y[i] * y[i]
    return total


@_compiled
def _widen(moments: NDArray[np.float64], x: NDArray[np.float64], bins: NDArray[np.uint64]) -> None:
    """Take the lowest and highest of the values that have a bin into the moments."""
    for i in range(len(x)):
        if bins[i] < BINS:
            moments[LOWEST] = min(moments[LOWEST], x[i])
            moments[HIGHEST] = max(moments[HIGHEST], x[i])


@_compiled
def _scatter(
    bins: NDArray[np.uint64],
    ys: NDArray[np.float64],
    size: int,
    counts: NDArray[np.int64],
    sums: NDArray[np.float64],
) -> None:
    for i in range(size):
        if bins[i] < BINS:
            counts[bins[i]] += 1
            sums[bins[i]] += ys[i]


@_compiled
def add_values(  # noqa: PLR0917 - compiled functions take no keywords
    values: NDArray[np.float64],
    center: float,
    per_scale: float,
    counts: NDArray[np.int64],
    sums: NDArray[np.float64],
    moments: NDArray[np.float64],
) -> None:
    """Add values, shape (n,), to counts and sums, shape (BINS,), and to moments, shape (6,).

    Sums and squares are of y = (x - center) * per_scale. NaN counts as missing, infinity (also one
    that only y overflows to) as infinite; neither is binned.

    A strip at a time, so that bins are found in vector registers and only counting is one by one.
    """
    ys = np.empty(_STRIP, np.float64)
    bins = np.empty(_STRIP, np.uint64)  # unsigned: an index that is never counted from the end
    for start in range(0, len(values), _STRIP):
        x = values[start : start + _STRIP]
        size = len(x)
        finite, missing, outside, same = 0, 0, 0, 0
        lowest, highest = moments[LOWEST], moments[HIGHEST]
        for i in range(size):
            y = (x[i] - center) * per_scale
            outward = 1.0 + abs(y)
            there = outward < np.inf
            capped = outward if outward < _OUTERMOST else _OUTERMOST  # noqa: FURB136 - NaN: capped
            k = np.int64(_bits(capped) >> _SHIFT) - _ONE
            k = BINS_A_SIDE + k if y >= 0.0 else BINS_A_SIDE - 1 - k
            bins[i] = k if there else BINS
            ys[i] = y if there else 0.0
            finite += 1 if there else 0
            missing += 1 if x[i] != x[i] else 0  # NaN
            outside += 1 if (x[i] < lowest) | (x[i] > highest) else 0
            same += 1 if x[i] == x[0] else 0
        moments[FINITE] += finite
        moments[MISSING] += missing
        moments[INFINITE] += size - finite - missing
        moments[SQUARES] += _sum_of_squares(ys, size)
        if outside > 0:  # seldom: looking costs less than keeping both up to date
            _widen(moments, x, bins)
        if same == finite == size:  # one bin, added to again and again, would wait for itself
            counts[bins[0]] += size
            sums[bins[0]] += size * ys[0]
        else:
            _scatter(bins, ys, size, counts, sums)


@_compiled
def add_days(
    values: NDArray[np.float64],
    days: NDArray[np.int64],
    center: float,
    per_scale: float,
    cells: NDArray[np.int64],
) -> None:
    """Count values, shape (n,), by day slot and cell into cells, shape (slots, CELLS + 1).

    The last cell counts what is missing or infinite. A slot below zero is left out.
    """
    for i in range(len(values)):
        if days[i] < 0:
            continue
        y = (values[i] - center) * per_scale
        size = 1.0 + abs(y)
        if not size < np.inf:
            cells[days[i], CELLS] += 1
            continue
        k = int(np.int64(_bits(size) >> _SHIFT) - _ONE) // BINS_A_CELL
        k = min(k, CELLS_A_SIDE - 1)
        k = CELLS_A_SIDE + k if y >= 0.0 else CELLS_A_SIDE - 1 - k
        cells[days[i], k] += 1


@_compiled
def count_uniforms(
    uniforms: NDArray[np.float32],
    shares: NDArray[np.float64],
    starts: NDArray[np.int64],
    counts: NDArray[np.float32],
) -> None:
    """Count uniforms, shape (draws, size), between ascending shares (k,) into (draws, k).

    `starts` holds, for equal steps of the unit interval, the first share that may lie above them;
    what is above the last share is not counted. The counts are set, not added to.
    """
    steps = len(starts)
    for draw in range(uniforms.shape[0]):
        for k in range(len(shares)):
            counts[draw, k] = 0.0
        for i in range(uniforms.shape[1]):
            u = uniforms[draw, i]
            k = starts[int(u * steps)]
            while k < len(shares) and shares[k] <= u:
                k += 1
            if k < len(shares):
                counts[draw, k] += 1.0

"""The inner loops, compiled: one pass over a column into a log-linear histogram.

Bin index = top bits of the float64 1 + |y|: no logarithm, no search. 128 bins an octave, 40 octaves
a side, ascending in y: position BINS_A_SIDE - 1 - k for y < 0, BINS_A_SIDE + k for y >= 0.
"""

from collections.abc import Callable
from typing import Any, Final

import numba
import numpy as np
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

_SHIFT: Final = 52 - STEPS_BITS
_ONE: Final = 1023 << STEPS_BITS  # index of 1.0, where |y| = 0

# What a pass leaves in `moments`, by position.
FINITE, MISSING, INFINITE, LOWEST, HIGHEST, SQUARES = range(6)


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile on first call, kept on disk where a cache folder can be written."""
    try:
        compiled: Callable[..., Any] = numba.njit(function, cache=True, nogil=True)
    except RuntimeError:  # numba: "cannot cache function": package and home are read-only
        compiled = numba.njit(function, nogil=True)
    return compiled


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
    """
    missing = 0
    infinite = 0
    lowest = moments[LOWEST]
    highest = moments[HIGHEST]
    squares = 0.0
    bits = np.empty(1, np.float64)
    index = bits.view(np.int64)
    for x in values:
        y = (x - center) * per_scale
        size = 1.0 + abs(y)
        if not size < np.inf:
            if np.isnan(x):
                missing += 1
            else:
                infinite += 1
            continue
        bits[0] = size
        k = (index[0] >> _SHIFT) - _ONE
        k = min(k, BINS_A_SIDE - 1)
        k = BINS_A_SIDE + k if y >= 0.0 else BINS_A_SIDE - 1 - k
        counts[k] += 1
        sums[k] += y
        squares += y * y
        lowest = min(lowest, x)
        highest = max(highest, x)
    moments[FINITE] += len(values) - missing - infinite
    moments[MISSING] += missing
    moments[INFINITE] += infinite
    moments[LOWEST] = lowest
    moments[HIGHEST] = highest
    moments[SQUARES] += squares


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
    bits = np.empty(1, np.float64)
    index = bits.view(np.int64)
    for i in range(len(values)):
        if days[i] < 0:
            continue
        y = (values[i] - center) * per_scale
        size = 1.0 + abs(y)
        if not size < np.inf:
            cells[days[i], CELLS] += 1
            continue
        bits[0] = size
        k = ((index[0] >> _SHIFT) - _ONE) // BINS_A_CELL
        k = min(k, CELLS_A_SIDE - 1)
        k = CELLS_A_SIDE + k if y >= 0.0 else CELLS_A_SIDE - 1 - k
        cells[days[i], k] += 1


@_compiled
def fold_counts(bins: NDArray[np.int64], cells: NDArray[np.int64]) -> None:
    """Sum counts of bins, shape (BINS,), into cells, shape (>= CELLS,), set to zero before."""
    for k in range(BINS):
        if bins[k] != 0:
            c = k // BINS_A_CELL - BINS_A_SIDE // BINS_A_CELL + CELLS_A_SIDE
            cells[min(max(c, 0), CELLS - 1)] += bins[k]


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

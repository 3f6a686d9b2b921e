"""The bins of a column: centred and scaled by the reference, the same for every window."""

from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from ml.drift.counting.loops import (
    BINS_A_CELL,
    BINS_A_SIDE,
    CELLS_A_SIDE,
    OCTAVES,
    STEPS_AN_OCTAVE,
)

_Number = TypeVar("_Number", np.int64, np.float64)

_NORMAL_IQR: Final = 1.349  # quartile distance of a standard normal
_CONSTANT_SCALE: Final = 1e-9
_MOST_OFF: Final = 32.0


@dataclass(frozen=True, slots=True)
class Grid:
    """Values are binned as y = (x - center) / scale; a scale near the spread gives fine bins."""

    center: float
    scale: float

    @classmethod
    def fit(cls, sample: NDArray[np.float64]) -> "Grid":
        """Take median and robust scale from a sample, shape (n,), without NaN and infinities.

        The scale is the quartile distance; where that is 0, the standard deviation; for a
        constant, a billionth of its size, so that any other value falls into another bin.
        """
        finite = sample[np.isfinite(sample)]
        if finite.size == 0:
            return cls(center=0.0, scale=1.0)
        low, center, high = (float(q) for q in np.quantile(finite, (0.25, 0.5, 0.75)))
        tiny = _CONSTANT_SCALE * max(abs(center), 1.0)
        with np.errstate(over="ignore"):
            candidates = ((high - low) / _NORMAL_IQR, float(finite.std()), tiny)
        scale = next(s for s in candidates if _usable(s, center))
        return cls(center=center, scale=scale)

    @classmethod
    def refit(cls, current: "Grid", low: float, center: float, high: float) -> "Grid":
        """Fit to the quartiles of all rows; `current` stays unless it is far too coarse or fine.

        The first rows of a sorted file may look nothing like the rest of it.
        """
        scale = (high - low) / _NORMAL_IQR
        if not _usable(scale, center):
            return current
        ratio = scale / current.scale
        far = abs(center - current.center) > _MOST_OFF * scale
        fine = 1 / _MOST_OFF < ratio < _MOST_OFF and not far
        return current if fine else cls(center=center, scale=scale)

    @property
    def per_scale(self) -> float:
        """1 / scale."""
        return 1.0 / self.scale


def _usable(scale: float, center: float) -> bool:
    """Whether a step of this scale changes the centre, and the inverse of the scale is finite."""
    return bool(np.isfinite(scale) and scale > max(1e-300, 1e-13 * abs(center)))


def _edges() -> NDArray[np.float64]:
    """Edges in y, shape (BINS + 1,), ascending."""
    steps = np.arange(BINS_A_SIDE + 1)
    octave, step = np.divmod(steps, STEPS_AN_OCTAVE)
    outward = np.exp2(octave) * (1.0 + step / STEPS_AN_OCTAVE) - 1.0
    return np.concatenate([-outward[:0:-1], outward])


EDGES: Final = _edges()
"""Edges of the bins in y, shape (BINS + 1,)."""

CELL_EDGES: Final = EDGES[BINS_A_SIDE + BINS_A_CELL * np.arange(-CELLS_A_SIDE, CELLS_A_SIDE + 1)]
"""Edges of the cells in y, shape (CELLS + 1,); the outer cells reach on to infinity."""

assert OCTAVES * STEPS_AN_OCTAVE == BINS_A_SIDE  # noqa: S101 - layout of the kernels


_CELL_STARTS: Final = np.concatenate(
    [[0], BINS_A_SIDE + BINS_A_CELL * np.arange(1 - CELLS_A_SIDE, CELLS_A_SIDE)]
)


def fold_to_cells(
    bins: NDArray[_Number], *, out: NDArray[_Number] | None = None
) -> NDArray[_Number]:
    """Sum bins, shape (BINS,), into cells, shape (CELLS,); outer octaves join the last cells."""
    cells: NDArray[_Number] = np.add.reduceat(bins, _CELL_STARTS, out=out)
    return cells

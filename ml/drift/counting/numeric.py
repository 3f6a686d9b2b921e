"""The summary of a numeric column: a histogram and moments, merged by addition."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ml.drift.counting.grid import EDGES, Grid, fold_to_cells
from ml.drift.counting.history import Blocks, Days
from ml.drift.counting.kernels import values_adder
from ml.drift.counting.loops import (
    BINS,
    CELLS,
    FINITE,
    HIGHEST,
    INFINITE,
    LOWEST,
    MISSING,
    SQUARES,
)
from ml.drift.errors import DriftInputError

_TINY: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Filled:
    """The bins that hold rows, ascending: their indices, rows and means in y, shape (k,) each.

    below: rows below each bin, and all of them, shape (k + 1,); cells: the same rows by cell, shape
    (CELLS,); total: the sum of all y.
    """

    bins: NDArray[np.int64]
    rows: NDArray[np.int64]
    below: NDArray[np.int64]
    means: NDArray[np.float64]
    cells: NDArray[np.int64]
    total: float


def _no_moments() -> NDArray[np.float64]:
    moments = np.zeros(6)
    moments[LOWEST], moments[HIGHEST] = np.inf, -np.inf
    return moments


@dataclass(slots=True)
class NumericSummary:
    """Counts and sums on the grid, shape (BINS,) each; moments as in kernels; optional history."""

    grid: Grid
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(BINS))
    moments: NDArray[np.float64] = field(default_factory=_no_moments)
    history: Blocks | Days | None = None
    _filled: Filled | None = field(default=None, init=False, repr=False, compare=False)

    def add(self, values: NDArray[np.float64], days: NDArray[np.int64] | None = None) -> None:
        """Add values, shape (n,), NaN where missing, with their days since 1970, shape (n,)."""
        if isinstance(self.history, Days) and days is not None:
            self.history.add_numbers(values, days, self.grid)
        self._filled = None
        add = values_adder(
            values,
            center=self.grid.center,
            per_scale=self.grid.per_scale,
            to=(self.counts, self.sums, self.moments),
        )
        start = 0
        while start < len(values):
            blocks = self.history if isinstance(self.history, Blocks) else None
            stop = len(values) if blocks is None else min(len(values), start + blocks.room)
            add(start, stop)
            if blocks is not None and blocks.advance(stop - start):
                blocks.close(self._cells_and_missing())
            start = stop

    def finish(self) -> None:
        """Close the last block; nothing can be added afterwards."""
        if isinstance(self.history, Blocks):
            self.history.finish(self._cells_and_missing())

    def _cells_and_missing(self) -> NDArray[np.int64]:
        found = np.empty(CELLS + 1, np.int64)
        fold_to_cells(self.counts, out=found[:CELLS])
        found[CELLS] = self.moments[MISSING] + self.moments[INFINITE]
        return found

    @property
    def cells(self) -> NDArray[np.int64]:
        """Counts by cell, shape (CELLS,)."""
        return self.filled.cells

    def merge(self, other: "NumericSummary") -> None:
        """Add another summary made on the same grid.

        Raises:
            DriftInputError: the grids differ, so the bins mean different values.
        """
        if other.grid != self.grid:
            raise DriftInputError(
                f"two summaries on different grids ({self.grid} and {other.grid}) cannot be added; "
                "make both with one layout"
            )
        self._filled = None
        self.counts += other.counts
        self.sums += other.sums
        lowest = min(self.moments[LOWEST], other.moments[LOWEST])
        highest = max(self.moments[HIGHEST], other.moments[HIGHEST])
        self.moments += np.where(np.isfinite(other.moments), other.moments, 0.0)
        self.moments[LOWEST], self.moments[HIGHEST] = lowest, highest
        if self.history is not None and other.history is not None:
            self.history.merge(other.history)

    @property
    def filled(self) -> Filled:
        """The bins that hold rows; cached until rows are added."""
        if self._filled is None:
            start, stop = self._used()
            counts, sums = self.counts[start:stop], self.sums[start:stop]
            places = counts.nonzero()[0]
            rows = counts[places]
            below = np.zeros(len(rows) + 1, np.int64)
            rows.cumsum(out=below[1:])
            self._filled = Filled(
                bins=places + start,
                rows=rows,
                below=below,
                means=sums[places] / rows,
                cells=fold_to_cells(self.counts),
                total=float(sums.sum()),
            )
        return self._filled

    def _used(self) -> tuple[int, int]:
        """First and last index between which bins may hold rows."""
        if not self.finite:
            return 0, 0
        # Most of the grid lies beyond the extremes and is skipped. Rounding may move an edge by one
        # bin.
        ends = (
            (end - self.grid.center) * self.grid.per_scale for end in (self.lowest, self.highest)
        )
        first, last = (int(EDGES.searchsorted(end)) for end in ends)
        return max(first - 2, 0), last + 2

    @property
    def rows(self) -> int:
        """Number of rows, including those with missing and infinite values."""
        return int(self.moments[FINITE] + self.moments[MISSING] + self.moments[INFINITE])

    @property
    def finite(self) -> int:
        """Number of rows with a finite value."""
        return int(self.moments[FINITE])

    @property
    def missing(self) -> int:
        """Number of rows without a value, including NaN."""
        return int(self.moments[MISSING])

    @property
    def infinite(self) -> int:
        """Number of rows with plus or minus infinity."""
        return int(self.moments[INFINITE])

    @property
    def lowest(self) -> float:
        """Smallest finite value; NaN if there is none."""
        return float(self.moments[LOWEST]) if self.finite else float("nan")

    @property
    def highest(self) -> float:
        """Largest finite value; NaN if there is none."""
        return float(self.moments[HIGHEST]) if self.finite else float("nan")

    @property
    def is_constant(self) -> bool:
        """Whether all finite values are equal."""
        return self.finite > 0 and self.lowest == self.highest

    @property
    def mean(self) -> float:
        """Mean of the finite values; NaN if there is none."""
        if not self.finite:
            return float("nan")
        return self.grid.center + self.grid.scale * self.filled.total / self.finite

    @property
    def sd(self) -> float:
        """Standard deviation (divisor n) of the finite values; exactly 0 for a constant column."""
        if not self.finite:
            return float("nan")
        if self.is_constant:
            return 0.0
        mean = self.filled.total / self.finite
        variance = float(self.moments[SQUARES]) / self.finite - mean * mean
        return self.grid.scale * float(np.sqrt(max(variance, 0.0)))

    def quantile(self, *shares: float) -> tuple[float, ...]:
        """Quantiles at these shares (0-1), exact to one bin, in the column's unit."""
        if not self.finite:
            return tuple(float("nan") for _ in shares)
        filled, rows = self.filled, self.finite
        low, high, center, scale = self.lowest, self.highest, self.grid.center, self.grid.scale
        ranks = [min(max(share * rows, _TINY), rows) for share in shares]
        found = []
        # One by one: there are few shares, and arrays of three cost more than they save.
        for rank, place in zip(ranks, filled.below[1:].searchsorted(ranks).tolist(), strict=True):
            count, y = filled.rows.item(place), filled.means.item(place)
            if count > 1:
                # Two straight lines through the bin's own mean keep the mass of every bin.
                at = filled.bins.item(place)
                inside = 2 * (rank - filled.below.item(place)) / count
                end = EDGES.item(at if inside < 1 else at + 1)
                y += (end - y) * abs(inside - 1)
            found.append(min(max(center + scale * y, low), high))
        return tuple(found)

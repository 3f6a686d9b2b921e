"""What the verdict compares: a numeric column as cells with values, groups and its spread."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ml.drift.counting.grid import CELL_EDGES, fold_to_cells
from ml.drift.counting.kernels import CELLS
from ml.drift.counting.numeric import NumericSummary

CLIP_SHARE: Final = 0.001
_GROUP_CUTS: Final = np.array(
    [
        *(0.001, 0.005, 0.01, 0.025),
        *(step / 20 for step in range(1, 20)),
        *(0.975, 0.99, 0.995, 0.999),
    ]
)
LEAST_EXPECTED: Final = 15.0
_CELL_MIDDLES: Final = (CELL_EDGES[:-1] + CELL_EDGES[1:]) / 2


@dataclass(frozen=True, slots=True)
class Shape:
    """The reference of one numeric column, reduced to what a daily verdict needs.

    The outer 0.1 % on each side are drawn in to the quantiles there, so that one wild value can
    neither make nor hide drift; the groups keep thin tails in sight instead.
    """

    counts: NDArray[np.int64]  # (CELLS,)
    gaps: NDArray[np.float64]  # (CELLS - 1,): distance of neighbouring cells' values, in spreads
    cdf: NDArray[np.float64]  # (CELLS - 1,): reference CDF in those gaps
    groups: NDArray[np.int64]  # (CELLS,): group of each cell, ascending from 0
    spread: float  # standard deviation within the clipped range, in the column's unit


def shape_of(summary: NumericSummary) -> Shape:
    """Reduce a reference summary; a constant one has spread 0 and no gaps."""
    counts = summary.cells
    total = max(int(counts.sum()), 1)
    sums = fold_to_cells(summary.sums)
    values = np.where(counts > 0, sums / np.maximum(counts, 1), _CELL_MIDDLES)
    grid = summary.grid
    low, high = (
        (value - grid.center) * grid.per_scale
        for value in summary.quantile(CLIP_SHARE, 1 - CLIP_SHARE)
    )
    clipped = values.clip(low, high)
    mean = float((counts * clipped).sum()) / total
    spread = float(np.sqrt((counts * (clipped - mean) ** 2).sum() / total))
    if summary.is_constant:
        spread = 0.0
    gaps = (clipped[1:] - clipped[:-1]) / spread if spread > 0 else np.zeros(CELLS - 1)
    cdf = counts.cumsum() / total
    # Groups are cut near the quantiles, finer in the tails. A cell belongs to the one that its own
    # middle falls into: an atom is never cut.
    groups = _numbered(_GROUP_CUTS.searchsorted(cdf - counts / total / 2))
    return Shape(counts=counts, gaps=gaps, cdf=cdf[:-1], groups=groups, spread=spread * grid.scale)


def _numbered(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Labels of groups side by side, shape (k,), as 0, 1, 2 ..."""
    groups = np.zeros(len(labels), np.int64)
    np.cumsum(labels[1:] != labels[:-1], out=groups[1:])
    return groups


def group_counts(cells: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sum cells (..., CELLS) by group; groups ascend along the cells."""
    starts = np.searchsorted(groups, np.arange(int(groups[-1]) + 1))
    return np.asarray(np.add.reduceat(cells, starts, axis=-1), np.int64)


def joined(reference: NDArray[np.int64], size: float) -> NDArray[np.int64]:
    """New group of each group, shape (k,), so that about `size` rows fill every one.

    Neighbours join from the outside inwards until `LEAST_EXPECTED` rows are expected in each: the
    tails stay apart as long as they can.
    """
    counts = reference.tolist()
    upto = list(accumulate(counts))
    expected = [count / max(upto[-1], 1) * size for count in counts]
    half = bisect_left(upto, upto[-1] / 2) + 1
    lower, _ = _runs(expected[:half])
    upper, left = _runs(expected[: half - 1 : -1])
    # Where the innermost upper run has too few rows, it joins the middle.
    marks = [lower[-1] if left > 0 and run == upper[-1] else -1 - run for run in upper]
    return _numbered(np.array([*lower, *reversed(marks)]))


def _runs(expected: Sequence[float]) -> tuple[list[int], float]:
    """The run of each: the next begins when `LEAST_EXPECTED` rows are in one; and the last's rows.

    The last one's are 0 when it has enough.
    """
    runs = []
    run, filled = 0, 0.0
    for rows in expected:
        runs.append(run)
        filled += rows
        if filled >= LEAST_EXPECTED:
            run, filled = run + 1, 0.0
    return runs, filled

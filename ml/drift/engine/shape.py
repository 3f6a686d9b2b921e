"""What the verdict compares: a numeric column as cells with values, groups and its spread."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ml.drift.engine.grid import CELL_EDGES, fold_to_cells
from ml.drift.engine.kernels import CELLS
from ml.drift.engine.numeric import NumericSummary

CLIP_SHARE: Final = 0.001
_GROUP_CUTS: Final = np.array(
    [
        *(0.001, 0.005, 0.01, 0.025),
        *(step / 20 for step in range(1, 20)),
        *(0.975, 0.99, 0.995, 0.999),
    ]
)
LEAST_EXPECTED: Final = 15.0


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
    inner = (CELL_EDGES[:-1] + CELL_EDGES[1:]) / 2
    values = np.where(counts > 0, sums / np.maximum(counts, 1), inner)
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
    gaps = np.diff(clipped) / spread if spread > 0 else np.zeros(CELLS - 1)
    cdf = np.cumsum(counts)[:-1] / total
    return Shape(
        counts=counts, gaps=gaps, cdf=cdf, groups=_groups(counts), spread=spread * grid.scale
    )


def _groups(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Cut the cells near the reference's quantiles; finer in the tails."""
    total = max(int(counts.sum()), 1)
    cdf = np.cumsum(counts) / total
    # A cell belongs to the group its own middle falls into: an atom is never cut.
    middle = cdf - counts / total / 2
    return _numbered(_GROUP_CUTS.searchsorted(middle))


def _numbered(ascending: NDArray[np.int64]) -> NDArray[np.int64]:
    """Labels that ascend, shape (k,), as 0, 1, 2 ... without gaps."""
    groups = np.zeros(len(ascending), np.int64)
    np.cumsum(ascending[1:] != ascending[:-1], out=groups[1:])
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
    shares = reference / max(int(reference.sum()), 1) * size
    half = int(np.searchsorted(shares.cumsum(), shares.sum() / 2))
    expected = shares.tolist()
    target = np.zeros(len(expected), np.int64)
    label, filled, last = 0, 0.0, len(expected) - 1
    for i in range(half + 1):
        target[i] = label
        filled += expected[i]
        if filled >= LEAST_EXPECTED and i < half:
            label, filled = label + 1, 0.0
    top, filled_top = last, 0.0
    marks = np.zeros(len(expected), np.int64)
    for i in range(last, half, -1):
        marks[i] = top
        filled_top += expected[i]
        if filled_top >= LEAST_EXPECTED:
            top, filled_top = i - 1, 0.0
    if half < last:
        target[half + 1 :] = label + 1 + (marks[half + 1 :] - marks[half + 1])
        if filled_top > 0:  # the innermost upper group is too small: it joins the middle
            target[target == target[half + 1]] = label
    return _numbered(target)

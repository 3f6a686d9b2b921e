"""Chi-square over groups of cells or over categories, as an effect size: Cohen's w."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainccinv

from ml.drift.counting.category import MISSING_SLOT, CategorySummary
from ml.drift.counting.columns import Summary
from ml.drift.reference.column_reference import ColumnReference, Units, is_compared
from ml.drift.reference.overdispersion import Overdispersion, UnitSquares
from ml.drift.result import AlarmBudget, ColumnResult, Kind, Signal
from ml.drift.statistics.registry import Pair, Statistic

LEAST_EXPECTED: Final = 15.0
_LEAST_UNIT_EXPECTED: Final = 2.0
_GROUP_CUTS: Final = np.array(
    [
        *(0.001, 0.005, 0.01, 0.025),
        *(step / 20 for step in range(1, 20)),
        *(0.975, 0.99, 0.995, 0.999),
    ]
)


class Shares(Statistic):
    """Chi-square of the shares of groups or categories; undefined if there is only one."""

    name = "shares"
    label = "shares"
    method = "of the rows by bin or category: chi-square as Cohen's w"
    alarm_share = 0.12
    is_effect_size = True
    has_past = True

    def signal(self, pair: Pair, alarm_budget: AlarmBudget, *, chance: float) -> Signal | None:
        """See `Statistic.signal`."""
        if pair.counts is None or not pair.counts.current.sum():
            return None
        sides = np.stack([pair.counts.reference, pair.counts.current])
        groups = groups_of(pair.reference.summary, rows=float(pair.counts.current.sum()))
        found = chi_square(*summed(sides, groups))
        if not float(found.mean) > 0:
            return None
        limit = chi_square_limit(found, pair.past(self.name), chance=chance)
        return Signal(self.name, float(found.effect), max(limit, alarm_budget.smallest_effect))

    def unit_squares(self, reference: ColumnReference, units: Units) -> UnitSquares | None:
        """See `Statistic.unit_squares`."""
        if units.values is None or not is_compared(reference.summary):
            return None
        rest = units.values
        # Only the mean of chi-square is used, which is exact for thin groups as well.
        rows = float(np.median(rest.units.sum(axis=1)))
        groups = groups_of(reference.summary, rows=rows * LEAST_EXPECTED / _LEAST_UNIT_EXPECTED)
        return squares_of(chi_square(summed(rest.others, groups), summed(rest.units, groups)))

    def figure(self, value: float) -> str:
        """Cohen's w."""
        return f"w = {value:.2f}"

    def change(self, column: ColumnResult, value: str, limit: str) -> str:
        """See `Statistic.change`."""
        if column.kind is Kind.CATEGORY:
            return f"changed the shares of its categories by {value} (limit {limit})"
        return f"changed its shape by {value} (limit {limit})"


STATISTIC: Final = Shares()


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """Two-sample chi-square with its mean and variance without drift; arrays of one shape."""

    value: NDArray[np.float64]
    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    weight: NDArray[np.float64]

    @property
    def effect(self) -> NDArray[np.float64]:
        """Cohen's w without its bias; by convention 0.1 is small, 0.3 medium, 0.5 large."""
        return np.asarray(np.sqrt(np.maximum(self.value - self.mean, 0.0) / self.weight))


def chi_square(reference: NDArray[np.int64], current: NDArray[np.int64]) -> ChiSquare:
    """Chi-square of counts (..., k) on both sides; groups that are empty on both are skipped.

    Variance: Pearson's statistic over a multinomial, 2 (k - 1) + (sum 1/p - k^2 - 2k + 2) / e with
    the effective size e = n m / (n + m) (Cramer & Rao; exact for one sample, near for two).
    """
    n = reference.sum(axis=-1, keepdims=True).astype(np.float64)
    m = current.sum(axis=-1, keepdims=True).astype(np.float64)
    both = (reference + current).astype(np.float64)
    there = both > 0
    safe = np.where(there, both, 1.0)
    value = ((np.sqrt(m / n) * reference - np.sqrt(n / m) * current) ** 2 / safe).sum(axis=-1)
    groups = there.sum(axis=-1)
    share_inverse = np.where(there, (n + m) / safe, 0.0).sum(axis=-1)
    weight = (n * m / (n + m))[..., 0]
    mean = (groups - 1).astype(np.float64)
    variance = 2 * mean + np.maximum(share_inverse - groups**2 - 2 * groups + 2, 0.0) / weight
    return ChiSquare(value=value, mean=mean, variance=variance, weight=weight)


def squares_of(found: ChiSquare) -> UnitSquares:
    """Chi-square of every unit of the past, shape (units,), divided by its effective rows."""
    noise = float(np.sqrt(found.variance.mean())) / max(float(found.mean.mean()), 1e-9)
    return UnitSquares(found.value / found.weight, found.mean / found.weight, noise=noise)


def chi_square_limit(found: ChiSquare, past: Sequence[Overdispersion], *, chance: float) -> float:
    """Limit of one chi-square as an effect, w = sqrt((X2 - mean) / e); 0 for a single group.

    From the first three moments (Hall-Buckley-Eagleson), corrected for small groups. All
    overdispersion is put into one direction, (1 + excess e) times one of the squared normals: the
    heaviest tail that the excess allows.
    """
    mean, variance = float(found.mean), float(found.variance)
    effective_rows = float(found.weight)
    if mean <= 0:
        return 0.0
    extra = 0.0
    if past and all(d.excess > 0 for d in past):
        extra = min(d.excess * effective_rows * d.student(chance) for d in past)
    one = 1.0 + extra
    second = variance + 2 * (one**2 - 1)
    # A count of mean mu adds 1/mu to its square's variance and 22/mu to its third cumulant.
    third = 8 * mean + 22 * (variance - 2 * mean) + 8 * (one**3 - 1)
    shape = 4 * second**3 / third**2
    scale = third / (2 * second)
    start = mean + extra - shape * scale
    value = start + scale * float(gammainccinv(shape, chance))
    return math.sqrt(max(value - mean, 0.0) / effective_rows)


def groups_of(summary: Summary, *, rows: float) -> NDArray[np.int64]:
    """Group of every cell or category, such that so many rows fill every group."""
    if isinstance(summary, CategorySummary):
        return _category_groups(summary.counts[MISSING_SLOT + 1 :], rows)
    groups = _cell_groups(summary.cells)
    return _joined(group_counts(summary.cells, groups), rows)[groups]


def _cell_groups(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Group of each cell, shape (CELLS,), ascending from 0: cut at quantiles, finer in the tails.

    A cell belongs to the group that its middle falls into, so that an atom is never cut.
    """
    total = max(int(counts.sum()), 1)
    return _numbered(_GROUP_CUTS.searchsorted(counts.cumsum() / total - counts / total / 2))


def _numbered(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Renumber runs of equal labels, shape (k,), as 0, 1, 2 ..."""
    groups = np.zeros(len(labels), np.int64)
    np.cumsum(labels[1:] != labels[:-1], out=groups[1:])
    return groups


def group_counts(cells: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sum cells (..., CELLS) by group; groups ascend."""
    starts = np.searchsorted(groups, np.arange(int(groups[-1]) + 1))
    return np.asarray(np.add.reduceat(cells, starts, axis=-1), np.int64)


def summed(counts: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sum counts (..., width) by group (width,), in any order."""
    if (groups[1:] < groups[:-1]).any():
        order = np.argsort(groups, kind="stable")
        counts, groups = counts[..., order], groups[order]
    return group_counts(counts, groups)


def _joined(reference: NDArray[np.int64], size: float) -> NDArray[np.int64]:
    """New group of each group, shape (k,), so that `size` rows fill every one.

    Neighbours join from the outside inwards until `LEAST_EXPECTED` rows are expected in each, which
    keeps the tails apart as long as possible.
    """
    counts = reference.tolist()
    upto = list(accumulate(counts))
    expected = [count / max(upto[-1], 1) * size for count in counts]
    half = bisect_left(upto, upto[-1] / 2) + 1
    lower, _ = _runs(expected[:half])
    upper, left = _runs(expected[: half - 1 : -1])
    # If the innermost upper run has too few rows, it joins the middle.
    marks = [lower[-1] if left > 0 and run == upper[-1] else -1 - run for run in upper]
    return _numbered(np.array([*lower, *reversed(marks)]))


def _runs(expected: Sequence[float]) -> tuple[list[int], float]:
    """Number runs so that each has `LEAST_EXPECTED` rows, and return the rows of the last one.

    0 if the last one has enough rows.
    """
    runs = []
    run, filled = 0, 0.0
    for rows in expected:
        runs.append(run)
        filled += rows
        if filled >= LEAST_EXPECTED:
            run, filled = run + 1, 0.0
    return runs, filled


def _category_groups(counts: NDArray[np.int64], rows: float) -> NDArray[np.int64]:
    """Group categories that are too rare for so many rows together, as group 0."""
    expected = counts / max(int(counts.sum()), 1) * rows
    common = expected >= LEAST_EXPECTED
    groups = np.zeros(len(counts), np.int64)
    groups[common] = np.arange(1, int(common.sum()) + 1)
    if common.any() and 0 < expected[~common].sum() < LEAST_EXPECTED:
        # Together the rare ones are still too few, so they join the smallest common one.
        smallest = int(np.argmin(np.where(common, expected, np.inf)))
        groups[~common] = groups[smallest]
    _, compact = np.unique(groups, return_inverse=True)
    return compact.astype(np.int64)

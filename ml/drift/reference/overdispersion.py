"""Overdispersion: how much more the blocks or days of the reference vary than independent rows.

Rows of one day are autocorrelated, and weekdays differ. A limit for independent rows would then
alarm daily. So each unit of the history is compared with the others, and the variance that
independent rows do not explain is kept as `excess`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

WEEK: Final = 7
MATCH_DAYS: Final = 84  # twelve of each weekday
_LEAST_UNITS: Final = 8
_WHOLE: Final = 0.5  # share of its usual rows that a unit must have
DAY_LENGTHS: Final = (1, WEEK, 2 * WEEK, 4 * WEEK)
BLOCK_LENGTHS: Final = (1, 2, 4)
_SIGNIFICANT: Final = 3.0


@dataclass(frozen=True, slots=True)
class UnitSquares:
    """The squared statistic of every unit of one column, and its expectation for independent rows.

    values, expected: shape (units,). For the area between CDFs the statistic is the squared
    area, for chi-square its value divided by the effective size.
    """

    values: NDArray[np.float64]
    expected: NDArray[np.float64]
    noise: float  # standard deviation over mean of one value where rows are independent

    @property
    def ratio(self) -> float:
        """Observed over expected; 1 if rows are independent."""
        return float(self.values.mean() / self.expected.mean())

    @property
    def ratio_error(self) -> float:
        """Standard error of the ratio if rows are independent."""
        return max(self.noise / float(np.sqrt(len(self.values))), 1e-9)


@dataclass(frozen=True, slots=True)
class Overdispersion:
    """An estimate for one statistic of one column.

    Args:
        excess: mean square of the statistic beyond independent rows, for windows of any size.
        units: number of blocks or days that it is estimated from; 0 without history.
        length: number of neighbouring blocks or days joined into one unit.
    """

    excess: float = 0.0
    units: int = 0
    length: int = 1

    def student(self, chance: float) -> float:
        """(Student's t quantile / normal quantile) ** 2: allows for estimates from few units."""
        if self.units < _LEAST_UNITS:
            return 1.0
        outer = 1 - chance / 2
        return float(stdtrit(self.units - 1, outer) / ndtri(outer)) ** 2


def learn(columns: Sequence[UnitSquares | None], *, length: int = 1) -> list[Overdispersion]:
    """Estimate the overdispersion of every column, shrunk towards the mean of the columns.

    A column whose excess is below three standard errors counts as independent: otherwise noise in
    the past would hide changes of large windows.
    """
    usable = [c for c in columns if c is not None and _is_usable(c)]
    if not usable:
        return [Overdispersion() for _ in columns]
    ratios = np.array([c.ratio for c in usable])
    errors = np.array([c.ratio_error for c in usable])
    common = float(np.average(ratios, weights=1 / errors**2)) if len(usable) > 1 else 1.0
    between = max(float(ratios.var()) - float((errors**2).mean()), 0.0) if len(usable) > 1 else 1e9
    pooled_error = float(1 / np.sqrt((1 / errors**2).sum()))
    estimates = {}
    for column, error in zip(usable, errors, strict=True):
        pull = between / (between + error**2)
        ratio = pull * column.ratio + (1 - pull) * common
        sure = np.sqrt(pull * error**2 + (1 - pull) ** 2 * pooled_error**2)
        estimates[id(column)] = ratio if ratio - 1 > _SIGNIFICANT * sure else 1.0
    return [
        Overdispersion()
        if column is None or id(column) not in estimates
        else Overdispersion(
            excess=(estimates[id(column)] - 1) * float(column.expected.mean()),
            units=len(column.values),
            length=length,
        )
        for column in columns
    ]


def _is_usable(column: UnitSquares) -> bool:
    return len(column.values) >= _LEAST_UNITS and float(column.expected.mean()) > 0


@dataclass(frozen=True, slots=True)
class Rest:
    """Counts of each unit and of what it is compared with, shape (units, k); no side is empty."""

    units: NDArray[np.int64]
    others: NDArray[np.int64]

    @classmethod
    def of(cls, units: NDArray[np.int64], others: NDArray[np.int64]) -> "Rest | None":
        """Leave out pairs with an empty side; None if no pair is left."""
        filled = (units.sum(axis=1) > 0) & (others.sum(axis=1) > 0)
        return cls(units[filled], others[filled]) if filled.any() else None

    @property
    def effective(self) -> NDArray[np.float64]:
        """Effective rows n m / (n + m) of every pair, shape (units,)."""
        n = self.others.sum(axis=1).astype(np.float64)
        m = self.units.sum(axis=1).astype(np.float64)
        return np.asarray(n * m / np.maximum(n + m, 1.0), np.float64)


def together(counts: NDArray[np.int64], days: Sequence[int], length: int) -> NDArray[np.int64]:
    """Sum neighbouring units (units, k), `length` blocks or calendar days at a time."""
    place = np.array(days) - days[0] if days else np.arange(len(counts))
    group = place // length
    rows = counts.sum(axis=1)
    joined = np.zeros((int(group[-1]) + 1, counts.shape[1]), np.int64)
    np.add.at(joined, group, counts)
    whole = joined.sum(axis=1) >= _WHOLE * length * np.median(rows)
    return np.asarray(joined[whole], np.int64)


def against_the_rest(counts: NDArray[np.int64]) -> Rest | None:
    """Pair every unit, shape (units, k), with the sum of all others."""
    return Rest.of(counts, counts.sum(axis=0) - counts)


def against_same_weekday(counts: NDArray[np.int64], days: Sequence[int]) -> Rest | None:
    """Pair every day with the sum of the other days of its weekday; days since 1970."""
    weekday = np.array(days) % WEEK
    others = np.empty_like(counts)
    for w in range(WEEK):
        mine = weekday == w
        others[mine] = counts[mine].sum(axis=0) - counts[mine]
    return Rest.of(counts, others)


def is_weekly(of_days: Overdispersion, same_weekday: Overdispersion, *, days: int) -> bool:
    """Whether comparing days of one weekday removes at least half of the overdispersion."""
    enough = days >= MATCH_DAYS and of_days.excess > 0
    return enough and same_weekday.excess < of_days.excess / 2

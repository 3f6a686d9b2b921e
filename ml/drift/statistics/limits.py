"""From the false alarms a person accepts to the limit of each statistic of each feature."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from scipy.special import betainc, gammainccinv, ndtri

from ml.drift.errors import DriftInputError
from ml.drift.statistics.null import DistanceNull
from ml.drift.statistics.overdispersion import Dependence


class Statistic(StrEnum):
    """What is measured of a feature."""

    DISTANCE = "distance"  # area between the CDFs, in reference spreads
    SHARES = "shares"  # chi-square over bins or categories, as Cohen's w
    UNSEEN = "unseen"  # share of rows with a value the reference does not have
    MISSING = "missing"  # change of the missing share, as Cohen's w


SPLIT: Final[Mapping[Statistic, float]] = {
    Statistic.DISTANCE: 0.70,
    Statistic.SHARES: 0.12,
    Statistic.UNSEEN: 0.12,  # never together with a distance
    Statistic.MISSING: 0.05,
}
"""How a feature's chance of a false alarm is spread over its statistics."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What the user accepts and cares about, in words a person understands.

    Args:
        false_alarms_per_year: of the whole set of columns, when nothing changes.
        checks_per_year: 365 for a daily check.
        smallest_effect: what matters at all: a shift in standard deviations, and Cohen's w.
        smallest_share: what matters of new or missing values: a share of the rows.
        least_rows: fewer are never judged.
        largest_limit_sd: a check that cannot see a change of this size says so.
    """

    false_alarms_per_year: float = 1.0
    checks_per_year: float = 365.0
    smallest_effect: float = 0.05
    smallest_share: float = 0.01
    least_rows: int = 200
    largest_limit_sd: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.false_alarms_per_year <= self.checks_per_year:
            raise DriftInputError(
                f"false_alarms_per_year is {self.false_alarms_per_year}; it must lie above 0 and "
                f"not above the number of checks a year, {self.checks_per_year}"
            )

    def chance(self, features: int, statistic: Statistic) -> float:
        """Chance of a false alarm left for one statistic of one of so many features."""
        per_check = self.false_alarms_per_year / self.checks_per_year
        return per_check / max(features, 1) * SPLIT[statistic]


def distance_limit(
    null: DistanceNull, past: Sequence[Dependence], *, effective_rows: float, chance: float
) -> float:
    """Limit of the distance: by chance among independent rows, or by the reference's own unrest.

    Of several views of the past the calmest counts: longer units average more of the unrest away,
    and are fewer.

    Unrest acts like a normal shift of a whole day: the squared distance is then at most a squared
    normal of its mean, which is the widest that a mean allows here.
    """
    by_chance = null.limit(chance, effective_rows)
    if not past or any(d.excess <= 0 for d in past):
        return by_chance
    independent = float(null.square_at(np.array(effective_rows)))
    normal = float(ndtri(1 - chance / 2)) ** 2
    by_history = min((independent + d.excess) * normal * d.student(chance) for d in past)
    return max(by_chance, math.sqrt(by_history))


def share_limit(
    mean: float,
    variance: float,
    past: Sequence[Dependence],
    *,
    effective_rows: float,
    chance: float,
) -> float:
    """Limit of chi-square as an effect: w = sqrt((X2 - mean) / e); 0 where there is one group.

    By the statistic's first three moments (Hall-Buckley-Eagleson), with what small groups add for
    independent rows, and with all unrest in one direction, (1 + excess e) times one of the squared
    normals, which is the heaviest tail that the excess allows.
    """
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


def unseen_chance(unseen: int, *, current_rows: int, rare: int, reference_rows: int) -> float:
    """Chance of so many new or rare rows when the reference had `rare` of them (beta-binomial)."""
    if unseen == 0:
        return 1.0
    share = current_rows / (current_rows + reference_rows)
    return float(betainc(unseen, rare + 1, share))


def most_unseen(*, current_rows: int, rare: int, reference_rows: int, chance: float) -> int:
    """The most new or rare rows that chance explains, by bisection."""
    low, high = 0, current_rows
    while high - low > 1:
        middle = (low + high) // 2
        found = unseen_chance(
            middle, current_rows=current_rows, rare=rare, reference_rows=reference_rows
        )
        low, high = (middle, high) if found > chance else (low, middle)
    return low


def change_by_chance(reference: tuple[int, int], current: tuple[int, int], chance: float) -> float:
    """Largest change of a share that chance explains, in the direction in which it changed.

    Both sides as rows (there, missing). Chi-square of few missing rows has a far longer tail than
    its moments tell (four expected among 200: alarms 4 times too often), so the counts are taken as
    what they are: rare rows, beta-binomial. Going down is going up with the sides exchanged.
    """
    n, m = sum(reference), sum(current)
    rare = 0 if reference[0] < reference[1] else 1
    before, now = reference[rare], current[rare]
    common = before / n
    if now / m >= common:
        most = most_unseen(current_rows=m, rare=before, reference_rows=n, chance=chance / 2)
        change = (most + 0.5) / m - common
    else:
        low, high = -1, math.ceil(common * m)  # so few are too few, so many are not
        while high - low > 1:
            middle = (low + high) // 2
            found = unseen_chance(before, current_rows=n, rare=middle, reference_rows=m)
            low, high = (low, middle) if found > chance / 2 else (middle, high)
        change = common - (high - 0.5) / m
    # Rare rows vary as counts do; common ones less: a row is missing once at most.
    return max(change, 0.0) * math.sqrt(1 - common)

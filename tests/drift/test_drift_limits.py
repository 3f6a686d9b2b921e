"""Limits of statistics against closed forms and exact enumeration."""

import math
from itertools import pairwise

import numpy as np
import pytest

from ml.drift.reference.null import simulate_nulls
from ml.drift.reference.overdispersion import Overdispersion
from ml.drift.result import AlarmBudget
from ml.drift.statistics.distance import distance_limit
from ml.drift.statistics.missing import STATISTIC as MISSING
from ml.drift.statistics.missing import change_by_chance, missing_signal
from ml.drift.statistics.unseen import most_unseen

BUDGET = AlarmBudget()
CHANCE = BUDGET.chance(columns=50) * MISSING.alarm_share
MANY = 1e12  # rows: nearly infinitely many


@pytest.fixture(scope="module")
def uniform():
    """The null distribution for a uniform column over 0 to sqrt(12), whose sd is 1."""
    cdf = np.arange(1, 400) / 400
    return simulate_nulls([(np.full(399, math.sqrt(12) / 400), cdf)], draws=40_000)[0]


def test_area_under_a_brownian_bridge_has_its_published_moments(uniform):
    # Shepp (1982), Annals of Probability 10(1): E int |B| = sqrt(pi / 32), E (int |B|)^2 = 7 / 60
    mean = float(uniform.mean_at(np.array(MANY))) * math.sqrt(MANY)
    square = float(uniform.square_at(np.array(MANY))) * MANY

    assert mean == pytest.approx(math.sqrt(math.pi / 32 * 12), rel=0.01)
    assert square == pytest.approx(7 / 60 * 12, rel=0.02)


def test_far_tail_of_the_area_approaches_the_normal_tail(scipy_stats, uniform):
    # Far out a bridge keeps one sign: int |B| > x is |int B| > x, and int B has variance 1 / 12.
    for chance in (1e-4, 1e-5, 1e-6):
        found = uniform.limit(chance, MANY) * math.sqrt(MANY)

        assert 0.99 < found / scipy_stats.norm.isf(chance / 2) < 1.06


def test_limits_grow_as_false_alarm_chance_or_rows_shrink(uniform):
    by_chance = [uniform.limit(chance, 1_000.0) for chance in (0.3, 0.1, 0.02, 1e-3, 1e-6)]
    by_rows = [uniform.limit(1e-4, rows) for rows in (1e6, 1e4, 700.0, 150.0, 40.0)]

    assert all(one < other for one, other in pairwise(by_chance))
    assert all(one < other for one, other in pairwise(by_rows))


@pytest.mark.parametrize("share", [0.0005, 0.01, 0.02, 0.05, 0.2])
@pytest.mark.parametrize(("reference_rows", "rows"), [(2_000, 200), (20_000, 200), (20_000, 1_000)])
def test_false_alarms_of_the_missing_share_stay_within_the_budget(
    scipy_stats, share, reference_rows, rows
):
    # Exact: every count of the window against counts of the reference, each with its probability.
    least, most = (int(end) for end in scipy_stats.binom.ppf([1e-9, 1 - 1e-9], rows, share))
    counts = np.arange(max(least - 1, 0), most + 2)
    weights = scipy_stats.binom.pmf(counts, rows, share)
    steps = (np.arange(25) + 0.5) / 25
    alarms = 0.0
    for before in scipy_stats.binom.ppf(steps, reference_rows, share).astype(int).tolist():
        for now, weight in zip(counts.tolist(), weights, strict=True):
            if abs(now / rows - before / reference_rows) <= BUDGET.smallest_share:
                continue
            signal = missing_signal(
                (reference_rows - before, before), (rows - now, now), (), BUDGET, chance=CHANCE
            )
            alarms += float(weight) * (signal.ratio > 1) / len(steps)

    assert alarms <= CHANCE


def test_limit_of_missing_rows_is_symmetric_in_missing_and_present_rows():
    up = change_by_chance((980, 20), (960, 40), 1e-4)

    assert change_by_chance((20, 980), (40, 960), 1e-4) == up
    assert 0.01 < up < 0.04


def test_values_that_are_no_longer_missing_are_drift():
    signal = missing_signal((19_000, 1_000), (1_000, 0), (), BUDGET, chance=CHANCE)

    assert signal.ratio > 1


def test_limit_of_unseen_rows_is_poisson_for_a_large_reference():
    # 20 single rows among a million predict 0.2 new ones among 10,000: P(N >= 5) = 2.3e-6 (Poisson)
    most = most_unseen(current_rows=10_000, rare=20, reference_rows=1_000_000, chance=5e-6)

    assert most == 4


def test_limit_grows_with_the_smallest_overdispersion(scipy_stats, uniform):
    def _limit(*past):
        return distance_limit(uniform, past, effective_rows=1_000.0, chance=1e-4)

    none, strong = Overdispersion(excess=0.0, units=100), Overdispersion(excess=0.04, units=100)

    assert _limit() == _limit(none)
    assert _limit(strong) > 2 * _limit()
    assert _limit(strong, Overdispersion(excess=0.01, units=100)) < _limit(strong)
    assert _limit(strong, none) == _limit()
    assert _limit(strong) > 0.2 * scipy_stats.norm.isf(0.5e-4)

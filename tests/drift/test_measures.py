import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.drift import HistoryKind, Profile, check
from ml.drift.counting.grid import Grid
from ml.drift.counting.numeric import NumericSummary
from ml.drift.errors import DriftInputError
from ml.drift.statistics.shares import chi_square
from ml.drift.verdict.measures import Steps, kolmogorov_smirnov, wasserstein

RNG_SEED = 20_260_314


def _summary(values, grid):
    summary = NumericSummary(grid=grid)
    summary.add(np.asarray(values, np.float64))
    return summary


def _pair(reference, current):
    grid = Grid.fit(np.asarray(reference, np.float64))
    return _summary(reference, grid), _summary(current, grid)


def _draw(name, rng, size):
    return {
        "normal": lambda: rng.normal(3, 2, size),
        "lognormal": lambda: rng.lognormal(size=size),
        "zero-inflated": lambda: np.where(rng.random(size) < 0.6, 0, rng.exponential(size=size)),
        "poisson": lambda: rng.poisson(3, size).astype(float),
        "t2": lambda: rng.standard_t(2, size),
        "two-point": lambda: (rng.random(size) < 0.3) * 5.0,
        "mixed scale": lambda: rng.normal(size=size) * np.where(rng.random(size) < 0.5, 1e-6, 1e6),
    }[name]()


NAMES = ["normal", "lognormal", "zero-inflated", "poisson", "t2", "two-point", "mixed scale"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_wasserstein_agrees_with_scipy_to_a_ten_thousandth_of_the_sd(scipy_stats, name, shift):
    rng = np.random.default_rng(RNG_SEED)
    reference = _draw(name, rng, 20_000)
    current = _draw(name, rng, 5_000) + shift * reference.std()

    found = wasserstein(Steps.of(*_pair(reference, current)))

    exact = scipy_stats.wasserstein_distance(reference, current)
    assert abs(found.value - exact) <= 1e-4 * reference.std()
    assert found.low <= exact <= found.high
    assert found.high - found.low <= 0.02 * reference.std()


@settings(deadline=None)  # the first example waits for imports
@given(
    st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=60),
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=60),
)
def test_bounds_contain_the_exact_distance_of_any_values(scipy_stats, reference, current):
    found = wasserstein(Steps.of(*_pair(reference, current)))

    exact = scipy_stats.wasserstein_distance(reference, current)
    rounding = 1e-9 * (1 + max(map(abs, reference + current)))
    assert found.low - rounding <= exact <= found.high + rounding
    assert found.low - rounding <= found.value <= found.high + rounding


@settings(deadline=None)  # the first example waits for imports
@given(
    st.lists(st.sampled_from([0.0, 1.0, 1.001, 2.0, 7.5, -3.0]), min_size=2, max_size=80),
    st.lists(st.sampled_from([0.0, 1.0, 1.001, 2.0, 7.5, -3.0]), min_size=1, max_size=80),
)
def test_bounds_contain_the_exact_distance_of_tied_values(scipy_stats, reference, current):
    found = wasserstein(Steps.of(*_pair(reference, current)))

    exact = scipy_stats.wasserstein_distance(reference, current)
    assert found.low - 1e-9 <= exact <= found.high + 1e-9


def test_shift_of_k_standard_deviations_has_distance_k():
    rng = np.random.default_rng(RNG_SEED)
    reference = rng.normal(size=30_000)

    found = wasserstein(Steps.of(*_pair(reference, reference + 2.5)))

    assert found.value == pytest.approx(2.5, rel=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_bounds_contain_the_exact_kolmogorov_smirnov_distance(scipy_stats, name):
    rng = np.random.default_rng(RNG_SEED)
    reference, current = _draw(name, rng, 5_000), _draw(name, rng, 2_000) * 1.3

    found = kolmogorov_smirnov(Steps.of(*_pair(reference, current)))

    exact = scipy_stats.ks_2samp(reference, current, method="asymp").statistic
    assert found.low - 1e-12 <= exact <= found.high + 1e-12


def test_chi_square_of_a_contingency_table_matches_the_published_value():
    # Agresti, Categorical Data Analysis, party identification by gender: X2 = 30.1, df = 2
    female, male = np.array([762, 327, 468]), np.array([484, 239, 477])

    found = chi_square(female, male)

    assert float(found.value) == pytest.approx(30.07, abs=0.01)
    assert float(found.mean) == 2


def test_chi_square_variance_matches_simulated_small_windows():
    rng = np.random.default_rng(RNG_SEED)
    shares = np.array([0.01, 0.04, 0.15, 0.8])
    reference = rng.multinomial(2_000_000, shares)
    windows = rng.multinomial(400, shares, size=20_000)

    found = chi_square(np.broadcast_to(reference, windows.shape), windows)

    assert float(found.value.mean()) == pytest.approx(3.0, rel=0.03)
    assert float(found.value.var()) == pytest.approx(float(found.variance.mean()), rel=0.1)


def test_distance_without_numbers_on_one_side_is_refused():
    reference, current = _pair([1.0, 2.0, 3.0], [np.nan, np.nan])

    with pytest.raises(DriftInputError, match="at least one number"):
        Steps.of(reference, current)


def test_file_with_constant_first_rows_gets_a_fine_grid(scipy_stats):
    rng = np.random.default_rng(1)
    values = np.concatenate([np.zeros(70_000), rng.normal(1e6, 1e4, 400_000)])
    current = rng.normal(1e6 + 3e3, 1e4, 20_000)

    reference = Profile.fit(pa.table({"x": values}), history=HistoryKind.NONE, draws=4_000)
    result = check(reference, pa.table({"x": current}))

    exact = scipy_stats.wasserstein_distance(values, current) / values.std()
    assert result["x"].wasserstein[0] == pytest.approx(exact, abs=1e-4)

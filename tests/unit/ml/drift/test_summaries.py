import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.drift.counting.category import MOST_CATEGORIES, CategorySummary
from ml.drift.counting.grid import CELL_EDGES, EDGES, Grid
from ml.drift.counting.history import MOST_BLOCKS, Blocks, Days
from ml.drift.counting.loops import BINS, BINS_A_SIDE, CELLS, STEPS_AN_OCTAVE
from ml.drift.counting.numeric import NumericSummary
from ml.drift.errors import DriftInputError


def _summary(values, grid=None, **kwargs):
    values = np.asarray(values, np.float64)
    summary = NumericSummary(grid=grid or Grid.fit(values), **kwargs)
    summary.add(values)
    summary.finish()
    return summary


def test_every_value_lies_inside_its_bin():
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.normal(size=5_000), rng.normal(size=5_000) * 1e4, [0.0, -0.0]])
    grid = Grid(center=0.0, scale=1.0)

    for value in values[::50]:
        k = int(np.flatnonzero(_summary([value], grid).counts)[0])
        assert EDGES[k] - 1e-12 * abs(value) <= value <= EDGES[k + 1] + 1e-12 * abs(value)


def test_cells_hold_the_rows_of_their_bins():
    rng = np.random.default_rng(2)
    values = rng.standard_t(1, 20_000)

    summary = _summary(values, Grid(center=0.0, scale=1.0))

    expected, _ = np.histogram(values, bins=np.r_[-np.inf, CELL_EDGES[1:-1], np.inf])
    assert len(CELL_EDGES) == CELLS + 1
    assert (summary.cells == expected).all()


@settings(deadline=None)  # the first example waits for imports
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=50))
def test_every_float_is_counted_once(values):
    summary = _summary(values)

    assert summary.rows == len(values)
    assert summary.missing == int(np.isnan(values).sum())
    assert int(summary.counts.sum()) == summary.finite


@settings(deadline=None)  # the first example waits for imports
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60),
    st.integers(0, 60),
)
def test_merged_summaries_equal_the_summary_of_all_rows(values, cut):
    grid = Grid.fit(np.array(values))
    whole = _summary(values, grid)

    first = _summary(values[:cut], grid)
    first.merge(_summary(values[cut:], grid))

    assert (first.counts == whole.counts).all()
    assert np.allclose(first.sums, whole.sums, rtol=1e-9, atol=1e-9)
    assert first.mean == pytest.approx(whole.mean, rel=1e-9, abs=1e-9)
    assert (first.lowest, first.highest) == (whole.lowest, whole.highest)


def test_moments_and_quantiles_agree_with_numpy():
    values = np.random.default_rng(3).lognormal(2, 1, 30_000)

    summary = _summary(values)

    assert summary.mean == pytest.approx(values.mean(), rel=1e-12)
    assert summary.sd == pytest.approx(values.std(), rel=1e-9)
    assert summary.quantile(0.01, 0.5, 0.9) == pytest.approx(
        np.quantile(values, (0.01, 0.5, 0.9)), rel=0.005
    )


def test_constant_column_has_zero_standard_deviation():
    summary = _summary(np.full(100, 7.25))

    assert summary.is_constant
    assert summary.sd == 0.0
    assert summary.quantile(0.1, 0.9) == (7.25, 7.25)


def test_summaries_on_different_grids_are_not_merged():
    one, other = _summary([1.0, 2.0, 3.0]), _summary([5.0, 6.0, 9.0])

    with pytest.raises(DriftInputError, match="different grids"):
        one.merge(other)


def test_grid_of_mostly_equal_values_has_a_positive_scale():
    assert Grid.fit(np.array([0.0] * 90 + [3.0] * 10)).scale > 0
    assert Grid.fit(np.full(5, -4.0)).scale == pytest.approx(4e-9)
    assert Grid.fit(np.zeros(5)).scale == pytest.approx(1e-9)
    assert Grid.fit(np.array([np.nan])) == Grid(center=0.0, scale=1.0)


def test_blocks_are_joined_at_their_limit_without_losing_rows():
    values = np.arange(100_000, dtype=float)

    summary = _summary(values, history=Blocks())

    blocks = summary.history.counts
    assert 32 <= len(blocks) <= MOST_BLOCKS
    assert sum(int(b.sum()) for b in blocks) >= 100_000 - summary.history.size
    assert int(blocks[0].sum()) == summary.history.size


def test_rows_without_a_known_day_are_not_counted_by_day():
    summary = NumericSummary(grid=Grid(center=0.0, scale=1.0), history=Days())

    summary.add(np.array([0.0, 1.0, 2.0, np.nan]), np.array([10, 10, 11, -1]))

    assert sorted(summary.history.counts) == [10, 11]
    assert int(summary.history.counts[10].sum()) == 2
    assert summary.rows == 4


def _categories(values, **kwargs):
    summary = CategorySummary(**kwargs)
    _add(summary, values)
    summary.finish()
    return summary


def _add(summary, values):
    known = sorted({v for v in values if v is not None})
    index = {v: i for i, v in enumerate(known)}
    summary.add(known, np.array([-1 if v is None else index[v] for v in values], np.int64))


def test_categories_and_missing_rows_are_counted():
    summary = _categories(["a", "b", None, "a"])

    assert summary.by_value() == {"a": 2, "b": 1}
    assert (summary.missing, summary.rows) == (1, 4)


@settings(deadline=None)  # the first example waits for imports
@given(
    st.lists(st.sampled_from("abcdef"), max_size=30),
    st.lists(st.sampled_from("defghi"), max_size=9),
)
def test_merged_categories_equal_those_of_all_rows(first, second):
    merged = _categories(first)
    merged.merge(_categories(second))

    assert merged.by_value() == _categories(first + second).by_value()


def test_free_text_buckets_do_not_depend_on_how_rows_are_split():
    texts = [f"user-{i}" for i in range(MOST_CATEGORIES + 200)]
    whole = _categories(texts)

    one = _categories(texts[:700])
    one.merge(_categories(texts[700:]))
    other = _categories(texts[:50])
    other.merge(_categories(texts[50:]))

    assert whole.is_text
    assert (one.counts == whole.counts).all()
    assert (other.counts == whole.counts).all()


def test_column_that_becomes_free_text_within_a_block_keeps_its_history():
    texts = [f"user-{i}" for i in range(MOST_CATEGORIES + 200)]

    summary = _categories(texts * 3, history=Blocks(size=300))

    assert summary.is_text
    assert sum(int(row.sum()) for row in summary.history.counts) == len(texts) * 3
    assert all((row >= 0).all() for row in summary.history.counts)


def test_bins_stay_within_the_documented_size():
    assert BINS * 16 <= 200_000


def _bin_of(y):
    """The documented bin, from the mantissa and exponent of 1 + |y|."""
    mantissa, exponent = np.frexp(1.0 + np.abs(y))
    k = (exponent.astype(np.int64) - 1) * STEPS_AN_OCTAVE
    k += np.floor((2 * mantissa - 1) * STEPS_AN_OCTAVE).astype(np.int64)
    k = np.minimum(k, BINS_A_SIDE - 1)
    return np.where(y >= 0, BINS_A_SIDE + k, BINS_A_SIDE - 1 - k)


@pytest.mark.parametrize("size", [1, 511, 512, 513, 5_000])
@pytest.mark.parametrize(
    "special", [[], [np.nan], [np.nan, np.inf, -np.inf], [0.0, -0.0], [1e150, -1e150, 5e-324]]
)
def test_counting_in_strips_equals_counting_one_by_one(size, special):
    rng = np.random.default_rng(7)
    values = rng.standard_t(1, size) * 10.0 ** rng.integers(-9, 9, size)
    values[rng.integers(0, size, len(special))] = special
    values[size // 2 :] = np.round(values[size // 2 :])
    grid = Grid(center=0.25, scale=1.5)

    found = _summary(values, grid)

    finite = values[np.isfinite(values)]
    y = (finite - grid.center) * grid.per_scale
    assert (found.counts == np.bincount(_bin_of(y), minlength=BINS)).all()
    assert np.allclose(found.sums, np.bincount(_bin_of(y), weights=y, minlength=BINS), rtol=1e-12)
    assert found.moments.tolist() == pytest.approx(
        [
            finite.size,
            np.isnan(values).sum(),
            np.isinf(values).sum(),
            finite.min(initial=np.inf),
            finite.max(initial=-np.inf),
            (y * y).sum(),
        ],
        rel=1e-12,
    )


def test_run_of_equal_values_is_counted_exactly():
    values = np.concatenate([np.full(2_000, 7.5), np.full(100, np.nan), np.full(300, -2.0)])

    found = _summary(values, Grid(center=0.0, scale=1.0))

    assert found.counts[found.counts > 0].tolist() == [300, 2_000]
    assert found.sums[found.counts > 0].tolist() == [-600.0, 15_000.0]
    assert (found.lowest, found.highest, found.missing) == (-2.0, 7.5, 100)


def test_cached_measures_are_invalidated_when_rows_are_added():
    grid = Grid(center=0.0, scale=1.0)
    added, merged = _summary([1.0, 2.0], grid), _summary([1.0, 2.0], grid)
    assert (added.mean, merged.cells.sum()) == (pytest.approx(1.5), 2)

    added.add(np.array([6.0]))
    merged.merge(_summary([6.0], grid))

    for summary in (added, merged):
        assert summary.mean == pytest.approx(3.0)
        assert summary.quantile(1.0) == (6.0,)
        assert summary.cells.sum() == 3

"""The machine code against the plain Python it was translated from."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.drift.counting import kernels, loops
from ml.drift.counting.loops import BINS, CELLS, STRIP

ANY_FLOATS = st.lists(
    st.one_of(
        st.floats(allow_nan=True, allow_infinity=True),
        st.sampled_from([0.0, -0.0, 1.0, -1.0, 127.0, 2.0**40, -(2.0**41), 1e308, 5e-324]),
    ),
    max_size=60,
)


def empty():
    moments = np.zeros(6)
    moments[loops.LOWEST], moments[loops.HIGHEST] = np.inf, -np.inf
    return np.zeros(BINS, np.int64), np.zeros(BINS), moments


def added(values, first, last, *, center=0.5, per_scale=3.0):
    to = empty()
    add = kernels.values_adder(np.asarray(values), center=center, per_scale=per_scale, to=to)
    add(first, last)
    return to


def added_in_python(values, first, last, *, center=0.5, per_scale=3.0):
    to = [array.tolist() for array in empty()]
    loops.add_values(values, first, last, center, per_scale, *to, [0.0] * STRIP, [0] * STRIP)
    return to


def test_shipped_machine_code_matches_the_current_loops():
    first_line = kernels.LOOPS.read_text("utf-8").partition("\n")[0]

    assert first_line.endswith(kernels.source_hash()), (
        "loops.py was changed: run python -m ml.drift.counting.translate"
    )


@settings(deadline=None)  # the first one makes the machine code
@given(ANY_FLOATS, st.data())
def test_machine_code_adds_values_like_python(values, data):
    first = data.draw(st.integers(0, len(values)))
    last = data.draw(st.integers(first, len(values)))

    counts, sums, moments = added(np.array(values, np.float64), first, last)

    expected = added_in_python(values, first, last)
    assert counts.tolist() == expected[0]
    assert sums.tolist() == expected[1]  # one by one in the order of the rows
    assert moments[: loops.SQUARES].tolist() == expected[2][: loops.SQUARES]
    assert moments[loops.SQUARES] == pytest.approx(expected[2][loops.SQUARES], rel=1e-12)


def test_machine_code_adds_several_strips_like_python():
    values = np.random.default_rng(1).standard_t(2, 3 * STRIP + 7)
    values[STRIP : 2 * STRIP] = 4.25  # strips of one value take another branch

    counts, sums, moments = added(values, 3, len(values))

    expected = added_in_python(values.tolist(), 3, len(values))
    assert counts.tolist() == expected[0]
    assert sums == pytest.approx(expected[1], rel=1e-12)
    assert moments == pytest.approx(expected[2], rel=1e-12)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(), st.integers(-1, 2)), max_size=40))
def test_machine_code_counts_days_like_python(rows):
    values, days = [value for value, _ in rows], [day for _, day in rows]
    cells = np.zeros((3, CELLS + 1), np.int64)

    kernels.add_days(np.array(values, np.float64), np.array(days, np.int64), 0.5, 3.0, cells)

    expected = [0] * cells.size
    loops.add_days(values, days, len(values), 0.5, 3.0, expected)
    assert cells.ravel().tolist() == expected


def test_machine_code_counts_uniforms_like_python():
    uniforms = np.random.default_rng(2).random((4, 50), dtype=np.float32)
    shares = np.array([0.1, 0.1, 0.35, 0.9])
    starts = np.searchsorted(shares, np.arange(8) / 8, side="right")
    counts = np.full((4, 4), np.nan, np.float32)

    kernels.count_uniforms(uniforms, shares, starts, counts)

    expected = [math.nan] * 16
    loops.count_uniforms(
        uniforms.ravel().tolist(), 4, 50, shares.tolist(), 4, starts.tolist(), 8, expected
    )
    assert counts.ravel().tolist() == expected


def test_buffers_of_wrong_type_or_size_are_refused():
    counts, sums, moments = empty()
    values = np.zeros(10)
    good = {"center": 0.0, "per_scale": 1.0}

    with pytest.raises(TypeError, match="int32, not of int64"):
        kernels.values_adder(values, to=(counts.astype(np.int32), sums, moments), **good)
    with pytest.raises(ValueError, match=f"of 5, not of {BINS}"):
        kernels.values_adder(values, to=(counts[:5], sums, moments), **good)
    with pytest.raises(TypeError):
        kernels.values_adder(values, to=(np.zeros(2 * BINS, np.int64)[::2], sums, moments), **good)
    sums.setflags(write=False)
    with pytest.raises((TypeError, ValueError, BufferError)):
        kernels.values_adder(values, to=(counts, sums, moments), **good)
    with pytest.raises(IndexError, match="0 to 11 of 10"):
        kernels.values_adder(values, to=empty(), **good)(0, 11)
    with pytest.raises(IndexError, match="3 slots"):
        kernels.add_days(values, np.full(10, 3), 0.0, 1.0, cells=np.zeros((3, CELLS + 1), np.int64))

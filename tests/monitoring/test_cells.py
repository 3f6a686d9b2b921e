"""Cells of requests are read without pandas, with the same result as pandas gives for a table."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.model_config import ColumnContract
from ml.reference.columns import Comparable, cells_of, cells_of_json

COLUMNS = {
    "number": Comparable("c", ColumnContract("c", "number"), is_number=True),
    "category": Comparable("c", ColumnContract("c", "category"), is_number=False),
    "text": Comparable.of_row_id(ColumnContract("c", "text")),
    "code": Comparable("c", ColumnContract("c", "integer", categories=("1", "2")), is_number=False),
}
WORDS = ["a", "NA", "", " 1", "1.0", "nan", "1e3", "x" * 1_200, "\ud800", "ü"]
WHOLE = st.integers(-(2**53), 2**53)


def _same(values, column):
    found, expected = (
        cells_of_json(values, column),
        cells_of(pd.Series(values, dtype=object), column),
    )
    assert found.array.type == expected.array.type
    assert found.unreadable == expected.unreadable
    if column.is_number:
        numbers = [side.array.to_pandas().tolist() for side in (found, expected)]
        assert numbers[0] == pytest.approx(numbers[1], nan_ok=True, rel=1e-15)
    else:
        assert found.array.to_pylist() == expected.array.to_pylist()


@pytest.mark.parametrize("name", COLUMNS)
@settings(deadline=None)  # the first one waits for imports
@given(st.lists(st.none() | st.floats() | WHOLE, min_size=1, max_size=8))
def test_numbers_are_read_like_pandas_reads_them(name, values):
    if name != "number":  # a whole number beside a missing cell is a float to pandas
        values = [v for v in values if v is None or abs(v) < 1e15] or [None]
    _same(values, COLUMNS[name])


@pytest.mark.parametrize("name", COLUMNS)
@settings(deadline=None)  # the first one waits for imports
@given(st.lists(st.none() | st.sampled_from(WORDS), min_size=1, max_size=8))
def test_texts_are_read_like_pandas_reads_them(name, values):
    _same(values, COLUMNS[name])


@pytest.mark.parametrize("name", COLUMNS)
@settings(deadline=None)  # the first one waits for imports
@given(
    st.lists(
        st.none()
        | st.booleans()
        | st.integers(-5, 5)
        | st.floats(-9, 9)
        | st.sampled_from([*WORDS, [1], {"a": 1}, 10**400, 2**70]),
        min_size=1,
        max_size=8,
    )
)
def test_mixed_cells_are_read_like_pandas_reads_them(name, values):
    if name != "number":  # pandas rounds it to fifteen digits
        values = [value for value in values if value != 2**70] or [None]
    _same(values, COLUMNS[name])


def test_long_row_ids_keep_every_digit_if_another_id_is_missing():
    ids = cells_of_json([2**60, None, 2**60 + 1], COLUMNS["text"]).array.to_pylist()

    assert ids == [str(2**60), None, str(2**60 + 1)]

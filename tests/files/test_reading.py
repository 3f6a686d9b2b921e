"""One cell has one reading: alone, in a column of pandas, and in a list of JSON."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from notations import any_cells, contracts, text_cells

from ml.cells import Reason, Refusal, reader_of
from ml.cells.columns import read_column
from ml.cells.contract_file import read_contracts, write_contracts
from ml.errors import ModelArtefactError
from ml.model_config import ColumnContract
from ml.model_folder.signature import Column
from ml.reference.columns import Comparable, cells_of, cells_of_json
from ml.scoring.cells import CellCheck
from ml.scoring.errors import BadRequestError


def _plain(value):
    """As Python has it: NaN and NaT are None."""
    return None if value is None or value is pd.NaT or value != value else value  # noqa: PLR0124


def _assert_is_read_cell_by_cell(values, dtype, contract):
    column = pd.Series(values, dtype=dtype)

    found = read_column(column, contract)

    read = [reader_of(contract).read(cell) for cell in column.tolist()]
    refused = [answer for answer in read if isinstance(answer, Refusal)]
    expected = [None if isinstance(answer, Refusal) else answer for answer in read]
    assert [_plain(cell) for cell in found.cells] == expected
    assert found.missing.tolist() == [answer is None for answer in read]
    assert found.bad.tolist() == [isinstance(answer, Refusal) for answer in read]
    assert found.refusals.tolist() == refused


@given(st.lists(text_cells, max_size=6), contracts())
def test_column_of_text_is_read_cell_by_cell(values, contract):
    _assert_is_read_cell_by_cell(values, object, contract)


@given(st.lists(any_cells, min_size=1, max_size=6), contracts())
def test_column_of_mixed_cells_is_read_cell_by_cell(values, contract):
    _assert_is_read_cell_by_cell(values, object, contract)


@given(
    st.lists(st.floats() | st.sampled_from([-200.0, 1.0]), min_size=1, max_size=6),
    contracts("number") | contracts("integer") | contracts("category"),
)
def test_column_of_floats_is_read_cell_by_cell(values, contract):
    _assert_is_read_cell_by_cell(values, np.float64, contract)


@given(st.lists(any_cells, min_size=1, max_size=6), contracts())
def test_drift_check_reads_json_as_it_reads_a_table(values, contract):
    is_number = contract.type in {"number", "integer"}
    column = Comparable("c", contract, is_number=is_number)

    found, expected = (
        cells_of_json(values, column),
        cells_of(pd.Series(values, dtype=object), column),
    )

    assert found.unreadable == expected.unreadable
    assert list(map(_plain, found.array.to_pylist())) == list(
        map(_plain, expected.array.to_pylist())
    )


@given(text_cells, contracts())
def test_endpoint_reads_text_as_a_file_has_it_or_refuses_it_with_the_same_reason(cell, contract):
    kind = {"number": "double", "integer": "double", "date": "datetime"}.get(
        contract.type, "string"
    )
    read = reader_of(contract).read(cell)

    found, said = _answered(CellCheck(Column("c", kind, required=False), contract), cell)

    if said is None:
        assert found == read
    elif isinstance(read, Refusal) and read.reason is not Reason.TEXT:
        assert read.reason.words in said
    else:  # inf and long integers are limits of a file; text that UTF-8 cannot hold is none
        assert isinstance(read, Refusal) or not isinstance(read, float) or abs(read) > 2**53 - 1


def _answered(check, cell):
    try:
        return check.check([cell])[0], None
    except BadRequestError as error:
        return None, str(error)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("1,234", Reason.COMMA),
        ("1,5", Reason.DECIMAL_COMMA),
        ("0,125", Reason.DECIMAL_COMMA),
        ("1,234,567", Reason.THOUSANDS_COMMA),
        ("12,34,567", Reason.THOUSANDS_COMMA),
        ("1.234.567", Reason.THOUSANDS_POINT),
        ("1.234,5", Reason.THOUSANDS_POINT),
        ("1\u202f234", Reason.THOUSANDS_SPACE),
        ("1\u2019234.5", Reason.THOUSANDS_QUOTE),
        ("12 kg", Reason.UNIT),
        ("12.5%", Reason.PERCENT),
        ("\u20ac 1,234", Reason.CURRENCY),
        ("USD 12", Reason.CURRENCY),
        ("#DIV/0!", Reason.MARK),
        ("Miller", Reason.TEXT),
    ],
)
def test_text_that_is_not_a_number_says_in_what_it_differs(written, reason):
    assert reader_of(ColumnContract("c", "number")).read(written).reason is reason


@pytest.mark.parametrize(
    ("decimal", "thousands", "written", "number"),
    [
        (",", None, "1234,5", 1234.5),
        (",", ".", "1.234,5", 1234.5),
        (None, ".", "12.000", 12000.0),
        (None, ",", "1,234.5", 1234.5),
        (",", " ", "1\u00a0234\u00a0567,25", 1234567.25),
        (None, "'", "1\u2019234", 1234.0),
        (",", None, "1,5E3", 1500.0),
    ],
)
def test_stated_signs_are_read(decimal, thousands, written, number):
    contract = ColumnContract("c", "number", decimal=decimal, thousands=thousands)

    assert reader_of(contract).read(written) == number


@pytest.mark.parametrize(
    ("decimal", "thousands", "written"),
    [(",", None, "1.5"), (",", ".", "12.5"), (None, ",", "1,5"), (",", ".", "1.23.456")],
)
def test_number_against_the_stated_signs_is_refused_never_guessed(decimal, thousands, written):
    contract = ColumnContract("c", "number", decimal=decimal, thousands=thousands)

    assert isinstance(reader_of(contract).read(written), Refusal)


def test_number_that_means_missing_is_missing_in_text_parquet_and_json():
    reader = reader_of(ColumnContract("c", "number", missing=("-200",), decimal=","))

    assert [reader.read(cell) for cell in ("-200", "-200,0", -200, -200.0)] == [None] * 4
    assert reader.read("-200,5") == -200.5


def test_listed_word_with_spaces_stays_the_value_that_model_yml_writes():
    reader = reader_of(ColumnContract("c", "category", categories=(" <=50K", " >50K")))

    assert [reader.read(cell) for cell in (" <=50K", "<=50K", ">50K ")] == [
        " <=50K",
        " <=50K",
        " >50K",
    ]


def test_contract_travels_with_the_model(tmp_path):
    columns = [
        ColumnContract("a", "number", missing=("?",), decimal=",", thousands=".", minimum=3.0),
        ColumnContract("b", "category", categories=("NA", "x")),
        ColumnContract("c", "date", date_format="%d.%m.%Y", parts=("Day", "Hour")),
    ]

    write_contracts(columns, tmp_path)

    found = read_contracts(tmp_path)
    assert [found[c.name].categories for c in columns] == [c.categories for c in columns]
    assert (found["a"].missing, found["a"].decimal, found["a"].thousands) == (("?",), ",", ".")
    assert (found["c"].date_format, found["c"].parts) == ("%d.%m.%Y", ("Day", "Hour"))
    assert found["a"].minimum is None


def test_model_without_a_contract_has_none(tmp_path):
    assert read_contracts(tmp_path) == {}


@pytest.mark.parametrize(
    "text", ["[]", '{"format": 2}', '{"format": 1, "columns": {"a": {"kind": "x"}}}', "not json"]
)
def test_contract_file_of_another_form_stops_the_deployment(tmp_path, text):
    (tmp_path / "contract.json").write_text(text)

    with pytest.raises(ModelArtefactError, match=r"contract\.json"):
        read_contracts(tmp_path)


def test_nan_of_an_endpoint_is_answered_with_null():
    check = CellCheck(Column("c", "double", required=False), ColumnContract("c", "number"))

    with pytest.raises(BadRequestError, match="or null where the value is missing") as refused:
        check.check(json.loads("[1.5, NaN]"))

    assert refused.value.code == "not_finite"
    assert math.isnan(json.loads("NaN"))

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.errors import ModelArtefactError
from ml.model_folder.signature import parse_signature
from ml.scoring.cells import CellCheck
from ml.scoring.errors import BadRequestError
from ml.scoring.rows import RowSchema, parse_rows

_COLUMNS = parse_signature(
    json.dumps(
        [
            {"name": "age", "type": "double", "required": True},
            {"name": "bmi", "type": "double", "required": True},
            {"name": "visits", "type": "long", "required": True},
            {"name": "city", "type": "string", "required": False},
        ]
    )
)
_SCHEMA = RowSchema(_COLUMNS, id_column="ID", max_rows=3)
_ROW = {"age": 50, "bmi": 22.5, "visits": 3, "city": "Rome"}


def _parse(document):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return parse_rows(body, _SCHEMA)


def _refusal(document):
    with pytest.raises(BadRequestError) as caught:
        _parse(document)
    return caught.value


def test_records_and_split_form_give_the_same_rows():
    records = _parse({"data": [_ROW, {**_ROW, "age": 51.5, "city": None}]})
    split = _parse(
        {
            "input_data": {
                "columns": ["city", "visits", "bmi", "age"],
                "index": [0, 1],
                "data": [["Rome", 3, 22.5, 50], [None, 3.0, 22.5, 51.5]],
            }
        }
    )

    assert records == split
    assert list(records.columns) == ["age", "bmi", "visits", "city"]
    assert records.columns["visits"] == [3, 3]
    assert records.columns["city"] == ["Rome", None]


def test_ids_are_passed_through_and_not_used_as_feature():
    rows = _parse({"data": [{**_ROW, "ID": 7}, {**_ROW, "ID": 8}]})

    assert rows.ids == [7, 8]
    assert "ID" not in rows.columns
    assert _parse({"data": [_ROW]}).ids is None


def test_optional_column_may_be_left_out():
    row = {name: value for name, value in _ROW.items() if name != "city"}

    assert _parse({"data": [row]}).columns["city"] == [None]


@pytest.mark.parametrize(
    ("change", "code", "column", "words"),
    [
        ({"bmi": "22"}, "wrong_type", "bmi", "row 0: '22' is not a finite number"),
        ({"bmi": True}, "wrong_type", "bmi", "True is not a finite number"),
        ({"bmi": [1]}, "wrong_type", "bmi", "[1] is not a finite number"),
        ({"bmi": None}, "missing_value", "bmi", "the value is missing"),
        ({"bmi": float("nan")}, "not_finite", "bmi", "nan is not finite"),
        ({"bmi": float("-inf")}, "not_finite", "bmi", "-inf is not finite"),
        ({"bmi": 10**400}, "not_finite", "bmi", "is not finite"),
        ({"visits": 2.5}, "wrong_type", "visits", "2.5 is not a whole number"),
        ({"visits": 2**63}, "wrong_type", "visits", "is not a whole number of 64 bits"),
        ({"city": 7}, "wrong_type", "city", "7 is not a text"),
        ({"height": 1}, "unknown_column", "height", "leave it out"),
        ({"ID": 1.5}, "wrong_type", "ID", "1.5 is not a row id"),
        ({"ID": None}, "wrong_type", "ID", "None is not a row id"),
        ({"ID": True}, "wrong_type", "ID", "True is not a row id"),
        ({"ID": 2**63}, "wrong_type", "ID", "is not a row id"),
        ({"ID": "x" * 1025}, "wrong_type", "ID", "is not a row id"),
        ({"ID": "\ud800"}, "wrong_type", "ID", "is not a row id"),
        ({"city": "half \ud800"}, "wrong_type", "city", "is not a text"),
    ],
)
def test_value_of_wrong_type_is_refused_with_its_column(change, code, column, words):
    error = _refusal({"data": [_ROW | change]})

    assert (error.code, error.column) == (code, column)
    assert words in str(error)
    assert error.body()["error"] == {"code": code, "message": str(error), "column": column}


def test_renamed_column_gets_a_hint_and_missing_one_is_named():
    without = {name: value for name, value in _ROW.items() if name != "bmi"}

    missing = _refusal({"data": [without]})
    renamed = _refusal({"data": [{**without, "BMI": 22.5}]})

    assert (missing.code, missing.column) == ("missing_column", "bmi")
    assert (renamed.code, renamed.column) == ("unknown_column", "BMI")
    assert "did you mean 'bmi'?" in str(renamed)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"", "not_json"),
        (b"age=3", "not_json"),
        (b"\xff\xfe{", "not_json"),
        (b"[" * 200_000, "not_json"),
        (b'{"data": ' + b"9" * 5000 + b"}", "not_json"),
        ([_ROW], "unknown_format"),
        ({}, "unknown_format"),
        ({"rows": [_ROW]}, "unknown_format"),
        ({"data": [_ROW], "extra": 1}, "unknown_format"),
        ({"data": _ROW}, "unknown_format"),
        ({"data": [[1, 2]]}, "unknown_format"),
        ({"data": [_ROW, 5]}, "unknown_format"),
        ({"input_data": [[1, 2]]}, "unknown_format"),
        ({"input_data": {"columns": ["age"]}}, "unknown_format"),
        ({"input_data": {"columns": "age", "data": []}}, "unknown_format"),
        ({"input_data": {"columns": [["age"]], "data": [[1]]}}, "unknown_format"),
        ({"data": []}, "no_rows"),
        ({"input_data": {"columns": list(_ROW), "data": []}}, "no_rows"),
        ({"data": [_ROW] * 4}, "too_many_rows"),
        ({"data": [_ROW, {"age": 1}]}, "uneven_rows"),
        ({"input_data": {"columns": list(_ROW), "data": [[1, 2]]}}, "uneven_rows"),
        (
            {"input_data": {"columns": list(_ROW), "index": [1, 2], "data": [[1, 2, 3, "x"]]}},
            "uneven_rows",
        ),
        ({"input_data": {"columns": ["age", "age"], "data": [[1, 2]]}}, "duplicate_column"),
    ],
)
def test_malformed_body_is_refused_with_the_reason(document, code):
    assert _refusal(document).code == code


@pytest.mark.parametrize(
    ("body", "column"),
    [
        (b'{"data": [{"bmi": 1, "age": 2, "bmi": 3}]}', "bmi"),
        (b'{"data": [], "data": []}', "data"),
        (b'{"input_data": {"columns": ["age"], "columns": ["bmi"], "data": [[1]]}}', "columns"),
    ],
)
def test_duplicate_column_name_is_refused(body, column):
    error = _refusal(body)

    assert (error.code, error.column) == ("duplicate_column", column)


def test_hundred_thousand_column_names_are_refused_quickly_with_a_short_message():
    names = [f"x{number}" for number in range(100_000)]
    began = time.process_time()

    errors = [
        _refusal({"input_data": {"columns": [*names, "x7"], "data": [[1]]}}),
        _refusal(('{"a": {' + ", ".join(f'"{n}": 1' for n in [*names, "x7"]) + "}}").encode()),
        _refusal(dict.fromkeys(names, 1)),
        _refusal({"data": [{"x" * 1_000_000: 1}]}),
    ]

    assert time.process_time() - began < 10
    assert [error.code for error in errors] == [
        "duplicate_column",
        "duplicate_column",
        "unknown_format",
        "unknown_column",
    ]
    assert max(len(json.dumps(error.body())) for error in errors) < 2_000


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*_ROW, "ID", "data", "input_data"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=60)
@given(_JSON, st.sampled_from(["data", "input_data", "whole"]))
def test_any_json_gives_rows_or_a_refusal(value, place):
    document = value if place == "whole" else {place: value}
    try:
        rows = _parse(document)
    except BadRequestError as error:
        json.dumps(error.body())
        return
    assert all(len(values) == rows.count for values in rows.columns.values())


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 3]}}]',
        '[{"name": "a", "type": "binary"}]',
        "[]",
    ],
)
def test_signature_that_cannot_be_served_is_refused(text):
    with pytest.raises(ModelArtefactError, match=r"save the model|cannot be served"):
        parse_signature(text)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("boolean", [True, False], 1),
        ("integer", [2**31 - 1, -(2**31), 5.0], 2**31),
        ("float", [1.5, 3e38], 1e39),
        ("datetime", ["2026-01-02", "2026-01-02T03:04:05+01:00"], "yesterday"),
    ],
)
def test_cells_of_every_column_type_are_checked(kind, good, bad):
    (column,) = parse_signature(json.dumps([{"name": "x", "type": kind}]))

    assert len(CellCheck(column).check(good)) == len(good)
    with pytest.raises(BadRequestError):
        CellCheck(column).check([bad])

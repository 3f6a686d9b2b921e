import io
import json
import random
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.cells.columns import read_column
from ml.data_tests import csv_file
from ml.data_tests.check import check_file
from ml.data_tests.report import DataTestReport
from ml.data_tests.tally import Duplicates
from ml.model_config import ColumnContract, read_model

LIMIT_BYTES = 1 << 20
COLUMNS = """
    id: {type: integer}
    size: {type: number, min: 0, max: 100, max_missing_percent: 10}
    rooms: {type: integer, min: 1}
    kind: {type: category, values: [flat, house]}
    sold: {type: date}
    heating: {type: integer, values: [0, 1], max_missing_percent: 100, max_same_percent: 90}
    price: {type: number, min: 0}
"""
MODEL = f"""\
name: houses
task: regression
target: price
id: id
data:
  FORMAT
  min_rows: 10
  columns: {COLUMNS}
gate:
  floors: {{r2: 0}}
"""


@pytest.fixture(scope="session")
def houses(tmp_path_factory):
    return model(tmp_path_factory.mktemp("csv"), "csv")


@pytest.fixture(scope="session")
def parquet_houses(tmp_path_factory):
    return model(tmp_path_factory.mktemp("parquet"), "parquet")


def model(root: Path, kind: str):
    folder = root / "houses"
    folder.mkdir()
    (folder / "pipeline.py").touch()
    settings = {"csv": 'separator: ";"', "parquet": "format: parquet"}
    (folder / "model.yml").write_text(MODEL.replace("FORMAT", settings[kind]))
    return read_model("houses", root)


def table(rows: int = 40) -> pd.DataFrame:
    numbers = np.arange(rows)
    return pd.DataFrame(
        {
            "id": numbers + 100,
            "size": 20.5 + numbers,
            "rooms": 1 + numbers % 5,
            "kind": np.where(numbers % 2, "flat", "house"),
            "sold": [f"2026-01-{1 + number % 28:02}" for number in numbers],
            "heating": numbers % 2,
            "price": 1000.0 * numbers,
        }
    )


def csv_bytes(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(sep=";", index=False).encode()


def check(config, content: bytes, *, limit_bytes: int = LIMIT_BYTES) -> DataTestReport:
    return check_file(
        io.BytesIO(content),
        file="houses.csv",
        config=config,
        size_bytes=len(content),
        limit_bytes=limit_bytes,
    )


def only(report: DataTestReport) -> str:
    assert len(report.findings) == 1, report.findings
    assert report.findings[0].remedy
    return report.findings[0].sentence


def test_file_within_its_contract_passes(houses):
    report = check(houses, csv_bytes(table()))

    assert report.passed
    assert report.rows == 40
    assert report.sentence == "houses.csv: passed, 40 rows"


@pytest.mark.parametrize("encode", ["utf-8-sig", "utf-8"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_byte_order_mark_and_line_ends_do_not_matter(houses, encode, line_end):
    text = csv_bytes(table()).decode().replace("\n", line_end)

    assert check(houses, text.encode(encode)).passed


def test_columns_may_come_in_any_order(houses):
    assert check(houses, csv_bytes(table()[list(reversed(table().columns))])).passed


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file has 0 bytes; wanted: at least a header and one row"),
        (b"\n\n", "blank lines only"),
        (csv_bytes(table()).replace(b";", b","), 'fields are separated by ","; wanted: ";"'),
        (csv_bytes(table()).replace(b";", b"\t"), 'fields are separated by tab; wanted: ";"'),
        (b"PAR1....", "the file is Parquet; wanted: CSV"),
        (b"\x1f\x8b....", "the gzip file is damaged or ends early"),
        (b"a;b;c\n1;2;3\n", "the first line names no known column"),
        (csv_bytes(table()).replace(b"rooms", b"size", 1), "column size: the name occurs 2 times"),
    ],
)
def test_unreadable_file_has_one_finding_and_no_rows(houses, content, said):
    report = check(houses, content)

    assert said in only(report)
    assert report.rows == 0


def test_header_without_rows_is_reported_as_too_few_rows_only(houses):
    assert only(check(houses, csv_bytes(table(0)))) == "0 rows, limit at least 10"


def test_file_over_the_size_limit_is_not_read(houses):
    assert "0 MB, limit 0 MB" in only(check(houses, csv_bytes(table()), limit_bytes=100))


def test_file_cut_off_in_its_last_row_is_reported_as_truncated(houses):
    finding = check(houses, csv_bytes(table())[:-12]).findings[0]

    assert finding.test == "truncated"
    assert finding.rows == (40,)


def test_row_with_a_wrong_number_of_fields_is_reported_by_its_number(houses):
    lines = csv_bytes(table()).splitlines()
    lines[7] += b";extra"

    finding = check(houses, b"\n".join(lines)).findings[0]

    assert finding.sentence == "row 7 has 8 fields; wanted: 7 as in the header (row 7)"


@pytest.mark.parametrize(
    ("spoil", "test"),
    [
        (lambda content: content[:900] + b"\xe9\xe8" + content[900:], "encoding"),
        (lambda content: content + b'9;"never closed;3', "truncated"),
        (
            lambda content: content + b'9;"' + b"x" * (csv_file.MAX_FIELD_CHARACTERS + 1) + b'"',
            "fields",
        ),
    ],
)
def test_reading_stops_where_the_text_is_not_csv(houses, spoil, test):
    findings = check(houses, spoil(csv_bytes(table()))).findings

    assert test in {finding.test for finding in findings}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.drop(columns="size"), "column size: is missing"),
        (
            lambda t: t.rename(columns={"size": "Size "}),
            "column size: is missing; column Size differs in upper and lower case only",
        ),
        (lambda t: t.assign(colour=1), "column colour: is not in the contract"),
        (
            lambda t: t.assign(size=t["size"].where(t["size"] > 28)),
            "column size: 20 % missing, limit 10 % (rows 1, 2, 3, …)",
        ),
        (
            lambda t: t.assign(size=t["size"].where(t["size"] < 55, 400.0)),
            "column size: 5 cells above the maximum, the largest about 400, limit 100 (rows 36, ",
        ),
        (
            lambda t: t.assign(size=t["size"].where(t["size"] > 21, -1.0)),
            "column size: 1 cell below the minimum, the smallest -1, limit 0 (row 1)",
        ),
        (
            lambda t: t.assign(price=t["price"].where(t["price"] < 39000, np.inf)),
            "column price: 1 cell infinite; wanted: finite numbers (row 40)",
        ),
        (
            lambda t: t.assign(kind=t["kind"].where(t["id"] > 101, "tent")),
            "column kind: 2 cells with an unknown value; wanted: flat, house (rows 1, 2)",
        ),
        (
            lambda t: t.assign(rooms=t["rooms"] + 0.5),
            "column rooms: 40 cells are not of type integer",
        ),
        (lambda t: t.assign(rooms="three"), "column rooms: 40 cells are not of type integer"),
        (lambda t: t.assign(sold="1/2/26"), "column sold: 40 cells are not of type date"),
        (
            lambda t: t.assign(heating=1),
            "column heating: one value fills 100 % of the rows, limit 90 %",
        ),
        (
            lambda t: t.assign(id=t["id"].where(t["id"] > 101, 104)),
            "column id: 2 rows repeat an id; wanted: each id once (rows 2, 5)",
        ),
        (
            lambda t: pd.concat([t, t.head(8).assign(id=range(8))]),
            "16.7 % of the rows are duplicates, limit 5 % (rows 41, 42, 43, …)",
        ),
        (lambda t: t.head(9), "9 rows, limit at least 10"),
    ],
)
def test_each_broken_limit_is_reported_with_value_limit_and_rows(houses, change, said):
    report = check(houses, csv_bytes(change(table())))

    assert any(said.removesuffix(")") in finding.sentence for finding in report.findings), [
        finding.sentence for finding in report.findings
    ]
    assert not report.passed


def test_target_without_any_value_is_a_finding(houses):
    report = check(houses, csv_bytes(table().assign(price=None)))

    assert "column price: no row has a value" in " ".join(f.sentence for f in report.findings)


def test_file_of_one_outcome_is_data_as_a_part_of_an_export_may_be(houses):
    assert check(houses, csv_bytes(table().assign(price=5.0))).passed


def test_decimal_commas_get_their_own_remedy(houses):
    content = csv_bytes(table()).replace(b".5;", b",5;")

    finding = next(f for f in check(houses, content).findings if f.test == "type")

    assert finding.column == "size"
    assert "cells are not of type number, written with a decimal comma" in finding.sentence
    assert finding.remedy.startswith('set decimal: "," at data or at the column in model.yml')


def test_shift_within_the_contract_passes(houses):
    assert check(houses, csv_bytes(table().assign(size=99.0 - np.arange(40) / 100))).passed


def test_common_missing_value_markers_count_as_missing(houses):
    words = ["NA", "nan", "NULL", ""] + ["1"] * 36

    finding = only(check(houses, csv_bytes(table().assign(rooms=words))))

    assert finding == "column rooms: 10 % missing, limit 0 % (rows 1, 2, 3, …)"


def test_report_contains_no_values_of_the_file(houses):
    secret = table().assign(kind="wigwam", rooms="Miller", size=123456.789)

    text = check(houses, csv_bytes(secret)).to_json()

    assert not any(cell in text for cell in ("wigwam", "Miller", "123456"))


def test_report_as_json_has_the_same_sentences(houses):
    report = check(houses, csv_bytes(table().drop(columns=["size", "rooms", "kind", "sold"])))

    document = json.loads(report.to_json())

    assert document["verdict"] == "failed"
    assert document["sentence"] == report.sentence
    assert report.sentence.endswith("; 1 more finding")
    assert document["config_sha256"] == houses.config_sha256


def test_report_does_not_depend_on_the_chunk_size(houses, monkeypatch):
    frame = table().assign(
        price=table()["price"].where(table()["id"] != 117, -1.0), size=[np.nan] * 5 + [1.0] * 35
    )
    frame.loc[39, "id"] = 100
    whole = check(houses, csv_bytes(frame))

    monkeypatch.setattr(csv_file, "CHUNK_ROWS", 7)
    in_chunks = check(houses, csv_bytes(frame))

    assert in_chunks == whole
    assert {finding.test for finding in whole.findings} >= {"missing", "range", "ids"}


@pytest.mark.parametrize("size", ["float64", "str"])
def test_parquet_is_read_with_the_same_contract(parquet_houses, size):
    frame = table().astype({"size": size}).assign(sold=pd.to_datetime(table()["sold"]))
    good, bad = io.BytesIO(), io.BytesIO()
    frame.to_parquet(good)
    frame.assign(rooms=0).to_parquet(bad)

    assert check(parquet_houses, good.getvalue()).passed
    assert "column rooms: 40 cells below the minimum" in only(check(parquet_houses, bad.getvalue()))
    assert check(parquet_houses, good.getvalue()[:-20]).findings[0].test == "truncated"
    assert check(parquet_houses, csv_bytes(table())).findings[0].test == "format"


def parquet_bytes(**changed: pa.Array) -> bytes:
    columns = pa.Table.from_pandas(table(), preserve_index=False)
    for name, cells in changed.items():
        columns = columns.set_column(columns.schema.get_field_index(name), name, cells)
    content = io.BytesIO()
    pq.write_table(columns, content)
    return content.getvalue()


@pytest.mark.parametrize(
    ("column", "cells", "said"),
    [
        ("size", pa.array([b"\xff"] * 40), "column size: is of Parquet type binary"),
        ("size", pa.array([True] * 40), "column size: is of Parquet type bool; wanted: number"),
        ("size", pa.array([timedelta(1)] * 40), "column size: is of Parquet type duration"),
        ("rooms", pa.array([datetime(2026, 1, 1)] * 40), "column rooms: is of Parquet type timest"),  # noqa: DTZ001 - as files have it
        ("kind", pa.array([["flat"]] * 40), "column kind: is of Parquet type list"),
    ],
)
def test_parquet_column_of_another_type_is_refused_by_name(parquet_houses, column, cells, said):
    assert only(check(parquet_houses, parquet_bytes(**{column: cells}))).startswith(said)


def test_corrupt_parquet_file_is_a_finding_wherever_the_damage_is(parquet_houses):
    whole, chance = parquet_bytes(), random.Random(7)  # noqa: S311 - damage that repeats itself

    for _ in range(40):
        damaged = bytearray(whole)
        damaged[chance.randrange(4, len(whole))] = chance.randrange(256)
        check(parquet_houses, bytes(damaged))  # a verdict, whatever it is


def test_parquet_file_that_decompresses_beyond_the_limit_is_not_read(parquet_houses):
    content = io.BytesIO()
    pq.write_table(pa.table({"size": pa.array(np.ones(2_000_000))}), content)

    finding = only(check(parquet_houses, content.getvalue()))

    assert len(content.getvalue()) < LIMIT_BYTES
    assert finding == "15 MB unpacked, limit 8 MB"


def test_dates_with_and_without_zone_become_one_type():
    contract = ColumnContract("sold", "date", date_format="%Y-%m-%d")
    zoned = pd.Series(pd.to_datetime(["2026-03-01T23:30-05:00"]))
    text = pd.Series(["2026-03-02"], dtype=object)
    far = pd.Series(np.array(["9999-01-01"], dtype="datetime64[us]"))

    assert read_column(zoned, contract).cells[0] == pd.Timestamp("2026-03-02T04:30")
    assert {read_column(values, contract).cells.dtype for values in (zoned, text, far)} == {
        np.dtype("datetime64[ns]")
    }
    assert read_column(far, contract).bad.all()


@pytest.mark.parametrize(
    "cell", ["9007199254740993", "-9007199254740992", "1234567890123456789012"]
)
def test_whole_numbers_that_would_be_rounded_are_refused(houses, cell):
    report = check(houses, csv_bytes(table().astype(object).replace({"id": {100: cell}})))

    assert only(report) == (
        "column id: 1 cell with more digits than are kept exactly; wanted: whole numbers up to "
        "9,007,199,254,740,991 (row 1)"
    )


def test_id_written_in_two_ways_is_a_duplicate(houses):
    report = check(houses, csv_bytes(table().astype(object).replace({"id": {101: "100.0"}})))

    assert only(report) == "column id: 1 row repeats an id; wanted: each id once (row 2)"


def test_header_of_a_million_columns_is_refused_quickly(houses):
    names = ";".join(["size", *(f"x{number}" for number in range(100_000))])

    finding = only(check(houses, names.encode()))

    assert finding == "100,001 columns; wanted: at most 10,000"


def test_file_with_only_ids_is_reported_as_lacking_the_other_columns(houses):
    report = check(houses, csv_bytes(table()[["id"]]))

    assert {finding.column for finding in report.findings} == set(table().columns) - {"id"}


def test_rows_of_a_finding_are_in_file_order(houses):
    report = check(houses, csv_bytes(table().assign(kind="tent")))

    assert report.findings[0].rows == (1, 2, 3)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(0, 30), max_size=12), max_size=8))
def test_duplicates_match_those_found_with_a_set(chunks):
    seen: set[int] = set()
    expected, found, number = [], Duplicates(["x"]), 0
    for chunk in chunks:
        index = pd.RangeIndex(number, number + len(chunk))
        for place, value in zip(index, chunk, strict=True):
            expected += [place] if value in seen else []
            seen.add(value)
        found.add(pd.DataFrame({"x": chunk}, index=index, dtype="int64"))
        number += len(chunk)

    assert (found.rows.count, found.rows.first) == (len(expected), tuple(expected[:3]))

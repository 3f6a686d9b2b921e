"""What a landed file is told of cells that are written in another way than the contract has it."""

import io
import json
from datetime import datetime
from pathlib import Path

import pytest

from ml.data_tests.check import check_file
from ml.model_config import read_model
from ml.step_files import Pin
from ml.training.rows import read_rows

MODEL = """\
name: sensors
task: classification
target: y
DATA
data:
  FILE
  min_rows: 1
  max_duplicate_rows_percent: 100
  columns:
    COLUMN
    n: {type: integer}
    y: {type: category, values: [u, v]}
gate:
  floors: {accuracy: 0.3}
"""


def model(root: Path, column: str, *, file: str = "format: csv", data: str = ""):
    folder = root / "sensors"
    folder.mkdir()
    (folder / "pipeline.py").write_text("def build(params): ...")
    text = MODEL.replace("COLUMN", column).replace("FILE", file).replace("DATA", data)
    (folder / "model.yml").write_text(text)
    return read_model("sensors", root)


def rows(*cells: str, header: str = "x;n;y") -> bytes:
    lines = [f"{cell};{number};{'uv'[number % 2]}" for number, cell in enumerate(cells)]
    return "\n".join([header, *lines, ""]).encode()


def findings(config, content: bytes):
    return check_file(
        io.BytesIO(content),
        file="a.csv",
        config=config,
        size_bytes=len(content),
        limit_bytes=None,
    ).findings


SEMICOLON = 'separator: ";"'


@pytest.mark.parametrize(
    ("column", "cells", "said", "remedy"),
    [
        (
            "x: {type: number}",
            ["?", "1", "-"],
            '2 cells hold only "?" or "-"',
            'missing: ["?", "-"]',
        ),
        ("x: {type: number}", ["1,5", "1,234"], "written with a decimal comma", 'decimal: ","'),
        (
            "x: {type: number}",
            ["1,234", "2,345"],
            "a thousands separator or a decimal",
            "neither is",
        ),
        ("x: {type: integer}", ["1,234", "2"], "commas as thousands separators", 'thousands: ","'),
        ("x: {type: number}", ["1.234,5", "2,5"], "points as thousands", 'thousands: "." and dec'),
        ("x: {type: number}", ["12 kg", "3"], "with a unit", "write the number alone"),
        ("x: {type: integer}", ["12.000", "3", "150.000"], "2 cells have a point", "means twelve"),
        ("x: {type: integer}", ["4.01E+11", "3"], "their last digits are gone", "as text"),
        ("x: {type: number, min: 0}", ["-999", "3"], "the smallest -999", 'missing: ["-999"]'),
        ("x: {type: number, max: 9}", ["1234", "3"], "the largest about 1,200", "correct"),
        (
            "x: {type: category, values: [Aa, b]}",
            ["AA", "b"],
            'differ in upper and lower case only from "Aa"',
            "do not list both",
        ),
        ("x: {type: category, values: [b c, d]}", ["b_c", "d"], 'punctuation only from "b c"', ""),
        ("x: {type: category, values: [01, 02]}", ["1", "02"], "zeros before the number", ""),
        ("x: {type: category, values: [a, b]}", ["?", "b"], 'hold "?"', 'missing: ["?"]'),
        ("x: {type: date}", ["01.02.2026", "2026-02-01"], "another date format", "format in model"),
    ],
)
def test_finding_says_in_what_cells_differ_and_which_setting_reads_them(
    tmp_path, column, cells, said, remedy
):
    (finding,) = findings(model(tmp_path, column, file=SEMICOLON), rows(*cells))

    assert said in finding.sentence
    assert remedy in finding.remedy


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("x: {type: integer}", ["12.000", "1500", "3"]),
        ("x: {type: integer}", ["12.0", "3.0"]),
        ('x: {type: integer, decimal: "."}', ["12.000", "3.000"]),
        ('x: {type: integer, thousands: "."}', ["12.000", "3"]),
        ("x: {type: number}", ["12.125", "3.250"]),
        ('x: {type: number, missing: ["?"], max_missing_percent: 50}', ["?", "3"]),
        ("x: {type: category, values: [1, 2]}", ["1.0", " 2 "]),
        ('x: {type: category, values: ["true", "false"]}', ["TRUE", "False"]),
        ('x: {type: category, values: ["NA", "None"]}', ["NA", " None"]),
    ],
)
def test_cells_that_can_be_read_in_one_way_pass(tmp_path, column, cells):
    assert findings(model(tmp_path, column, file=SEMICOLON), rows(*cells)) == ()


def test_id_of_type_text_that_a_spreadsheet_rounded_is_refused(tmp_path):
    config = model(tmp_path, "x: {type: text}", file=SEMICOLON, data="id: x")

    (finding,) = findings(config, rows("4.01E+11", "401235000000"))

    assert finding.sentence.startswith("column x: 1 ids written in scientific notation")


JOINED = "x: {type: date, format: DD/MM/YYYY HH.mm, from: [Date, Time], max_missing_percent: 50}"


def test_date_in_two_columns_is_joined_in_tests_and_training(tmp_path):
    config = model(tmp_path, JOINED, file=SEMICOLON)
    content = b"Date;Time;n;y\n10/03/2004;18.00;1;u\n;;2;v\n"
    path = tmp_path / "a.csv"
    path.write_bytes(content)

    assert findings(config, content) == ()
    read = read_rows(path, Pin(path="a.csv", sha256="", rows=2, source="a.csv"), config)
    assert read["x"][0] == datetime(2004, 3, 10, 18)  # noqa: DTZ001 - as files have it
    assert read["x"].isna().tolist() == [False, True]


def test_date_without_one_of_its_columns_is_a_finding(tmp_path):
    config = model(tmp_path, JOINED, file=SEMICOLON)

    (finding,) = findings(config, b"Date;n;y\n10/03/2004;1;u\n11/03/2004;2;v\n")

    assert finding.sentence.startswith("column x: is joined from Date and Time; Time is missing")


def test_finding_shows_no_word_that_is_neither_listed_nor_a_mark(tmp_path):
    config = model(tmp_path, "x: {type: category, values: [a]}", file=SEMICOLON)

    found = json.dumps([finding.sentence for finding in findings(config, rows("Miller", "a"))])

    assert "Miller" not in found

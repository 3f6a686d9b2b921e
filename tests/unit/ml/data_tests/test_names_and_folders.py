"""A file's name says nothing about its content; its folders may hold values of columns."""

import gzip
import hashlib
import io
import os
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from ml.data_tests.check import check_file
from ml.model_config import read_model
from ml.monitoring.labels import Labels
from ml.step_files import Pin
from ml.training.pins import verified_path
from ml.training.rows import read_rows

MODEL = """\
name: ferries
task: regression
target: price
data:
  format: FORMAT
  min_rows: 1
  max_duplicate_rows_percent: 100
  columns:
    port: {type: category, values: [Kiel, Puerto Montt], max_missing_percent: 100}
    year: {type: integer, min: 2000}
    price: {type: number}
gate:
  floors: {r2: 0}
"""
NOW_UTC = datetime(2026, 3, 14, 12, tzinfo=UTC)


@pytest.fixture(params=["csv", "parquet"])
def config(tmp_path, request):
    folder = tmp_path / "models" / "ferries"
    folder.mkdir(parents=True)
    (folder / "pipeline.py").touch()
    (folder / "model.yml").write_text(MODEL.replace("FORMAT", request.param))
    return read_model("ferries", folder.parent)


def content(config, **columns) -> bytes:
    frame, file = pd.DataFrame({"price": [7.5, 8.0], **columns}), io.BytesIO()
    if config.data.format == "csv":
        frame.to_csv(file, index=False)
    else:
        frame.to_parquet(file, index=False)
    return file.getvalue()


def check(config, name, found):
    source = io.BytesIO(found)
    return check_file(source, file=name, config=config, size_bytes=len(found), limit_bytes=None)


def learnt(config, folder, path, found, rows=2):
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(found)
    pin = Pin(path, hashlib.sha256(found).hexdigest(), rows, f"landing/ferries/{path}")
    return read_rows(verified_path(pin, folder), pin, config)


@pytest.mark.parametrize(
    ("folder", "port"),
    [
        ("port=Kiel/year=2026", "Kiel"),
        ("port=Puerto+20Montt/year=2026", "Puerto Montt"),
        ("port=__HIVE_DEFAULT_PARTITION__/year=2026", None),
        ("day=7/port=Kiel/year=2026", "Kiel"),  # the contract has no column day
    ],
)
def test_values_of_folders_are_tested_and_learnt_as_cells(config, tmp_path, folder, port):
    name, found = f"{folder}/part-0.x", content(config)

    report = check(config, name, found)
    rows = learnt(config, tmp_path / "files", name, found)

    assert report.passed, report.sentence
    assert rows["year"].tolist() == [2026.0, 2026.0]
    assert rows["port"].tolist() == [port, port]


def test_value_of_a_folder_that_breaks_the_contract_is_a_finding(config):
    report = check(config, "port=Kiel/year=1999/part-0.x", content(config))

    assert "column year: 2 cells below the minimum" in report.sentence


def test_column_of_the_file_wins_over_the_folder(config, tmp_path):
    found = content(config, port=["Kiel", "Kiel"], year=[2020, 2021])

    rows = learnt(config, tmp_path / "files", "year=1999/part-0.x", found)

    assert rows["year"].tolist() == [2020.0, 2021.0]


@pytest.mark.parametrize("extra", ["refuse", "ignore"])
def test_index_that_pandas_wrote_into_parquet_is_an_extra_column(tmp_path, extra):
    folder = tmp_path / "ferries"
    folder.mkdir()
    (folder / "pipeline.py").touch()
    text = MODEL.replace("FORMAT", f"parquet\n  extra_columns: {extra}")
    (folder / "model.yml").write_text(text)
    frame = pd.DataFrame({"port": ["Kiel"], "year": [2020], "price": [7.5]}, index=[3])
    found = io.BytesIO()
    frame.to_parquet(found)

    report = check(read_model("ferries", tmp_path), "rows", found.getvalue())

    assert report.passed is (extra == "ignore")
    assert report.passed or "index=False" in report.findings[0].remedy


@pytest.mark.parametrize(
    "name",
    ["MARCH.CSV", "rows", "a.csv.gz", "50 % off #1 é.txt", "year=2026/part-0.x", "x" * 200],
)
def test_accepted_file_brings_labels_whatever_its_name(config, tmp_path, name):
    found = content(config, port=["Kiel", "Kiel"], year=[2020, 2021])
    if name.endswith(".gz") and config.data.format == "csv":
        found = gzip.compress(found)
    path = tmp_path / "labels" / "2026" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(found)
    os.utime(path, (NOW_UTC.timestamp(),) * 2)
    day = timedelta(days=1)

    labels = Labels.of(tmp_path / "labels", since_utc=NOW_UTC - day, until_utc=NOW_UTC + day)

    (file,) = labels.files
    assert [len(frame) for frame in labels.frames(file, config)] == [2]
    assert not labels.unreadable

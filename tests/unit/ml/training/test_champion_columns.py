"""Columns that were taken out of model.yml and that the champion still needs."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml

from ml.model_config import read_model
from ml.step_files import Pin
from ml.training.champion_columns import ChampionColumns
from ml.training.prepare import split
from ml.training.rows import merge, read_rows

SETTINGS = """\
name: loans
task: regression
target: paid
data:
  columns:
    income: {type: number}
    region: {type: category, values: [north, south], drop: true}
    paid: {type: number}
training: {min_train_rows: 2, min_test_rows: 2}
gate:
  floors: {r2: 0.1}
"""


@pytest.fixture
def loans(tmp_path: Path):
    folder = tmp_path / "loans"
    folder.mkdir()
    (folder / "pipeline.py").write_text("def build(params): ...\n")
    (folder / "model.yml").write_text(SETTINGS)
    return read_model("loans", tmp_path)


def champion(folder: Path, **columns: tuple[str, bool]) -> Path:
    """The folder of a model with these inputs: type, and whether it is required."""
    folder.mkdir()
    inputs = [
        {"name": name, "type": kind, "required": required}
        for name, (kind, required) in columns.items()
    ]
    flavor = {"serialization_format": "skops", "pickled_model": "model.skops"}
    document = {"flavors": {"sklearn": flavor}, "signature": {"inputs": json.dumps(inputs)}}
    (folder / "MLmodel").write_text(yaml.safe_dump(document))
    (folder / "model.skops").touch()
    return folder


def prepared(config, folder: Path, model: Path | None, *files: pd.DataFrame):
    """Frozen rows, and the champion's columns that they lack."""
    extra = ChampionColumns.of(model, config)
    frames = []
    for number, table in enumerate(files):
        path = folder / f"{number}.csv"
        table.to_csv(path, index=False)
        pin = Pin(path.name, "0" * 64, len(table), path.name)
        frames.append(read_rows(path, pin, extra.added_to(config)))
    test = split(merge(frames, config).rows, config).test
    return test, extra.missing_from(frames, test)


def rows(first: int, **more: object) -> pd.DataFrame:
    numbers = range(first, first + 40)
    table = pd.DataFrame({"income": numbers, "paid": [number * 2 for number in numbers]})
    return table.assign(**more)


def test_champion_reads_columns_that_model_yml_has_dropped_and_all_files_hold(loans, tmp_path):
    model = champion(
        tmp_path / "champion",
        income=("double", True),
        region=("string", True),
        bureau=("double", True),
    )
    files = (rows(0, region="north", bureau=1.5), rows(40, bureau=2.5, region="south"))

    test, missing = prepared(loans, tmp_path, model, *files)

    assert missing == []
    assert set(test["region"]) == {"north", "south"}
    assert sorted(set(test["bureau"])) == [1.5, 2.5]


def test_column_that_a_file_lacks_is_missing_for_the_champion(loans, tmp_path):
    model = champion(tmp_path / "champion", income=("double", True), bureau=("double", False))
    files = (rows(0, region="north", bureau=1.5), rows(40, region="south"))

    assert prepared(loans, tmp_path, model, *files)[1] == ["bureau"]


@pytest.mark.parametrize(("required", "missing"), [(True, ["bureau"]), (False, [])])
def test_gaps_are_read_by_a_champion_that_has_learnt_with_gaps(loans, tmp_path, required, missing):
    model = champion(tmp_path / "champion", bureau=("double", required))
    with_gaps = rows(0, region="north", bureau=[1.5, None] * 20)

    assert prepared(loans, tmp_path, model, with_gaps)[1] == missing


def test_frozen_rows_are_the_same_with_the_champions_columns(loans, tmp_path):
    model = champion(tmp_path / "champion", bureau=("double", True))
    table = rows(0, region="north", bureau=1.5)

    with_champion, _ = prepared(loans, tmp_path, model, table)
    without, missing = prepared(loans, tmp_path, None, table)

    assert missing == []
    pd.testing.assert_frame_equal(with_champion[without.columns.to_list()], without)

"""Files that are older than a column of model.yml: added, removed or renamed since."""

from __future__ import annotations

import hashlib
import io

import pandas as pd
import pytest

from ml.data_tests.check import check_file
from ml.data_tests.reading import open_file
from ml.errors import ModelConfigError, PinMismatchError
from ml.model_config import read_model
from ml.step_files import Pin
from ml.training.rows import read_rows

MODEL = """
name: bikes
task: regression
target: rides
id: day
data:
  format: FORMAT
  min_rows: 1
  columns:
    day: {type: integer}
    warmth: {type: number, was: [temp, temperature]}
    wind: {type: number, max_missing_percent: 20}
    rides: {type: number}
gate:
  floors: {r2: 0}
"""


@pytest.fixture
def bikes(tmp_path):
    def make(text=MODEL, kind="csv"):
        folder = tmp_path / "bikes"
        folder.mkdir(exist_ok=True)
        (folder / "pipeline.py").touch()
        (folder / "model.yml").write_text(text.replace("FORMAT", kind))
        return read_model("bikes", tmp_path)

    return make


@pytest.fixture
def accepted(tmp_path):
    """Reads rows as the prepare step reads an accepted file of that content."""

    def rows(content, config, count=2):
        path = tmp_path / "a"
        path.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        return read_rows(path, Pin("a", digest, count, "landing/bikes/a.csv"), config)

    return rows


def report_on(content, config):
    return check_file(
        io.BytesIO(content), file="a", config=config, size_bytes=len(content), limit_bytes=None
    )


def parquet(frame):
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def test_added_column_that_may_be_missing_is_missing_in_older_files(bikes, accepted):
    rows = accepted(b"day,warmth,rides\n1,20,5\n2,21,6\n", bikes())

    assert rows["wind"].isna().all()
    assert rows["wind"].dtype == "float64"
    assert list(rows["warmth"]) == [20.0, 21.0]


def test_added_column_that_may_not_be_missing_names_the_setting_to_change(bikes, accepted):
    text = MODEL.replace("wind: {type: number, max_missing_percent: 20}", "wind: {type: number}")

    with pytest.raises(PinMismatchError) as refused:
        accepted(b"day,warmth,rides\n1,20,5\n2,21,6\n", bikes(text))

    assert "lacks column wind, which model.yml has now" in str(refused.value)
    assert "max_missing_percent above 0 at data.columns.wind" in str(refused.value)


def test_id_is_needed_in_older_files_whatever_share_of_it_may_be_missing(bikes, accepted):
    text = MODEL.replace("day: {type: integer}", "day: {type: integer, max_missing_percent: 50}")

    with pytest.raises(PinMismatchError, match="without an id cannot be joined"):
        accepted(b"warmth,wind,rides\n20,1,5\n21,2,6\n", bikes(text))


def test_removed_column_does_not_matter_in_older_files(bikes, accepted):
    rows = accepted(b"day,warmth,snow,wind,rides\n1,20,x,3,5\n2,21,y,4,6\n", bikes())

    assert list(rows.columns) == ["day", "warmth", "wind", "rides"]


@pytest.mark.parametrize("former", ["temp", "temperature"])
def test_former_name_is_read_as_the_new_one_in_tests_and_training(bikes, accepted, former):
    content = f"day,{former},wind,rides\n1,20,3,5\n2,21,4,6\n".encode()
    config = bikes()

    assert report_on(content, config).passed
    assert list(accepted(content, config)["warmth"]) == [20.0, 21.0]


def test_former_name_is_read_in_parquet_too_with_the_type_that_is_wanted(bikes, accepted):
    config = bikes(kind="parquet")
    frame = pd.DataFrame({"day": [1, 2], "temp": [20, 21], "wind": [3, 4], "rides": [5, 6]})

    assert report_on(parquet(frame), config).passed
    assert list(accepted(parquet(frame), config)["warmth"]) == [20.0, 21.0]
    wrong = report_on(parquet(frame.assign(temp=[True, False])), config)
    assert wrong.findings[0].sentence.startswith("column warmth: is of Parquet type bool")


def test_former_name_beside_the_present_one_is_an_extra_column(bikes):
    content = b"day,temp,warmth,wind,rides\n1,0,20,3,5\n2,0,21,4,6\n"
    config = bikes()

    assert open_file(io.BytesIO(content), config.data).header[1:3] == ("temp", "warmth")
    assert "column temp: is not in the contract" in report_on(content, config).findings[0].sentence


@pytest.mark.parametrize(
    ("was", "said"),
    [
        ("[warmth]", "names the column itself"),
        ("[temp, temp]", "names a column twice"),
        ("[wind]", "warmth: was names 'wind', which is a column of its own"),
    ],
)
def test_former_name_that_cannot_be_meant_is_refused_with_its_line(bikes, was, said):
    with pytest.raises(ModelConfigError, match=said) as refused:
        bikes(MODEL.replace("[temp, temperature]", was))

    assert "model.yml:" in str(refused.value)


def test_two_columns_cannot_have_had_one_name(bikes):
    text = MODEL.replace("wind: {type: number,", "wind: {type: number, was: [temp],")

    with pytest.raises(ModelConfigError, match="which column warmth was already"):
        bikes(text)


def test_part_of_an_export_without_rows_has_the_types_of_the_others(bikes, accepted):
    rows = accepted(b"day,warmth,rides\n", bikes(), count=0)

    assert [str(kind) for kind in rows.dtypes] == ["float64"] * 4

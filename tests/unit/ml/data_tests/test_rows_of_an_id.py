"""Files in which an id stands in several rows."""

from __future__ import annotations

import io

import pytest

from ml.data_tests.check import check_file
from ml.model_config import read_model

MODEL = """
name: bikes
task: regression
target: rides
id: day
data:
  SETTING
  min_rows: 1
  columns:
    day: {type: integer}
    warm: {type: number}
    rides: {type: number}
gate:
  floors: {r2: 0}
"""
ROWS = b"day,warm,rides\n1,20.5,10\n2,19,20\n1,20.5,11\n"


@pytest.fixture
def findings(tmp_path):
    def check(setting):
        folder = tmp_path / "bikes"
        folder.mkdir()
        (folder / "pipeline.py").touch()
        (folder / "model.yml").write_text(MODEL.replace("SETTING", setting))
        config = read_model("bikes", tmp_path)
        report = check_file(
            io.BytesIO(ROWS), file="a.csv", config=config, size_bytes=len(ROWS), limit_bytes=None
        )
        return report.findings

    return check


def test_repeated_id_is_a_finding_that_names_the_setting(findings):
    (finding,) = findings("format: csv")

    assert finding.sentence == "column day: 1 row repeats an id; wanted: each id once (row 3)"
    assert "data.repeated_ids: newest (or first) in model.yml" in finding.remedy


@pytest.mark.parametrize("which", ["newest", "first"])
def test_repeated_id_is_no_finding_where_model_yml_says_which_row_counts(findings, which):
    assert findings(f"repeated_ids: {which}") == ()

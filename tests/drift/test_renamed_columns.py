"""Rows that were scored under another name of a column than the reference has."""

from __future__ import annotations

import pandas as pd
import pytest

from ml.drift import Role
from ml.model_config import read_model
from ml.monitoring.window_rows import RoleRows
from ml.reference.profile import reference_profile

MODEL = """
name: bikes
task: regression
target: rides
data:
  columns:
    COLUMN
    rides: {type: number}
gate:
  floors: {r2: 0}
"""
BEFORE, AFTER = "temp: {type: number}", "warmth: {type: number, was: [temp]}"
NUMBERS = [float(number) for number in range(200)]


@pytest.fixture
def config(tmp_path):
    def make(column):
        folder = tmp_path / "bikes"
        folder.mkdir(exist_ok=True)
        (folder / "pipeline.py").touch()
        (folder / "model.yml").write_text(MODEL.replace("COLUMN", column))
        return read_model("bikes", tmp_path)

    return make


@pytest.mark.parametrize(
    ("reference_of", "name"), [(BEFORE, "temp"), (AFTER, "warmth")], ids=["champion", "newer"]
)
@pytest.mark.parametrize("scored_as", ["temp", "warmth"])
def test_column_is_compared_whichever_of_its_names_reference_and_rows_have(
    config, reference_of, name, scored_as
):
    rows = pd.DataFrame({name: NUMBERS, "rides": NUMBERS})
    reference = reference_profile(rows, config(reference_of))

    scan = RoleRows(reference, Role.FEATURE, config(AFTER)).scan_requests(
        [[{scored_as: number} for number in NUMBERS]]
    )
    labels = RoleRows(reference, Role.FEATURE, config(AFTER)).scan_frames(
        [pd.DataFrame({scored_as: NUMBERS})]
    )

    assert set(scan.summaries) == set(labels.summaries) == {name}
    assert not any((*scan.unreadable.values(), *labels.unreadable.values()))

"""Features that give the target away, planted and real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from ml.evaluation.leaks import leak_warnings, leaks
from ml.model_config import read_model

if TYPE_CHECKING:
    from pathlib import Path

    from ml.model_config import ModelConfig

ROWS = 800


def settings(tmp_path: Path, task: str, rows: pd.DataFrame) -> ModelConfig:
    folder = tmp_path / "loans"
    folder.mkdir()
    (folder / "pipeline.py").write_text("def build(params): ...\n")
    columns = "".join(f"    {name}: {{type: number}}\n" for name in rows if name != "label")
    kind, metric = ("number", "r2") if task == "regression" else ("category", "accuracy")
    values = ", values: [bad, good]" if kind == "category" else ""
    (folder / "model.yml").write_text(
        f"name: loans\ntask: {task}\ntarget: label\ndata:\n  columns:\n{columns}"
        f"    label: {{type: {kind}{values}}}\ngate:\n  floors: {{{metric}: 0.1}}\n"
    )
    return read_model("loans", tmp_path)


def test_columns_that_hold_the_class_are_found_and_ordinary_ones_are_not(tmp_path):
    draw = np.random.default_rng(0)
    bad = draw.random(ROWS) < 0.2
    flipped = bad ^ (np.arange(ROWS) < 3)
    rows = pd.DataFrame(
        {
            "code": bad * 7.0,
            "nearly": flipped.astype(float),
            "recovered": np.where(bad, draw.random(ROWS), np.nan),  # written down afterwards
            "sorted_id": 2.0**50 + np.where(bad, 0, ROWS) + np.arange(ROWS),
            "score": bad + draw.normal(0, 1.0, ROWS),
            "some_id": draw.permutation(ROWS).astype(float),
            "empty": np.nan,
            "label": np.where(bad, "bad", "good"),
        }
    )

    found = [leak.column for leak in leaks(rows, settings(tmp_path, "classification", rows))]

    assert set(found) == {"code", "nearly", "recovered", "sorted_id"}


def test_columns_that_hold_the_number_are_found_and_ordinary_ones_are_not(tmp_path):
    draw = np.random.default_rng(0)
    label = draw.gamma(2.0, 100.0, ROWS)
    rows = pd.DataFrame(
        {
            "inches": label / 2.54,
            "afterwards": label + draw.normal(0, 0.05 * label.std(), ROWS),
            "related": label + draw.normal(0, label.std(), ROWS),
            "label": label,
        }
    )
    config = settings(tmp_path, "regression", rows)

    assert {leak.column for leak in leaks(rows, config)} == {"inches", "afterwards"}
    assert leak_warnings(rows, config)[0].startswith("inches alone predicts label almost perfectly")


@pytest.mark.parametrize("rows", [20, 30, 60, 150])
def test_petals_that_tell_species_nearly_apart_are_no_leak(rows):
    from sklearn.datasets import load_iris  # noqa: PLC0415 - a second of CPU

    config = read_model("iris")
    table = load_iris(as_frame=True).frame.set_axis([*config.features, "Species"], axis=1)

    found = [leaks(table.sample(rows, random_state=seed), config) for seed in range(5)]

    assert found == [[]] * 5

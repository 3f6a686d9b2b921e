"""Cells as people report them: the cases beside the project, through the data tests."""

import io
import re
from pathlib import Path

import pytest

from ml.data_tests.check import check_file
from ml.model_config import read_model

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
SAID = {
    "blank-cells/spaces": "passed, 5 rows",
    "blank-cells/question-marks": '2 cells hold only "?"',
    "blank-cells/sheet-errors": '2 cells hold only "#N/A" or "#DIV/0!"',
    "listed-words/rows": "passed, 4 rows",
    "yaml-words/codes": "passed, 3 rows",
    "yaml-words/labels": "passed, 3 rows",
    "categories-as-written/space-after-comma": "passed, 2 rows",
    "categories-as-written/whole-numbers-as-floats": "passed, 3 rows",
    "categories-as-written/capital-truth": "passed, 2 rows",
    "number-notation/thousands-comma": "a thousands separator or a decimal comma",
    "number-notation/thousands-point": "decimals or thousands",
    "number-notation/sheet-ids": "their last digits are gone",
}


@pytest.mark.parametrize("case", SAID)
def test_case_from_the_field_is_told_what_its_cells_are(tmp_path, case):
    folder, _, name = case.partition("/")
    if not (CASES / folder).is_dir():
        pytest.skip(f"{folder} lies beside the project, in ../shared/cases, and is not here")
    own = CASES / folder / f"{name}.model.yml"
    text = (own if own.is_file() else CASES / folder / "model.yml").read_text(encoding="utf-8")
    model = re.search(r"name: (\S+)", text)[1]
    (tmp_path / model).mkdir()
    (tmp_path / model / "model.yml").write_text(text, encoding="utf-8")
    (tmp_path / model / "pipeline.py").write_text("def build(params): ...")
    content = (CASES / f"{case}.csv").read_bytes()

    report = check_file(
        io.BytesIO(content),
        file=name,
        config=read_model(model, tmp_path),
        size_bytes=len(content),
        limit_bytes=None,
    )

    assert SAID[case] in report.sentence

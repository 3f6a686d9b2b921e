"""What goes wrong in a model's own code becomes one sentence with file and line."""

import importlib
import subprocess
import sys

import pandas as pd
import pytest
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline

from ml import models
from ml.errors import ModelConfigError, NotEnoughRowsError
from ml.model_config import read_model
from ml.step_end import FINAL_EXIT_CODE
from ml.training.blame import blamed
from ml.training.build import built_by
from ml.training.train import fit

_HEAD = '"""A model."""\n\nfrom sklearn.linear_model import Ridge\n\n\ndef build(params):\n'


@pytest.fixture
def model(tmp_path, monkeypatch):
    """Writes pipeline.py of a model `houses` and imports it."""
    folder = tmp_path / "ml" / "models" / "houses"
    folder.mkdir(parents=True)
    monkeypatch.setattr(models, "__path__", [str(tmp_path / "ml" / "models")])
    name = "ml.models.houses.pipeline"

    def write(code):
        for known in (name, "ml.models.houses"):
            monkeypatch.delitem(sys.modules, known, raising=False)
        importlib.invalidate_caches()
        (folder / "pipeline.py").write_text(code)
        return name

    return write


def said(name):
    with pytest.raises(ModelConfigError) as caught, blamed("houses", doing="importing it"):
        built_by(importlib.import_module(name), {}, where="ml/models/houses")
    return str(caught.value)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (f"{_HEAD}    return Rigde()\n", "pipeline.py:7  NameError: name 'Rigde' is not defined"),
        (f"{_HEAD}    return Ridge().alhpa\n", "pipeline.py:7  AttributeError: 'Ridge' object has"),
        ("1 / 0\n", "pipeline.py:1  ZeroDivisionError: division by zero"),
        ("def build(params)\n", "pipeline.py:1  SyntaxError: expected ':'"),
        ("import absent_one\n", "pipeline.py:1  imports absent_one, which the training environ"),
        ("x = 1\n", "pipeline.py has no build; write def build(params)"),
    ],
)
def test_mistake_in_pipeline_py_is_said_with_its_line(model, code, sentence):
    assert said(model(code)).startswith(f"ml/models/houses/{sentence}")


def test_full_memory_or_a_broken_disk_is_no_mistake_of_the_model():
    for failure in (MemoryError, OSError):
        with pytest.raises(failure), blamed("houses", doing="fit"):
            raise failure


def _rows(config):
    table = pd.DataFrame({name: [float(at) for at in range(60)] for name in config.features})
    return table.assign(**{config.target: range(60)})


def test_fit_that_fails_on_missing_values_names_the_columns_and_the_remedy():
    config = read_model("diabetes")
    rows = _rows(config)
    rows.loc[3, "bmi"] = None

    with pytest.raises(ModelConfigError) as caught:
        fit(Pipeline([("ridge", Ridge())]), rows, config)

    text = str(caught.value)
    assert text.startswith("ml/models/diabetes/pipeline.py  fit failed: ValueError: Input X cont")
    assert "Here bmi has missing values, which max_missing_percent allows; put sklearn" in text
    assert fit(Pipeline([("trees", ExtraTreesRegressor(5))]), rows, config)  # takes them


@pytest.mark.parametrize(
    ("error", "code", "last"),
    [
        (f"{ModelConfigError.__name__}(['one', 'two'])", FINAL_EXIT_CODE, "final: one; two"),
        (f"{NotEnoughRowsError.__name__}('3 rows')", FINAL_EXIT_CODE, "final: 3 rows"),
        ("OSError('disk')", 1, "OSError: disk"),
    ],
)
def test_step_says_in_its_last_line_what_cannot_end_otherwise(error, code, last):
    program = (
        "from ml.errors import *\nfrom ml.step_end import told_at_the_end\n"
        f"with told_at_the_end():\n    raise {error}\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert ended.returncode == code
    assert ended.stderr.splitlines()[-1] == last

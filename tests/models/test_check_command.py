"""`python -m ml check`: a model's mistakes in a sentence each, in seconds and without a job."""

import shutil
from pathlib import Path

import pytest

from ml import __main__ as command
from ml import models
from ml.checking import check
from ml.checking.made_up import made_up_rows
from ml.model_config import folders, read_model
from shared.adapters.model_catalog import FolderCatalog
from shared.errors import ModelConfigError

# MLflow warns while it is imported, part by part.
pytestmark = pytest.mark.filterwarnings("default")

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
_SETTINGS = """
name: shop
task: classification
target: kind
data:
  max_duplicate_rows_percent: 100
  columns:
    total: {type: number, min: 1, max: 9, max_missing_percent: 10}
    count: {type: integer, min: 0}
    place: {type: category, values: [here, there, nowhere]}
    note: {type: text}
    kind: {type: category, values: ["yes", "no"]}
training:
  params: {PARAMS}
  min_train_rows: 20
  min_test_rows: 5
gate:
  floors: {accuracy: 0.5}
"""
_IMPORTS = """\
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder


def build(params):
"""
_NUMBERS = """\
    columns = make_column_transformer(("passthrough", ["total", "count"]))
    return make_pipeline(columns, LogisticRegression())
"""
_GOOD = """\
    columns = make_column_transformer(
        (OneHotEncoder(), ["place"]), remainder=SimpleImputer(strategy="median")
    )
    return make_pipeline(columns, RandomForestClassifier(**params))
"""


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Writes the model `shop` and runs the command on it: exit status and lines."""
    root = tmp_path / "ml" / "models"
    folder = root / "shop"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    monkeypatch.setattr(models, "__path__", [str(root)])
    monkeypatch.setattr(folders, "MODELS", root)
    monkeypatch.setattr(check, "read_model", lambda name: read_model(name, root))

    def run(capsys, code, params="n_estimators: 5", *more):
        for module in ("ml.models.shop.pipeline", "ml.models.shop"):
            monkeypatch.delitem(command.sys.modules, module, raising=False)
        (folder / "pipeline.py").write_text(code)
        (folder / "model.yml").write_text(_SETTINGS.replace("PARAMS", params))
        status = command.main(["check", "shop", *map(str, more)])
        return status, capsys.readouterr().out.splitlines()

    return run


def test_ordinary_model_is_ready_and_says_what_it_does_not_learn_from(shop, capsys):
    status, lines = shop(capsys, _IMPORTS + _GOOD)

    assert status == 0
    assert lines[0] == "✓ shop fits 300 made-up rows, is saved, loaded and answers as before"
    assert lines[1].startswith("✓ shop does not learn from note (type text)")
    assert lines[2].startswith("✓ shop is ready (")


def test_file_is_tested_and_learnt_from_as_well(shop, capsys, tmp_path):
    rows = [f"{at % 8 + 1},{at},here,x,{'yes' if at % 2 else 'no'}" for at in range(60)]
    file = tmp_path / "march.csv"
    file.write_text("\n".join(["total,count,place,note,kind", *rows]))

    status, lines = shop(capsys, _IMPORTS + _GOOD, "n_estimators: 5", file)

    assert status == 0
    assert "✓ shop march.csv: passed, 60 rows" in lines
    assert any("training rows, is saved, loaded and answers as before" in line for line in lines)

    file.write_text("\n".join(["total,count,place,note,kind", *rows, "99,1.5,,x,yes"]))
    status, lines = shop(capsys, _IMPORTS + _GOOD, "n_estimators: 5", file)
    assert status == 1
    assert [line.partition(": march.csv: column ")[2][:5] for line in lines[-3:]] == [
        "total",
        "count",
        "place",
    ]
    assert lines[-2].endswith("; give the column type number in model.yml, or correct the cells")


@pytest.mark.parametrize(
    ("body", "params", "said"),
    [
        ("    pass\n", "", "build gives nothing (no return), which is not a scikit-learn est"),
        (
            "    return Ridge()\n",
            "",
            "build gives a Ridge as its last step, which is not a cla",
        ),
        (
            "    return make_pipeline(FunctionTransformer(lambda x: x), LogisticRegression())\n",
            "",
            "steps['functiontransformer'].func cannot be saved: it is a lambda; define a function",
        ),
        (_GOOD, "n_estimatros: 5", "training.params.n_estimatros: nothing takes the value 5"),
        ("    return Foo()\n", "", "pipeline.py:10  NameError: name 'Foo' is not defined"),
        ("    import lightgbm\n", "", "pipeline.py:10  imports lightgbm, which the training env"),
        ("    return (\n", "", "pipeline.py:10  '(' was never closed"),
        (
            _NUMBERS,
            "",
            "missing values, which max_missing_percent allows; put sklearn.impute.SimpleImputer",
        ),
        ("    return LogisticRegression()\n", "", "fit failed: ValueError: could not convert str"),
    ],
)
def test_mistake_ends_with_one_sentence_and_status_1(shop, capsys, body, params, said):
    status, lines = shop(capsys, _IMPORTS + body, params)

    assert status == 1
    assert len(lines) == 1
    assert lines[0].startswith("✕ shop: ml/models/shop/")
    assert said in lines[0]


def test_made_up_rows_keep_the_contract():
    config = read_model("marketing")

    rows = made_up_rows(config)

    assert set(rows) == {*config.features, config.target}
    assert set(rows["Education"]) == set(config.column("Education").categories)
    assert rows["Year_Birth"].between(1880, 2030).all()
    assert rows["Income"].isna().sum() == 15
    assert (rows["Kidhome"] % 1 == 0).all()
    assert set(rows["Response"]) == {0, 1}
    assert rows.equals(made_up_rows(config))


@pytest.mark.skipif(not CASES.is_dir(), reason="no ../shared/cases beside the project")
def test_case_of_a_lacking_package_is_refused_when_the_model_is_read(tmp_path):
    root = tmp_path / "ml" / "models"
    shutil.copytree(CASES / "pipeline-fails", root / "lacking")

    with pytest.raises(ModelConfigError) as caught:
        FolderCatalog(root).policy("lacking")

    said = str(caught.value)
    assert said.startswith("ml/models/lacking/pipeline.py:3  imports lightgbm, which the training ")
    assert said.endswith("add lightgbm==<version> to requirements.txt beside pipeline.py")
    (root / "lacking" / "requirements.txt").write_text("lightgbm==4.6.0\n")
    assert FolderCatalog(root).policy("lacking").max_attempts == 2

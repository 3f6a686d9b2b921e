from __future__ import annotations

import functools
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from ml.errors import ModelArtefactError
from ml.model_folder import ModelFolder
from ml.model_folder.trusted_types import is_trusted
from ml.scoring.scorer import ModelAnswerError, Scorer

ROOT = Path(__file__).resolve().parents[4]
_INPUTS = [
    {"name": "age", "type": "double", "required": False},
    {"name": "city", "type": "string", "required": True},
]
_FRAME = pd.DataFrame({"age": [20.0, 30.0, None, 50.0] * 5, "city": ["a", "b", "a", "c"] * 5})
_LABELS = ["low", "high", "low", "high"] * 5


def _double_it(values):
    return values * 2


class _Kept:
    """A collection that keeps its batches."""

    def __init__(self):
        self.batches = []

    def put(self, batches):
        self.batches += batches


@functools.cache
def _model(*, function=None):
    # Here, because every process that runs tests imports every test file.
    from sklearn.compose import ColumnTransformer  # noqa: PLC0415
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415
    from sklearn.impute import SimpleImputer  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder  # noqa: PLC0415

    numbers = make_pipeline(FunctionTransformer(function), SimpleImputer())
    columns = ColumnTransformer(
        [("n", numbers, ["age"]), ("c", OneHotEncoder(handle_unknown="ignore"), ["city"])]
    )
    return make_pipeline(columns, RandomForestClassifier(5, random_state=0)).fit(_FRAME, _LABELS)


@functools.cache
def _dumped(function):
    import skops.io  # noqa: PLC0415 - same

    return skops.io.dumps(_model(function=function))


def _save(folder, *, function=None, serialization="skops"):
    folder.mkdir(parents=True)
    (folder / "model.skops").write_bytes(_dumped(function))
    document = {
        "flavors": {
            "sklearn": {
                "pickled_model": "model.skops",
                "serialization_format": serialization,
                # As a forger would write it: the file's own list must not count.
                "skops_trusted_types": ["test_scorer._double_it"],
            }
        },
        "signature": {"inputs": json.dumps(_INPUTS), "outputs": "[]"},
    }
    (folder / "MLmodel").write_text(yaml.safe_dump(document))


@pytest.fixture
def mounted(tmp_path):
    """As Azure mounts it: the folder of the registered model below name and version."""
    version = tmp_path / "azureml-models" / "people" / "12"
    _save(version / "model")
    return version


def _scorer(mounted, **more):
    folder = ModelFolder.read(mounted)
    kept = _Kept()
    scorer = Scorer(folder=folder, model=folder.load(), collection=kept, **more)
    return scorer, kept


def _ask(scorer, *rows):
    return scorer.answer(json.dumps({"data": rows}).encode(), request_id="r-1")


def test_answer_has_predictions_name_and_version_of_the_model(mounted):
    scorer, _ = _scorer(mounted)

    answer = _ask(scorer, {"age": 30, "city": "b"}, {"age": None, "city": "elsewhere"})

    frame = pd.DataFrame({"age": [30.0, np.nan], "city": ["b", "elsewhere"]})
    assert answer.status == 200
    assert answer.body == {
        "predictions": _model().predict(frame).tolist(),
        "model": "people",
        "model_version": "12",
    }


def test_inputs_and_outputs_are_collected_with_row_ids(mounted):
    scorer, kept = _scorer(mounted, id_column="ID")

    answer = _ask(scorer, {"ID": 7, "age": 30, "city": "b"})

    inputs, outputs = kept.batches
    assert answer.body["ids"] == [7]
    assert json.loads(inputs.content()) == [{"ID": 7, "age": 30.0, "city": "b"}]
    assert json.loads(outputs.content()) == [{"ID": 7, "prediction": "high"}]
    assert {inputs.kind, outputs.kind} == {"model_inputs", "model_outputs"}
    assert {batch.request_id for batch in kept.batches} == {"r-1"}
    assert {batch.model_version for batch in kept.batches} == {"12"}


def test_bad_rows_are_answered_with_400_and_not_collected(mounted):
    scorer, kept = _scorer(mounted, max_rows=1)

    retyped = _ask(scorer, {"age": "old", "city": "b"})
    many = _ask(scorer, {"age": 1, "city": "b"}, {"age": 1, "city": "b"})

    assert (retyped.status, retyped.body["error"]["column"]) == (400, "age")
    assert (many.status, many.body["error"]["code"]) == (400, "too_many_rows")
    assert kept.batches == []


class _WrongModel:
    def __init__(self, predictions):
        self._predictions = predictions

    def predict(self, _):
        if isinstance(self._predictions, Exception):
            raise self._predictions
        return self._predictions


@pytest.mark.parametrize(
    ("predictions", "error"),
    [
        (np.array([np.nan]), ModelAnswerError),
        (np.array([1.0, 2.0]), ModelAnswerError),
        (ValueError("inside"), ValueError),
    ],
)
def test_invalid_predictions_of_a_model_raise_and_are_not_collected(mounted, predictions, error):
    kept = _Kept()
    scorer = Scorer(
        folder=ModelFolder.read(mounted), model=_WrongModel(predictions), collection=kept
    )

    with pytest.raises(error):
        _ask(scorer, {"age": 1, "city": "b"})

    assert kept.batches == []


def test_model_with_untrusted_function_is_refused_although_its_file_trusts_it(tmp_path):
    _save(tmp_path / "model", function=_double_it)

    with pytest.raises(ModelArtefactError, match=r"not trusted: .*_double_it"):
        ModelFolder.read(tmp_path).load()


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "builtins.eval",
        "builtins.getattr",
        "numpy.load",
        "joblib.numpy_pickle.load",
        "operator.methodcaller",
        "ml.models.diabetes.pipeline.TYPE_CHECKING",
        "ml.models.diabetes.pipeline.Ridge",
        "ml.models.x.f",
        "sklearn.tree._export.export_graphviz",  # writes files
        "sklearn.datasets._base.load_files",
        "sklearn.utils._testing.TempMemmap",
        "sklearn.model_selection._search.Parallel",  # only imported there
        "sklearn.metrics.os",
        "scipy.stats._continuous_distns.reciprocal_gen",  # restored by running its text
    ],
)
def test_names_that_run_code_or_are_only_imported_are_not_trusted(name):
    assert not is_trusted(name)


@pytest.mark.parametrize(
    "name",
    [
        "sklearn.tree._tree.Tree",
        "sklearn.gaussian_process.kernels.RBF",
        "sklearn.metrics._dist_metrics.ManhattanDistance64",
        "sklearn.model_selection._split.TimeSeriesSplit",
        "sklearn.feature_selection._univariate_selection.f_classif",
        "ml.models.diabetes.pipeline.build",
    ],
)
def test_parts_of_models_are_trusted_by_where_they_are_defined(name):
    assert is_trusted(name)


def test_folder_that_cannot_be_served_is_refused_with_the_reason(tmp_path, mounted):
    empty = tmp_path / "empty"
    empty.mkdir()
    pickled = tmp_path / "pickled"
    _save(pickled, serialization="cloudpickle")
    two = tmp_path / "two"
    _save(two / "a")
    _save(two / "b")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "MLmodel").write_text("flavors: {}\n")

    for folder, words in [
        (empty, "holds 0 MLmodel files"),
        (pickled, "pickles are not loaded"),
        (two, "holds 2 MLmodel files"),
        (broken, "is not an MLflow scikit-learn model"),
    ]:
        with pytest.raises(ModelArtefactError, match=words):
            ModelFolder.read(folder)
    assert ModelFolder.read(mounted).version == "12"


def test_scoring_a_row_runs_at_most_five_of_our_files(mounted):
    """The entry script calls the scorer; it needs the inference server, so it is counted here."""
    scorer, _ = _scorer(mounted)
    ran = {"score.py"}

    def note(frame, _event, _argument):
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(ROOT / "ml"):
            ran.add(path.name)

    sys.setprofile(note)
    try:
        _ask(scorer, {"age": 30, "city": "b"})
    finally:
        sys.setprofile(None)

    assert ran <= {"score.py", "scorer.py", "rows.py", "cells.py", "collection.py"}

"""Some of each kind; `benchmarks/estimators.py` takes all of them."""

from importlib.util import find_spec

import pytest

from benchmarks.estimators import BOOSTERS, one
from benchmarks.ordinary.arrangements import LeftOut
from benchmarks.ordinary.loop import Outcome

_SOME = [
    "BisectingKMeans",  # holds a function of its own
    "CalibratedClassifierCV",
    "FeatureAgglomeration",
    "GaussianProcessClassifier",
    "GridSearchCV",
    "HistGradientBoostingRegressor",
    "IterativeImputer",
    "KBinsDiscretizer",
    "KNeighborsClassifier",
    "MLPClassifier",
    "RandomizedSearchCV",
    "SelectKBest",
    "SparseRandomProjection",
    "SplineTransformer",
    "StackingRegressor",
    "TargetEncoder",
    "TfidfVectorizer",
    "TransformedTargetRegressor",
    "TunedThresholdClassifierCV",
    "VotingClassifier",
]


@pytest.mark.parametrize("name", _SOME)
def test_ordinary_estimator_answers_at_the_endpoint_as_in_memory(name):
    assert one(name) == Outcome("equal")


@pytest.mark.parametrize("path", BOOSTERS)
def test_boosting_library_answers_at_the_endpoint_as_in_memory(path):
    module, _, name = path.rpartition(".")
    if find_spec(module) is None:
        pytest.skip(f"{module} is not installed; a model that uses it brings requirements.txt")
    assert one(name) == Outcome("equal")


def test_estimator_that_cannot_be_saved_is_refused_before_it_is_fitted():
    outcome = one("Birch")

    assert outcome.kind == "refused_before_training"
    assert "Birch is not supported by skops" in outcome.words


@pytest.mark.parametrize("name", ["DBSCAN", "MultiTaskLasso", "LabelEncoder", "KernelCenterer"])
def test_what_is_no_part_of_a_model_is_left_out_with_a_reason(name):
    assert isinstance(one(name), LeftOut)

import functools
import os

import pytest
from scipy.stats import loguniform
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from ml.errors import ModelConfigError
from ml.training.build import check_kind
from ml.training.parts import check_parts, parts_of, settle


def test_every_part_that_draws_gets_the_seed_and_every_parallel_part_one_core():
    tried = [SVC(), RandomForestClassifier(n_jobs=-1)]
    search = GridSearchCV(
        Pipeline([("last", SVC())]),
        {"last": tried},
        cv=StratifiedKFold(3, shuffle=True),
        n_jobs=2,
    )
    vote = VotingClassifier([("search", search), ("bag", BaggingClassifier(SVC(), n_jobs=4))])

    settle(vote, seed=7)

    parts = [part for _, part in parts_of(vote)]
    assert [part.random_state for part in parts if hasattr(part, "random_state")] == [7] * 6
    assert {part.n_jobs for part in parts if hasattr(part, "n_jobs")} == {1, None}
    assert (search.cv.random_state, tried[1].n_jobs, search.n_jobs) == (7, 1, 1)


def test_splitter_that_does_not_shuffle_stays_as_it_is():
    search = GridSearchCV(LogisticRegression(), {"C": [1]}, cv=StratifiedKFold(3))

    settle(search, seed=7)

    assert search.cv.random_state is None


def _scale(values):
    return values * 2


def _local():
    def scale(values):
        return values * 2

    return scale


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (
            lambda values: values,
            "it is a lambda; define a function at the top level of pipeline.py",
        ),
        (_local(), "is defined inside a function; define it at the top level of pipeline.py"),
        (_scale, "it holds test_parts._scale, which a model file may not name"),
        (os.system, "it holds posix.system, which"),
        (eval, "it holds builtins.eval, which"),
        (functools.partial(os.system, "true"), "it holds posix.system, which"),
        (functools.partial(exec, "1"), "it holds builtins.exec, which"),
    ],
)
def test_function_that_a_model_file_may_not_name_is_refused_with_its_place(function, said):
    pipeline = Pipeline([("double", FunctionTransformer(function)), ("last", LogisticRegression())])

    with pytest.raises(ModelConfigError) as caught:
        check_parts(pipeline, where="ml/models/houses")

    assert str(caught.value).startswith("ml/models/houses/pipeline.py: steps['double'].func cannot")
    assert said in str(caught.value)


def test_search_over_a_distribution_is_no_reason_to_refuse_and_keeps_it_until_it_is_fitted():
    search = RandomizedSearchCV(LogisticRegression(), {"C": loguniform(0.1, 10)})

    check_parts(search, where="ml/models/houses")

    assert hasattr(search.param_distributions["C"], "rvs")


@pytest.mark.parametrize(
    ("built", "said"),
    [
        (
            None,
            (
                "build gives nothing (no return), which is not a scikit-learn estimator; "
                "return a Pipeline that"
            ),
        ),
        ({"a": 1}, "build gives a dict, which is not a scikit-learn estimator"),
        (Pipeline([("double", FunctionTransformer())]), "a FunctionTransformer as its last step"),
        (LogisticRegression(), "a LogisticRegression as its last step, which is not a regressor"),
    ],
)
def test_what_cannot_predict_the_target_is_refused_by_its_kind(built, said):
    with pytest.raises(ModelConfigError) as caught:
        check_kind(built, "regression", where="ml/models/houses")

    assert said in str(caught.value)

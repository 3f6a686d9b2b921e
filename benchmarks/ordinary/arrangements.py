"""How each estimator becomes part of a model, or why it cannot be part of one.

An estimator that predicts is the last step, a transformer stands before a plain predictor, a
meta-estimator is wrapped around one.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import f_classif
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import KBinsDiscretizer, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import get_tags

from ml.features import NumberedClasses

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ml.metrics import Task

NUMBERS: Final = ["a", "b", "c", "d"]
WORDS: Final = "words"
_TEXT_CLASSES: Final = {"CountVectorizer", "HashingVectorizer", "TfidfVectorizer"}
_OUTPUTS_APART: Final = {
    "ClassifierChain",
    "MultiOutputClassifier",
    "MultiOutputRegressor",
    "RegressorChain",
}


@dataclass(frozen=True, slots=True)
class Arrangement:
    """A model around one estimator; `make` gives it unfitted."""

    name: str
    task: Task
    make: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An estimator that cannot be part of a model of one target on a table, and why."""

    name: str
    reason: str


def arrange(estimator: type) -> Arrangement | LeftOut:
    """A model around an estimator's class."""
    name = estimator.__name__
    if name in _OUTPUTS_APART:
        return LeftOut(name, "needs several targets")
    if name == "PLSSVD":
        return LeftOut(name, "gives two tables while it is fitted, which no Pipeline takes")
    task: Task = "classification"
    if "egress" in name and not name.startswith("LogisticRegression"):
        task = "regression"
    example = estimator(**_arguments(estimator, task))
    tags = get_tags(example)
    if tags.estimator_type == "regressor":
        task = "regression"
    predicts = tags.estimator_type in {"classifier", "regressor"} or name == "Pipeline"
    reason = _no_part(name, tags, predicts=predicts, transforms=hasattr(example, "transform"))
    if reason:
        return LeftOut(name, reason)

    def make() -> Any:
        part = estimator(**_arguments(estimator, task))
        if name == "XGBClassifier":
            part = NumberedClasses(part)
        if name == "ColumnTransformer":
            return Pipeline([("columns", part), ("predict", LogisticRegression())])
        take = _taking(name)
        last = [] if predicts else [("predict", _predictor(task))]
        middle = [] if take is None else [("part", part)]
        columns = part if take is None else take
        if take is None:  # of texts: the vectorizer takes the column itself
            columns = ColumnTransformer([("part", part, WORDS)])
        return Pipeline([("columns", columns), *_before(name), *middle, *last])

    return Arrangement(name, task, make)


def _no_part(name: str, tags: Any, *, predicts: bool, transforms: bool) -> str:
    inputs, target = tags.input_tags, tags.target_tags
    if not target.single_output:
        return "needs several targets"
    if not predicts and (target.one_d_labels or target.two_d_labels):
        return "transforms a target, not features"
    if inputs.pairwise or name == "KernelCenterer":
        return "takes a matrix of distances, not a table"
    if name not in _TEXT_CLASSES and not inputs.two_d_array:
        return "takes images or dictionaries, not a table"
    if not (predicts or transforms):
        return "neither predicts a target nor transforms the rows that come later"
    return ""


def _before(name: str) -> list[tuple[str, Any]]:
    """Whole numbers from 0 for what counts; scales for what needs them."""
    if name == "CategoricalNB":
        return [("bins", KBinsDiscretizer(3, encode="ordinal", quantile_method="linear"))]
    return []


def _taking(name: str) -> Any | None:
    if name in _TEXT_CLASSES:
        return None
    columns = ["a"] if name == "IsotonicRegression" else NUMBERS
    return ColumnTransformer([("take", "passthrough", columns)])


def _predictor(task: Task) -> Any:
    return Ridge() if task == "regression" else LogisticRegression()


def _arguments(estimator: type, task: Task) -> Mapping[str, Any]:
    name, known = estimator.__name__, inspect.signature(estimator).parameters
    found: dict[str, Any] = {}
    if "estimator" in known and (
        known["estimator"].default is inspect.Parameter.empty or name == "SelfTrainingClassifier"
    ):
        found["estimator"] = _predictor(task)
    if "estimators" in known:
        tree = DecisionTreeRegressor() if task == "regression" else DecisionTreeClassifier()
        found["estimators"] = [("plain", _predictor(task)), ("tree", tree)]
    if name in _SPECIAL:
        found |= _SPECIAL[name]()
    return found


def _frozen() -> dict[str, Any]:
    rows = np.arange(40.0).reshape(10, 4)
    return {"estimator": StandardScaler().fit(rows)}


_SPECIAL: Final[Mapping[str, Callable[[], dict[str, Any]]]] = {
    "CCA": lambda: {"n_components": 1},
    "ColumnTransformer": lambda: {"transformers": [("scale", StandardScaler(), NUMBERS)]},
    "FeatureUnion": lambda: {"transformer_list": [("scale", StandardScaler())]},
    "FrozenEstimator": _frozen,
    "GaussianRandomProjection": lambda: {"n_components": 3},
    "GridSearchCV": lambda: {"param_grid": {"C": [0.1, 1.0]}, "scoring": "f1_macro"},
    "HalvingGridSearchCV": lambda: {"param_grid": {"C": [0.1, 1.0]}},
    "HalvingRandomSearchCV": lambda: {"param_distributions": {"C": [0.1, 1.0]}},
    "LGBMClassifier": lambda: {"n_estimators": 10, "verbose": -1},
    "LGBMRegressor": lambda: {"n_estimators": 10, "verbose": -1},
    "LatentDirichletAllocation": lambda: {"n_components": 3},
    "Pipeline": lambda: {"steps": [("scale", StandardScaler()), ("plain", LogisticRegression())]},
    "MissingIndicator": lambda: {"features": "all"},
    "PLSCanonical": lambda: {"n_components": 1},
    "RandomizedSearchCV": lambda: {"param_distributions": {"C": [0.1, 1.0]}, "n_iter": 2},
    "RFE": lambda: {"n_features_to_select": 2},
    "SelectKBest": lambda: {"score_func": f_classif, "k": 2},
    "SequentialFeatureSelector": lambda: {"n_features_to_select": 2},
    "SparseCoder": lambda: {"dictionary": np.eye(4)},
    "CatBoostClassifier": lambda: {"iterations": 10, "allow_writing_files": False, "silent": True},
    "CatBoostRegressor": lambda: {"iterations": 10, "allow_writing_files": False, "silent": True},
    "SparseRandomProjection": lambda: {"n_components": 3},
}

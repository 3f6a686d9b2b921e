"""Which types and functions a model file may name: by our rule, never by the file's own list.

skops itself trusts scikit-learn's public estimators and the element-wise functions of numpy and
scipy. Of what it does not trust, a file may name

- classes that scikit-learn defines in the packages that make models: fitted parts, kernels,
  splitters, scorers, losses. Their constructors keep what they are given;
- functions of scikit-learn that score or compare, and a few of numpy and scipy: each computes from
  arrays and touches nothing else;
- the classes of the gradient boosting libraries, where the environment has them;
- what `ml/models/` and `ml/features/` define, which is code we deploy, not data we load.

Names are looked up: a module that imports `os` also has `os.system`, so what is found must be
defined where its name says.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Packages of scikit-learn whose classes are models, or parts of fitted ones. Not among them are
# those that load files, open processes, draw or test: datasets, externals, inspection, utils.
_MODEL_PACKAGES = frozenset(
    {
        "_loss",
        "calibration",
        "cluster",
        "compose",
        "covariance",
        "cross_decomposition",
        "decomposition",
        "discriminant_analysis",
        "dummy",
        "ensemble",
        "feature_extraction",
        "feature_selection",
        "frozen",
        "gaussian_process",
        "impute",
        "isotonic",
        "kernel_approximation",
        "kernel_ridge",
        "linear_model",
        "manifold",
        "metrics",
        "mixture",
        "model_selection",
        "multiclass",
        "multioutput",
        "naive_bayes",
        "neighbors",
        "neural_network",
        "pipeline",
        "preprocessing",
        "random_projection",
        "semi_supervised",
        "svm",
        "tree",
    }
)
# Of these packages any public function: scores, distances, kernels.
_FUNCTION_PACKAGES = ("sklearn.metrics", "sklearn.feature_selection")
_PLAIN_CLASSES = frozenset(
    {
        "builtins.object",
        "collections.OrderedDict",
        "numpy.dtype",
        "numpy.floating",
        "numpy.integer",
        "numpy.number",
        "scipy.interpolate._bsplines.BSpline",
        "scipy.sparse._csc.csc_array",
        "scipy.sparse._csc.csc_matrix",
        "scipy.sparse._csr.csr_array",
        "scipy.sparse._csr.csr_matrix",
        "sklearn.utils._bunch.Bunch",
        "sklearn.utils._metadata_requests.MetadataRequest",
        "sklearn.utils._metadata_requests.MethodMetadataRequest",
    }
)
_PLAIN_FUNCTIONS = frozenset(
    {
        "numpy.amax",
        "numpy.amin",
        "numpy.max",
        "numpy.mean",
        "numpy.median",
        "numpy.min",
        "numpy.nan_to_num",
        "numpy.sum",
        "scipy._lib.array_api_compat.numpy._aliases.asarray",
        "sklearn.cluster._kmeans._kmeans_single_elkan",
        "sklearn.cluster._kmeans._kmeans_single_lloyd",
        "sklearn.utils.validation.check_array",
    }
)
# What it calls stands in the file as well, and must be trusted by itself.
_PARTIAL = "functools.partial"
_BOOSTING_MODULES = (
    "catboost.core.",
    "lightgbm.basic.",
    "lightgbm.sklearn.",
    "xgboost.core.",
    "xgboost.sklearn.",
)
# Code that we deploy: the models' own, and the encoders offered to them.
_OUR_CODE = ("ml.models.", "ml.features.")


def untrusted(names: Iterable[str]) -> list[str]:
    """Those of the full names of types and functions that may not be loaded, sorted."""
    return sorted(name for name in names if not is_trusted(name))


@functools.cache
def is_trusted(name: str) -> bool:
    """Whether a type or function of this full name may be loaded."""
    if name in _PLAIN_CLASSES or name in _PLAIN_FUNCTIONS or name == _PARTIAL:
        return True
    module_name, _, attribute = name.rpartition(".")
    if name.startswith(_OUR_CODE):
        return _defined_there(module_name, attribute) is not None
    if name.startswith(_BOOSTING_MODULES):
        return inspect.isclass(_defined_there(module_name, attribute))
    if not _makes_models(module_name):
        return False
    found = _defined_there(module_name, attribute)
    return inspect.isclass(found) or (inspect.isfunction(found) and _is_public(name, found))


def _makes_models(module_name: str) -> bool:
    parts = module_name.split(".")
    return (
        parts[0] == "sklearn"
        and len(parts) > 1
        and parts[1] in _MODEL_PACKAGES
        and "tests" not in parts
    )


def _is_public(name: str, found: object) -> bool:
    """Whether it is a function that one of the packages offers to its users."""
    attribute = name.rpartition(".")[2]
    return any(
        name.startswith(f"{package}.")
        and attribute in importlib.import_module(package).__all__
        and getattr(importlib.import_module(package), attribute) is found
        for package in _FUNCTION_PACKAGES
    )


def _defined_there(module_name: str, attribute: str) -> object | None:
    """What the name stands for; None where there is nothing, or it was only imported there."""
    try:
        found: object = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError):
        return None
    return found if getattr(found, "__module__", None) == module_name else None

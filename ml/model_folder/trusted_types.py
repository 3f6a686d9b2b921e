"""Which types a model file may instantiate: by our list, never by the file's own.

skops itself trusts scikit-learn's public estimators and numpy's and scipy's functions. Any other
type must be listed here or defined in `ml/models/`, which is code we deploy, not data we load.
"""

from __future__ import annotations

import importlib

# Fitted parts of scikit-learn's own estimators: plain data in a C or Python class.
_SCIKIT_LEARN_PARTS = frozenset(
    {
        "numpy.dtype",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.tree._tree.Tree",
    }
)
_OUR_MODELS = "ml.models."


def is_trusted(name: str) -> bool:
    """Whether a type or function of this full name may be loaded."""
    return name in _SCIKIT_LEARN_PARTS or _is_defined_in_our_models(name)


def _is_defined_in_our_models(name: str) -> bool:
    # Being reachable is not enough: a module that imports `os` also has `os.system`.
    if not name.startswith(_OUR_MODELS):
        return False
    module_name, _, attribute = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError):
        return False
    return getattr(found, "__module__", None) == module_name

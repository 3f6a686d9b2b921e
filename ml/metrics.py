"""The metrics that a model can be judged by. scikit-learn is imported when one is computed."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.generic]

Goal = Literal["max", "min"]
Task = Literal["classification", "regression"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric: its name, its task, and whether higher or lower is better."""

    name: str
    task: Task
    goal: Goal
    label: str
    compute: Callable[[Values, Values], float]


def _accuracy(true: Values, predicted: Values) -> float:
    from sklearn.metrics import accuracy_score  # noqa: PLC0415 - 1 CPU-s that the names alone do not need

    return float(accuracy_score(true, predicted))


def _balanced_accuracy(true: Values, predicted: Values) -> float:
    from sklearn.metrics import recall_score  # noqa: PLC0415 - see _accuracy

    # Mean recall over the classes that occur; balanced_accuracy_score warns where a model
    # predicts a class that the test rows lack.
    return float(
        recall_score(true, predicted, average="macro", labels=_classes(true), zero_division=0.0)
    )


def _f1_macro(true: Values, predicted: Values) -> float:
    from sklearn.metrics import f1_score  # noqa: PLC0415 - see _accuracy

    return float(f1_score(true, predicted, average="macro", zero_division=0.0))


def _f1(true: Values, predicted: Values) -> float:
    """F1 of the positive class: 1, True or the greater of two labels."""
    from sklearn.metrics import f1_score  # noqa: PLC0415 - see _accuracy

    positive = 1 if true.dtype.kind in "biu" else _classes(true)[-1]
    return float(f1_score(true == positive, predicted == positive, zero_division=0.0))


def _r2(true: Values, predicted: Values) -> float:
    from sklearn.metrics import r2_score  # noqa: PLC0415 - see _accuracy

    return float(r2_score(true, predicted))


def _mae(true: Values, predicted: Values) -> float:
    from sklearn.metrics import mean_absolute_error  # noqa: PLC0415 - see _accuracy

    return float(mean_absolute_error(true, predicted))


def _rmse(true: Values, predicted: Values) -> float:
    from sklearn.metrics import root_mean_squared_error  # noqa: PLC0415 - see _accuracy

    return float(root_mean_squared_error(true, predicted))


def _classes(true: Values) -> Sequence[object]:
    return sorted(set(true.tolist()))


METRICS: Final[Mapping[str, Metric]] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            Metric("accuracy", "classification", "max", "accuracy", _accuracy),
            Metric(
                "balanced_accuracy",
                "classification",
                "max",
                "balanced accuracy",
                _balanced_accuracy,
            ),
            Metric("f1", "classification", "max", "F1", _f1),
            Metric("f1_macro", "classification", "max", "F1 (macro)", _f1_macro),
            Metric("r2", "regression", "max", "R²", _r2),
            Metric("mae", "regression", "min", "mean absolute error", _mae),
            Metric("rmse", "regression", "min", "root mean squared error", _rmse),
        )
    }
)


def metric_names(task: Task) -> tuple[str, ...]:
    """Names of a task's metrics."""
    return tuple(name for name, metric in METRICS.items() if metric.task == task)


def score(names: Sequence[str], true: Values, predicted: Values) -> dict[str, float]:
    """Each named metric of predictions on the same rows.

    Args:
        names: names in METRICS.
        true: shape (n,), n >= 1; labels or numbers of the test rows.
        predicted: shape (n,); the model's predictions for the same rows.
    """
    return {name: METRICS[name].compute(true, predicted) for name in names}

"""The metrics that a model can be judged by. scikit-learn is imported when one is computed."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from ml.errors import UndefinedStatisticError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.generic]

Goal = Literal["max", "min"]
Task = Literal["classification", "regression"]
Trivial = Literal["most_frequent", "positive", "mean", "median"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric: its name, its task, and whether higher or lower is better.

    `trivial` is the constant answer that reaches most of it, which a model without features gives.
    """

    name: str
    task: Task
    goal: Goal
    label: str
    compute: Callable[[Values, Values], float]
    trivial: Trivial

    @property
    def of_a_class(self) -> bool:
        """Whether it is about one class, which model.yml names at `positive`."""
        return self.trivial == "positive"

    def about(self, positive: str | None) -> str:
        """What its label goes on with: `of fraud`, `(class 1)`; empty if it is about all rows."""
        if positive is None or not self.of_a_class:
            return ""
        return f"(class {positive})" if _is_number(positive) else f"of {positive}"


def _is_number(name: str) -> bool:
    return name.lstrip("+-").isdecimal()


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
    """F1 of True; 0 where it is neither there nor predicted."""
    from sklearn.metrics import f1_score  # noqa: PLC0415 - see _accuracy

    return float(f1_score(true, predicted, zero_division=0.0))


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
            Metric("accuracy", "classification", "max", "accuracy", _accuracy, "most_frequent"),
            Metric(
                "balanced_accuracy",
                "classification",
                "max",
                "balanced accuracy",
                _balanced_accuracy,
                "most_frequent",
            ),
            Metric("f1", "classification", "max", "F1", _f1, "positive"),
            Metric("f1_macro", "classification", "max", "F1 (macro)", _f1_macro, "most_frequent"),
            Metric("r2", "regression", "max", "R²", _r2, "mean"),
            Metric("mae", "regression", "min", "mean absolute error", _mae, "median"),
            Metric("rmse", "regression", "min", "root mean squared error", _rmse, "mean"),
        )
    }
)


def metric_names(task: Task) -> tuple[str, ...]:
    """Names of a task's metrics."""
    return tuple(name for name, metric in METRICS.items() if metric.task == task)


def is_class(labels: Values, positive: str) -> NDArray[np.bool_]:
    """Which labels are that class, whose name is text for numbers too."""
    import numpy as np  # noqa: PLC0415 - see _accuracy

    numbers = labels.dtype.kind in "biuf"
    if numbers and not _is_number(positive):
        return np.zeros(len(labels), np.bool_)  # numbers are not of a class that is a word
    return np.asarray(labels == (int(positive) if numbers else positive), np.bool_)


def score(
    names: Sequence[str], true: Values, predicted: Values, *, positive: str | None = None
) -> dict[str, float]:
    """Each named metric of predictions on the same rows.

    Args:
        names: names in METRICS.
        true: shape (n,), n >= 1; labels or numbers of the test rows.
        predicted: shape (n,); the model's predictions for the same rows.
        positive: the class that a metric of one class is about.

    Raises:
        UndefinedStatisticError: a metric is about one class, and none is named.
    """
    return {name: _value(METRICS[name], true, predicted, positive) for name in names}


def _value(metric: Metric, true: Values, predicted: Values, positive: str | None) -> float:
    if not metric.of_a_class:
        return metric.compute(true, predicted)
    if positive is None:
        raise UndefinedStatisticError(
            f"{metric.name} is about one class and none is named; name it at `positive`"
        )
    return metric.compute(is_class(true, positive), is_class(predicted, positive))

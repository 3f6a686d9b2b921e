"""What a model without features reaches: one answer for every row, the best there is a metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

import numpy as np

from ml.metrics import METRICS, is_class, score
from ml.presentation.figures import number

if TYPE_CHECKING:
    import pandas as pd

    from ml.model_config import ModelConfig

# Of rare classes: who answers "no" to everything is right nearly always, and a useful model less.
_ALL_ROWS_COUNT_ALIKE = "accuracy"


@dataclass(frozen=True, slots=True)
class Baseline:
    """A metric of a constant answer on the frozen rows.

    Args:
        value: in the metric's unit.
        answer: what is always answered, as a phrase: `'no'`, `the mean 152`.
        decides: whether a challenger must be strictly better.
    """

    value: float
    answer: str
    decides: bool


def baseline_of(
    name: str, *, learnt: pd.Series, true: pd.Series, config: ModelConfig
) -> Baseline | None:
    """A metric's baseline; None where no constant can be learnt from the training rows.

    Args:
        name: of the metric.
        learnt: target of the training rows, by which the answer is chosen.
        true: target of the frozen rows.
        config: names the positive class, and says whether a baseline decides.
    """
    answer = _answer(name, learnt, config.positive)
    if answer is None:
        return None
    constant, words = answer
    predicted = np.full(len(true), constant, dtype=object if isinstance(constant, str) else None)
    found = score([name], true.to_numpy(), predicted, positive=config.positive)
    return Baseline(found[name], words, decides=_decides(name, config))


def _answer(name: str, learnt: pd.Series, positive: str | None) -> tuple[object, str] | None:
    kind = METRICS[name].trivial
    match kind:
        case "most_frequent":
            common = learnt.value_counts().index[0]  # of several, the one that comes first
            return common, _named(common)
        case "positive":
            of_it = learnt[is_class(learnt.to_numpy(), positive or "")]
            return (of_it.iloc[0], _named(of_it.iloc[0])) if len(of_it) else None
        case "mean":
            return float(learnt.mean()), f"the mean {number(float(learnt.mean()))}"
        case "median":
            return float(learnt.median()), f"the median {number(float(learnt.median()))}"
        case unknown:
            assert_never(unknown)


def _named(label: object) -> str:
    return f"'{label}'" if isinstance(label, str) else str(label)


def _decides(name: str, config: ModelConfig) -> bool:
    spared = name == _ALL_ROWS_COUNT_ALIKE and len(config.metrics) > 1
    return config.gate.beat_baseline and not spared

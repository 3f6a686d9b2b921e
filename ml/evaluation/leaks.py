"""Features that give the target away: one column alone answers nearly as well as the label itself.

A copy of the target, an id that was handed out by outcome, a date of what came afterwards.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ml.model_config import ModelConfig

_MOST_LEFT: Final = 0.10  # of a constant's error; the ADR has what ordinary columns leave
_Z: Final = 2.33  # one-sided 99 %
_MOST_ROWS: Final = 20_000
_SMALLEST_LEAF: Final = 2
_MOST_TOLD: Final = 3


@dataclass(frozen=True, slots=True)
class Leak:
    """A column and the share (0-1) of a constant answer's error that it leaves by itself."""

    column: str
    left: float

    def sentence(self, target: str) -> str:
        """What was found and what to do about it."""
        return (
            f"{self.column} alone predicts {target} almost perfectly (it leaves "
            f"{100 * self.left:.2g} % of the error of a constant answer): is it known when "
            "predictions are made? If not, take it out of model.yml"
        )


def leak_warnings(train: pd.DataFrame, config: ModelConfig) -> list[str]:
    """A sentence for each feature that gives the target away, the plainest three in full."""
    found = leaks(train, config)
    told = [f"{leak.sentence(config.target)}." for leak in found[:_MOST_TOLD]]
    more = [leak.column for leak in found[_MOST_TOLD:]]
    return [*told, f"So do {', '.join(more)}."] if more else told


def leaks(train: pd.DataFrame, config: ModelConfig) -> list[Leak]:
    """Features that leave, with 99 % confidence, less than a tenth of a constant answer's error.

    A tree on the feature alone is fitted on one half of the rows and asked about the other, both
    ways. Errors are wrong classes, or squares for a number.

    Args:
        train: features and target of the training rows; of many, 20,000 are drawn.
        config: of the model.

    Returns:
        The plainest first.
    """
    rows = train.sample(min(len(train), _MOST_ROWS), random_state=0)
    target = rows[config.target].to_numpy()
    halves = np.arange(len(rows)) % 2 == 0
    found = []
    for name in config.features:
        error, constant = _errors(_numbers(rows[name]), target, halves, config)
        weight = constant if config.task == "classification" else float(len(rows))
        if constant > 0 and _upper(error / constant, weight) < _MOST_LEFT:
            found.append(Leak(name, error / constant))
    return sorted(found, key=lambda leak: leak.left)


def _numbers(values: pd.Series) -> NDArray[np.float64]:
    """Shape (n, 1): ranks of numbers and dates, since trees round; numbers for other values."""
    if values.dtype.kind in "biufM":
        ranks = np.asarray(values.rank(method="dense"), np.float64)
        return ranks.reshape(-1, 1)
    codes = pd.factorize(values)[0].astype(np.float64)
    codes[codes < 0] = np.nan
    return codes.reshape(-1, 1)


def _errors(
    column: NDArray[np.float64],
    target: NDArray[np.generic],
    halves: NDArray[np.bool_],
    config: ModelConfig,
) -> tuple[float, float]:
    """Errors of the column alone, and of a constant answer, on rows that neither was fitted on."""
    from sklearn.tree import (  # noqa: PLC0415 - a second of CPU
        DecisionTreeClassifier,
        DecisionTreeRegressor,
    )

    classes = config.task == "classification"
    kind = DecisionTreeClassifier if classes else DecisionTreeRegressor
    own, constant = 0.0, 0.0
    for fitted in (halves, ~halves):
        tree = kind(min_samples_leaf=_SMALLEST_LEAF, random_state=0)
        tree.fit(column[fitted], target[fitted])
        asked, right = column[~fitted], target[~fitted]
        answer = pd.Series(target[fitted]).mode()[0] if classes else target[fitted].mean()
        own += _loss(tree.predict(asked), right, classes=classes)
        constant += _loss(answer, right, classes=classes)
    return own, constant


def _loss(answers: object, right: NDArray[np.generic], *, classes: bool) -> float:
    if classes:
        return float(np.sum(answers != right))
    return float(np.sum(np.square(np.asarray(answers, np.float64) - right.astype(np.float64))))


def _upper(share: float, weight: float) -> float:
    """Upper end of Wilson's interval for a share of `weight` errors."""
    inside = min(share, 1.0)
    spread = _Z * math.sqrt(inside * (1 - inside) / weight + _Z**2 / (4 * weight**2))
    return (inside + _Z**2 / (2 * weight) + spread) / (1 + _Z**2 / weight)

"""Challenger and champion on the same frozen rows: paired predictions and their metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml.errors import ModelArtefactError, UndefinedStatisticError
from ml.evaluation.baseline import Baseline, baseline_of
from ml.metrics import METRICS, is_class, score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ml.model_config import ModelConfig
    from ml.model_folder import Predictor


@dataclass(frozen=True, slots=True)
class Contestant:
    """A fitted model and its training columns, which may be those of an older model.yml."""

    model: Predictor
    columns: tuple[str, ...]

    def absent(self, test: pd.DataFrame) -> list[str]:
        """Its columns that the rows lack."""
        return [name for name in self.columns if name not in test.columns]

    def predictions(self, test: pd.DataFrame, role: str) -> NDArray[np.generic]:
        """One prediction a row; `role` names the model in errors.

        Raises:
            ModelArtefactError: the rows lack one of its columns.
            UndefinedStatisticError: a prediction is not finite.
        """
        absent = self.absent(test)
        if absent:
            raise ModelArtefactError(
                f"the {role} needs column {', '.join(absent)}, which the data no longer have; "
                "put it back into model.yml, or retire that version"
            )
        predicted = np.asarray(self.model.predict(test[list(self.columns)]))
        if predicted.dtype.kind == "f" and not np.isfinite(predicted).all():
            wrong = int((~np.isfinite(predicted)).sum())
            raise UndefinedStatisticError(
                f"{wrong} of the {role}'s {len(test)} predictions on the frozen rows are not "
                "finite; mend its pipeline.py"
            )
        return predicted


@dataclass(frozen=True, slots=True)
class MetricPair:
    """One metric of both models; `champion` is None if there is none yet.

    `about` names the class of a metric of one class, as a phrase: `of fraud`.
    """

    name: str
    goal: str
    challenger: float
    champion: float | None
    floor: float
    about: str = ""
    baseline: Baseline | None = None

    @property
    def label(self) -> str:
        """As a person reads it: `F1 of fraud`."""
        return f"{METRICS[self.name].label} {self.about}".rstrip()

    def beats(self, other: float) -> bool:
        """Whether the challenger is strictly better than another value of the metric."""
        return self.challenger < other if self.goal == "min" else self.challenger > other


@dataclass(frozen=True, slots=True)
class Comparison:
    """The evidence that the gate decides on.

    Args:
        metrics: in the order of model.yml.
        predictions: a row for each frozen row: `true`, `challenger`, and `champion` if any.
        obstacle: why the champion was not scored, the rest of a sentence; empty if it was.
        warnings: what a person should know before trusting the metrics; sentences.
    """

    metrics: tuple[MetricPair, ...]
    predictions: pd.DataFrame
    warnings: tuple[str, ...] = ()
    obstacle: str = ""


def compare(
    test: pd.DataFrame,
    challenger: Contestant,
    champion: Contestant | None,
    *,
    learnt: pd.Series,
    config: ModelConfig,
) -> Comparison:
    """Score both models on every frozen row, with the metrics of model.yml.

    Neither was trained on these rows: the hash of a row's key decides permanently which are frozen.

    Args:
        test: columns and target of the frozen rows.
        challenger: the new model.
        champion: the model in production; None if there is none yet.
        learnt: target of the training rows, which a model without features is fitted on.
        config: of the model.

    Raises:
        ModelArtefactError: the rows lack a column that the challenger needs.
        UndefinedStatisticError: a metric is not finite on these rows.
    """
    true, obstacle = test[config.target], ""
    if champion is not None and (absent := champion.absent(test)):
        columns = f"column{'s' if len(absent) > 1 else ''} {', '.join(absent)}"
        obstacle = f"it needs {columns}, which the data no longer have"
        champion = None
    predictions = pd.DataFrame({"true": true})
    predictions["challenger"] = challenger.predictions(test, "challenger")
    if champion is not None:
        predictions["champion"] = champion.predictions(test, "champion")
    scores = {
        side: score(
            config.metrics,
            true.to_numpy(),
            predictions[side].to_numpy(),
            positive=config.positive,
        )
        for side in predictions.columns
        if side != "true"
    }
    pairs = tuple(
        MetricPair(
            name,
            METRICS[name].goal,
            challenger=scores["challenger"][name],
            champion=scores["champion"][name] if champion is not None else None,
            floor=floor,
            about=METRICS[name].about(config.positive),
            baseline=baseline_of(name, learnt=learnt, true=true, config=config),
        )
        for name, floor in config.gate.floors.items()
    )
    undefined = [
        pair.name
        for pair in pairs
        if not np.isfinite(
            [pair.challenger, pair.champion or 0.0, pair.baseline.value if pair.baseline else 0.0]
        ).all()
    ]
    if undefined:
        raise UndefinedStatisticError(
            f"{', '.join(undefined)}: no finite value on {len(test)} frozen rows; land more rows"
        )
    return Comparison(pairs, predictions, _never_predicted(predictions, config), obstacle)


def _never_predicted(predictions: pd.DataFrame, config: ModelConfig) -> tuple[str, ...]:
    """Why a metric of one class is 0: the class is not there, or a model never predicts it."""
    positive = config.positive
    if positive is None or not any(METRICS[name].of_a_class for name in config.metrics):
        return ()
    absent = [
        side for side in predictions if not is_class(predictions[side].to_numpy(), positive).any()
    ]
    if "true" in absent:
        return (f"None of the {len(predictions)} frozen rows is of class {positive}.",)
    return tuple(f"The {side} never predicts {positive}." for side in absent)

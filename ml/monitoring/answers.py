"""What the champion answered, by row id, until the labels of those rows come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml.collected_data import PREDICTION
from ml.monitoring.performance import Metric, Performance, Realised
from ml.monitoring.scores import judge_scores
from ml.reference.columns import Comparable, cells_of, cells_of_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import pandas as pd
    from numpy.typing import NDArray

    from ml.model_config import ModelConfig

_MOST_WAITING: Final = 50_000  # rows that are not typed yet
_SECONDS_A_DAY: Final = 86_400


class Answers:
    """Predictions of the champion, each with the last label that came for its row.

    Of several answers or labels of one row the last one counts. Held in memory are some thirty
    bytes a prediction, whatever an id looks like; ids are told apart by 64 bits of their hash.

    Args:
        config: of a model with a row id.
    """

    def __init__(self, config: ModelConfig) -> None:
        self._config = config
        self._identity = Comparable.of_row_id(str(config.id))
        self._answer = Comparable.of_model(PREDICTION, config)
        self._target = Comparable.of_model(config.target, config)
        self._codes: dict[str, int] = {}
        self._waiting: tuple[list[Any], list[Any], list[int]] = ([], [], [])
        self._parts: list[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]] = []
        self._rows = 0
        self._met: _Joined | None = None

    def add(self, rows: Sequence[Mapping[str, Any]], time_utc: datetime) -> None:
        """The answers to one request."""
        ids, answers, days = self._waiting
        ids.extend([row.get(self._identity.name) for row in rows])
        answers.extend([row.get(PREDICTION) for row in rows])
        days.extend([int(time_utc.timestamp() // _SECONDS_A_DAY)] * len(rows))
        self._rows += len(rows)
        if len(ids) >= _MOST_WAITING:
            self._type()

    def _type(self) -> None:
        ids, answers, days = self._waiting
        if not ids:
            return
        identities = cells_of_json(ids, self._identity).array
        values = cells_of_json(answers, self._answer).array
        kept = pc.fill_null(pc.and_(identities.is_valid(), _has_value(values)), fill_value=False)
        self._parts.append(
            (
                _hashes(identities.filter(kept)),
                self._numbers(values.filter(kept)),
                np.array(days, np.int64)[kept.to_numpy(zero_copy_only=False)],
            )
        )
        for column in self._waiting:
            column.clear()

    def _numbers(self, values: pa.Array) -> NDArray[np.float64]:
        """Numbers as they are; classes by a number of their own, the same on both sides."""
        if pa.types.is_floating(values.type):
            return np.asarray(values.to_numpy(zero_copy_only=False), np.float64)
        encoded = values.dictionary_encode()
        classes = encoded.dictionary.to_pylist()
        codes = [self._codes.setdefault(name, len(self._codes)) for name in classes]
        return np.asarray(np.array(codes)[encoded.indices.to_numpy()], np.float64)

    def meet(self, labels: pd.DataFrame) -> None:
        """Labelled rows, after all answers; rows that were never predicted are left out."""
        if self._identity.name not in labels.columns:
            return
        identities = cells_of(labels[self._identity.name], self._identity).array
        values = cells_of(labels[self._config.target], self._target).array
        kept = pc.and_(identities.is_valid(), _has_value(values))
        self._joined().label(_hashes(identities.filter(kept)), self._numbers(values.filter(kept)))

    def _joined(self) -> _Joined:
        if self._met is None:
            self._type()
            none = (np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64))
            ids, values, days = zip(*(self._parts or [none]), strict=True)
            self._met = _Joined(np.concatenate(ids), np.concatenate(values), np.concatenate(days))
            self._parts.clear()
        return self._met

    def performance(self, baseline: float | None) -> Performance:
        """What the labels that were met say of the answers.

        Args:
            baseline: the champion's value on its frozen rows; None: not known.
        """
        settings = self._config.drift.performance
        margin = None if settings is None else settings.margin
        joined = self._joined()
        if self._rows and not len(joined.ids):
            return unjudged(
                self._config,
                baseline,
                f"none of {self._rows:,} predictions carries the row id {self._identity.name}",
            )
        metric = metric_of(self._config)
        scores, days = joined.scores(metric)
        return judge_scores(
            scores, days, metric, baseline=baseline, margin=margin, predictions=len(joined.ids)
        )


class _Joined:
    """The last answer of each row and the last label that came for it; arrays by row, shape (n,).

    ids: hashes, ascending; place: of the answer among all; label: NaN where none has come.
    """

    def __init__(
        self, ids: NDArray[np.int64], answers: NDArray[np.float64], days: NDArray[np.int64]
    ) -> None:
        self.ids, from_last = np.unique(ids[::-1], return_index=True)
        self._place = len(ids) - 1 - from_last
        self._answers, self._days = answers[self._place], days[self._place]
        self._labels = np.full(len(self.ids), np.nan)

    def label(self, ids: NDArray[np.int64], labels: NDArray[np.float64]) -> None:
        """Labels of rows, shape (m,), in the order in which they came."""
        if not len(self.ids):
            return
        found = np.minimum(self.ids.searchsorted(ids), len(self.ids) - 1)
        known = self.ids[found] == ids
        self._labels[found[known]] = labels[known]  # of one row's labels the last one stays

    def scores(self, metric: Metric) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Scores and days of the labelled answers, in the order of the answers."""
        labelled = np.flatnonzero(~np.isnan(self._labels))
        labelled = labelled[np.argsort(self._place[labelled])]
        answers, labels = self._answers[labelled], self._labels[labelled]
        if metric is Metric.ACCURACY:
            return (answers == labels).astype(np.float64), self._days[labelled]
        return np.abs(answers - labels), self._days[labelled]


def unjudged(config: ModelConfig, baseline: float | None, obstacle: str) -> Performance:
    """No label can be joined, for this reason."""
    settings = config.drift.performance
    return Performance(
        verdict=Realised.NOT_JUDGED,
        metric=metric_of(config),
        baseline=baseline,
        margin=None if settings is None else settings.margin,
        obstacle=obstacle,
    )


def metric_of(config: ModelConfig) -> Metric:
    """The metric that model.yml names, else that of the model's task."""
    settings = config.drift.performance
    name = settings.metric if settings else None
    if name is None:
        name = "accuracy" if config.task == "classification" else "mae"
    return next(metric for metric in Metric if metric.setting == name)


def _has_value(values: pa.Array) -> pa.Array:
    return pc.is_finite(values) if pa.types.is_floating(values.type) else values.is_valid()


def _hashes(ids: pa.Array) -> NDArray[np.int64]:
    """Of texts, shape (n,); the same within one process."""
    return np.fromiter(map(hash, ids.to_pylist()), np.int64, len(ids))

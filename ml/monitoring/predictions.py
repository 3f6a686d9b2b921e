"""The champion's predictions, joined by row id to labels that come later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from ml.collected_data import PREDICTION
from ml.drift.counting.columns import to_categories, to_numbers
from ml.monitoring.performance import Metric, Performance, Realised
from ml.monitoring.scores import judge_scores
from ml.reference.columns import Comparable, cells_of, cells_of_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import pandas as pd
    from numpy.typing import NDArray

    from ml.model_config import ModelConfig
    from ml.reference.columns import Cells

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

_MOST_WAITING: Final = 50_000  # rows that are not typed yet
_SECONDS_A_DAY: Final = 86_400


class Predictions:
    """Predictions by row id, each with the latest label of its row.

    If a row has several predictions or labels, the last one counts. Each takes about thirty bytes
    of memory whatever the length of its id: ids are compared by a 64-bit hash.

    Args:
        config: of a model with a row id.
    """

    def __init__(self, config: ModelConfig) -> None:
        self._config = config
        self._identity = Comparable.of_row_id(config.column(str(config.id)))
        self._prediction = Comparable.of_model(PREDICTION, config)
        self._target = Comparable.of_model(config.target, config)
        self._codes: dict[str, int] = {}
        self._waiting: tuple[list[Any], list[Any], list[int]] = ([], [], [])
        self._parts: list[tuple[Ints, Floats, Ints]] = []
        self._rows = 0
        self._rows_joined: _Joined | None = None

    def add(self, rows: Sequence[Mapping[str, Any]], time_utc: datetime) -> None:
        """Add the predictions of one request."""
        ids, values, days = self._waiting
        ids.extend([row.get(self._identity.name) for row in rows])
        values.extend([row.get(PREDICTION) for row in rows])
        days.extend([int(time_utc.timestamp() // _SECONDS_A_DAY)] * len(rows))
        self._rows += len(rows)
        if len(ids) >= _MOST_WAITING:
            self._type()

    def _type(self) -> None:
        ids, values, days = self._waiting
        if not ids:
            return
        hashes, numbers, kept = self._pairs(
            cells_of_json(ids, self._identity), cells_of_json(values, self._prediction)
        )
        self._parts.append((hashes, numbers, np.array(days, np.int64)[kept]))
        for column in self._waiting:
            column.clear()

    def _pairs(self, ids: Cells, cells: Cells) -> tuple[Ints, Floats, NDArray[np.bool_]]:
        """Hashes and values of the rows that have both, and a mask of those rows.

        Numbers stay as they are; a class becomes a number, the same for predictions and labels.
        """
        names, place = to_categories(ids.array)
        hashes = np.array([*map(hash, names), 0], np.int64)[place]
        if pa.types.is_floating(cells.array.type):
            values = to_numbers(cells.array).values  # noqa: PD011 - not of pandas
        else:
            classes, which = to_categories(cells.array)
            codes = [self._codes.setdefault(name, len(self._codes)) for name in classes]
            values = np.array([*codes, np.nan])[which]
        kept = (place >= 0) & np.isfinite(values)
        return hashes[kept], values[kept], kept

    def add_labels(self, labels: pd.DataFrame) -> None:
        """Add labelled rows, after all predictions; rows that were never predicted are ignored."""
        if self._identity.name not in labels.columns:
            return
        ids, values, _ = self._pairs(
            cells_of(labels[self._identity.name], self._identity),
            cells_of(labels[self._config.target], self._target),
        )
        self._joined().label(ids, values)

    def _joined(self) -> _Joined:
        if self._rows_joined is None:
            self._type()
            none = (np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64))
            ids, values, days = zip(*(self._parts or [none]), strict=True)
            self._rows_joined = _Joined(
                np.concatenate(ids), np.concatenate(values), np.concatenate(days)
            )
            self._parts.clear()
        return self._rows_joined

    def performance(self, baseline: float | None) -> Performance:
        """Judge the predictions that have a label.

        Args:
            baseline: the champion's value on its frozen rows; None if unknown.
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
    """The last prediction and the last label of each row, arrays of shape (n,).

    ids: hashes, ascending; place: of the prediction among all of them; labels: NaN where none came.
    """

    def __init__(self, ids: Ints, predictions: Floats, days: Ints) -> None:
        self.ids, from_last = np.unique(ids[::-1], return_index=True)
        self._place = len(ids) - 1 - from_last
        self._predictions, self._days = predictions[self._place], days[self._place]
        self._labels = np.full(len(self.ids), np.nan)

    def label(self, ids: Ints, labels: Floats) -> None:
        """Take labels of rows, shape (m,), in the order in which they came."""
        if not len(self.ids):
            return
        found = np.minimum(self.ids.searchsorted(ids), len(self.ids) - 1)
        known = self.ids[found] == ids
        self._labels[found[known]] = labels[
            known
        ]  # of several labels of one row the last one stays

    def scores(self, metric: Metric) -> tuple[Floats, Ints]:
        """Scores and days of labelled predictions, in the order of the predictions."""
        labelled = np.flatnonzero(~np.isnan(self._labels))
        labelled = labelled[np.argsort(self._place[labelled])]
        predictions, labels = self._predictions[labelled], self._labels[labelled]
        if metric is Metric.ACCURACY:
            return (predictions == labels).astype(np.float64), self._days[labelled]
        return np.abs(predictions - labels), self._days[labelled]


def unjudged(config: ModelConfig, baseline: float | None, obstacle: str) -> Performance:
    """The performance if no label can be joined, with the reason."""
    settings = config.drift.performance
    return Performance(
        verdict=Realised.NOT_JUDGED,
        metric=metric_of(config),
        baseline=baseline,
        margin=None if settings is None else settings.margin,
        obstacle=obstacle,
    )


def metric_of(config: ModelConfig) -> Metric:
    """The metric that model.yml names, or the default of the model's task."""
    settings = config.drift.performance
    name = settings.metric if settings else None
    if name is None:
        name = "accuracy" if config.task == "classification" else "mae"
    return next(metric for metric in Metric if metric.setting == name)

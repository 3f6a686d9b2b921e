"""What the champion's predictions turned out to be worth, once their labels have landed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ml.collected_data import PREDICTION
from ml.monitoring.outcome import PerformanceResult
from ml.monitoring.performance import Metric, Realised, realised_performance
from ml.monitoring.rows_file import TIME
from ml.reference.columns import Comparable, cells_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ml.model_config import ModelConfig
    from ml.monitoring.labels import Labels
    from ml.monitoring.performance import Performance
    from ml.monitoring.rows_file import RowsFile

ROW_ID: Final = "__id__"
_LABEL: Final = "label"
_NONE: Final[NDArray[np.uint64]] = np.zeros(0, np.uint64)
_METRICS: Final = {"accuracy": Metric.ACCURACY, "mae": Metric.ABSOLUTE_ERROR}


@dataclass(frozen=True, slots=True)
class Judged:
    """What is recorded, and the engine's own figures by day where rows were joined."""

    result: PerformanceResult | None = None
    by_day: Performance | None = None

    @property
    def notes(self) -> list[str]:
        """For the report, which draws what was joined: why nothing was."""
        return [self.result.sentence] if self.result and not self.by_day else []


def judge_performance(
    config: ModelConfig,
    predictions: RowsFile,
    labels: Labels | None,
    *,
    baseline: float | None,
) -> Judged:
    """Join labels to predictions by row id; the engine compares with the baseline.

    What is held in memory is eight bytes a prediction, and the rows that have found each other.

    Args:
        config: says the metric and its margin.
        predictions: rows of ROW_ID, `prediction` and TIME, all written.
        labels: accepted files; None where there are none.
        baseline: the champion's value on its frozen rows.
    """
    settings = config.drift.performance
    if settings is None and labels is None:
        return Judged()
    metric = settings.metric if settings else _metric_of(config)
    margin = None if settings is None else settings.margin
    if config.id is None:
        return _unjudged(metric, baseline, margin, "the model has no row id to join labels by")
    hashes = np.unique(np.concatenate([_hashes(b) for b in _batches(predictions)] or [_NONE]))
    if predictions.rows and not len(hashes):
        return _unjudged(
            metric,
            baseline,
            margin,
            f"none of {predictions.rows:,} predictions carries the row id {config.id}",
        )
    known = _known_labels(config, labels, hashes)
    found = realised_performance(
        _labelled(predictions, known),
        known,
        id_column=ROW_ID,
        prediction=PREDICTION,
        label=_LABEL,
        metric=_METRICS[metric],
        reference=baseline,
        margin=margin,
        time_column=TIME,
    )
    found = replace(found, predictions=len(hashes))
    return Judged(_result(found, metric), found)


def _metric_of(config: ModelConfig) -> str:
    return "accuracy" if config.task == "classification" else "mae"


def _unjudged(metric: str, baseline: float | None, margin: float | None, why: str) -> Judged:
    return Judged(
        PerformanceResult(
            verdict=_word(Realised.NOT_JUDGED),
            sentence=f"Realised performance is not judged: {why}.",
            metric=metric,
            value=None,
            low=None,
            high=None,
            baseline=baseline,
            margin=margin,
            rows=0,
        )
    )


def _result(found: Performance, metric: str) -> PerformanceResult:
    return PerformanceResult(
        verdict=_word(found.verdict),
        sentence=found.sentence(),
        metric=metric,
        value=found.overall.value if found.overall else None,
        low=found.overall.low if found.overall else None,
        high=found.overall.high if found.overall else None,
        baseline=found.reference,
        margin=found.margin,
        rows=found.labelled,
    )


def _word(verdict: Realised) -> str:
    return verdict.replace(" ", "_")


def _batches(predictions: RowsFile) -> Iterator[pa.RecordBatch]:
    """Predictions with an id and a value."""
    with pq.ParquetFile(predictions.path) as file:
        for batch in file.iter_batches():
            kept = pc.and_(batch.column(ROW_ID).is_valid(), _has_value(batch.column(PREDICTION)))
            yield batch.filter(kept)


def _has_value(values: pa.Array) -> Any:
    return pc.is_finite(values) if pa.types.is_floating(values.type) else values.is_valid()


def _hashes(batch: pa.RecordBatch) -> NDArray[np.uint64]:
    """Of the ids, shape (n,): eight bytes a row, whatever an id looks like."""
    texts = batch.column(ROW_ID).to_numpy(zero_copy_only=False)
    return np.asarray(pd.util.hash_array(texts.astype(object), categorize=False), np.uint64)


def _known_labels(
    config: ModelConfig, labels: Labels | None, predicted: NDArray[np.uint64]
) -> pa.Table:
    """Labels of rows that were predicted, oldest first: of several the last one counts."""
    identity, target = Comparable.of_row_id(ROW_ID), Comparable.of_model(config.target, config)
    schema = pa.schema([(ROW_ID, identity.type), (_LABEL, target.type)])
    kept = []
    frames = (labels.frames(file, config) for file in labels.files) if labels else ()
    for of_file in frames:
        for frame in of_file:
            if config.id not in frame.columns:
                continue
            columns = [
                cells_of(frame[config.id], identity).array,
                cells_of(frame[config.target], target).array,
            ]
            batch = pa.record_batch(columns, schema=schema)
            batch = batch.filter(
                pc.and_(batch.column(ROW_ID).is_valid(), _has_value(batch.column(_LABEL)))
            )
            kept.append(batch.filter(pa.array(np.isin(_hashes(batch), predicted))))
    return pa.Table.from_batches(kept, schema)


def _labelled(predictions: RowsFile, known: pa.Table) -> pa.Table:
    """Predictions whose id has a label."""
    ids = known.column(ROW_ID).combine_chunks()
    kept = [
        batch.filter(pc.is_in(batch.column(ROW_ID), value_set=ids))
        for batch in _batches(predictions)
    ]
    return pa.Table.from_batches(kept, pq.read_schema(predictions.path))

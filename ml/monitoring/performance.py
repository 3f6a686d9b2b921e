"""How good the predictions turned out to be: labels that came later, joined by row id.

A drop here is concept drift: a reason to retrain of its own, also when no input moved.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from ml.drift.counting.columns import to_categories, to_days, to_numbers
from ml.drift.errors import DriftInputError
from ml.drift.readers.opening import open_source

_EPOCH: Final = date(1970, 1, 1)
_CONFIDENCE: Final = 0.95
_LEAST_DAYS: Final = 8
LEAST_ROWS: Final = 50


class Metric(StrEnum):
    """What is measured of every labelled row."""

    ACCURACY = "accuracy"  # share of right classes; more is better
    ABSOLUTE_ERROR = "mean absolute error"  # unit of the target; less is better


class Realised(StrEnum):
    """The answer to: did it get worse than when it was chosen?"""

    WORSE = "worse"
    NOT_WORSE = "not worse"
    NOT_ENOUGH_LABELS = "not enough labels"
    NOT_JUDGED = "not judged"  # nothing to compare with


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric with its 95 % interval."""

    value: float
    low: float
    high: float
    rows: int


@dataclass(frozen=True, slots=True)
class Performance:
    """What a window's predictions were worth.

    Args:
        verdict: worse when the whole interval lies beyond the margin.
        labelled: predictions whose label has come.
        by_day: newest last; empty where no time column was given.
    """

    verdict: Realised
    metric: Metric
    overall: Estimate | None
    by_day: tuple[tuple[date, Estimate], ...]
    predictions: int
    labelled: int
    reference: float | None
    margin: float | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON carries it: plain values, days as ISO text."""
        by_day = [[day.isoformat(), asdict(estimate)] for day, estimate in self.by_day]
        return {**asdict(self), "by_day": by_day}

    def sentence(self) -> str:
        """The verdict as a person reads it."""
        if self.overall is None or self.verdict is Realised.NOT_ENOUGH_LABELS:
            return (
                f"Not enough labels: {self.labelled:,} of {self.predictions:,} predictions have "
                f"one, at least {LEAST_ROWS} are needed."
            )
        found = self.overall
        compared = (
            "" if self.reference is None else f", {self.reference:.3g} when the model was chosen"
        )
        allowed = "" if self.margin is None else f", margin {self.margin:.3g}"
        return (
            f"{self.metric.capitalize()} is {found.value:.3g} on {found.rows:,} labelled rows "
            f"(95 % interval {found.low:.3g} to {found.high:.3g}){compared}{allowed}: "
            f"{self.verdict}."
        )


def realised_performance(
    predictions: Any,
    labels: Any,
    *,
    id_column: str,
    prediction: str,
    label: str,
    metric: Metric,
    reference: float | None,
    margin: float | None,
    time_column: str | None = None,
) -> Performance:
    """Join labels to predictions by row id and compare with what was measured at the choice.

    Of several labels (or predictions) of one id the last one counts: labels are corrected later.

    Args:
        predictions: rows with the id, the prediction and, where given, the time.
        labels: rows with the id and the label; ids that were never predicted are left out.
        id_column: its name on both sides.
        prediction: name of the predicted value.
        label: name of the true value.
        metric: accuracy for classes, mean absolute error for numbers.
        reference: the champion's value on the rows it was judged by; None: not known.
        margin: how much worse is still as good; the gate's margin. None: nobody said. Without
            both the metric is shown and not judged.
        time_column: of the predictions; gives the days.

    Raises:
        DriftInputError: a column is missing, or holds no numbers where they are needed.
    """
    made = _columns(predictions, [id_column, prediction, *([time_column] if time_column else [])])
    came = _columns(labels, [id_column, label])
    left, right = _matched(made.column(id_column), came.column(id_column))
    predicted = len(np.unique(_ids(made.column(id_column))))
    scores = _scores(made.column(prediction), came.column(label), left, right, metric)
    days = None
    if time_column and made.num_rows:
        days = to_days(made.column(time_column).combine_chunks())[left]
    overall = _estimate(scores, metric, days) if len(scores) else None
    return Performance(
        verdict=_verdict(overall, metric, reference=reference, margin=margin),
        metric=metric,
        overall=overall,
        by_day=_by_day(scores, days, metric),
        predictions=predicted,
        labelled=len(scores),
        reference=reference,
        margin=margin,
    )


def _columns(data: Any, names: Sequence[str]) -> pa.Table:
    source = open_source(data)
    absent = [name for name in names if name not in source.names]
    if absent:
        raise DriftInputError(
            f"no column {', '.join(absent)} among {', '.join(source.names) or 'no columns'}"
        )
    tables = [pa.Table.from_batches([b]).select(list(names)) for b in source.batches(names)]
    if not tables:
        return pa.table({name: pa.nulls(0) for name in names})
    return pa.concat_tables(tables, promote_options="permissive")


def _ids(column: pa.ChunkedArray) -> NDArray[np.str_]:
    values, indices = to_categories(column.combine_chunks())
    return np.array([*values, ""], np.str_)[indices]


def _matched(
    made: pa.ChunkedArray, came: pa.ChunkedArray
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row numbers on both sides of the ids that are on both, the last row of each id."""
    left, right = _ids(made), _ids(came)
    place = {name: row for row, name in enumerate(right.tolist()) if name}
    last = {name: row for row, name in enumerate(left.tolist()) if name}
    both = [(row, place[name]) for name, row in last.items() if name in place]
    rows = np.array(both, np.int64).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]


def _scores(
    prediction: pa.ChunkedArray,
    label: pa.ChunkedArray,
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    metric: Metric,
) -> NDArray[np.float64]:
    """Per labelled row: 1 or 0 for a right or wrong class, else the absolute error."""
    said, true = prediction.combine_chunks(), label.combine_chunks()
    if metric is Metric.ACCURACY:
        return np.asarray(_as_text(said)[left] == _as_text(true)[right], np.float64)
    numbers, truths = to_numbers(said), to_numbers(true)
    if numbers.unreadable or truths.unreadable:
        raise DriftInputError("mean absolute error needs numbers in prediction and label")
    errors = np.abs(numbers.values[left] - truths.values[right])
    if np.isnan(errors).any():
        raise DriftInputError("a prediction or label of a joined row is missing; leave it out")
    return np.asarray(errors, np.float64)


def _as_text(column: pa.Array) -> NDArray[np.str_]:
    """Classes as text: 1 and 1.0 are one class, whatever type each side was written as."""
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        return np.array([f"{v:g}" for v in to_numbers(column).values], np.str_)
    values, indices = to_categories(column)
    return np.array([*values, ""], np.str_)[indices]


def _estimate(
    scores: NDArray[np.float64], metric: Metric, days: NDArray[np.int64] | None
) -> Estimate:
    """Mean and interval: Wilson's for shares, Student's else; the days' own where that is wider."""
    n, mean = len(scores), float(scores.mean())
    if metric is Metric.ACCURACY:
        z = float(ndtri(0.5 + _CONFIDENCE / 2))
        middle = (mean + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * float(np.sqrt(mean * (1 - mean) / n + (z / (2 * n)) ** 2))
        low, high = middle - half, middle + half
    else:
        spread = float(scores.std(ddof=1)) if n > 1 else float("inf")
        half = float(stdtrit(max(n - 1, 1), 0.5 + _CONFIDENCE / 2)) * spread / float(np.sqrt(n))
        low, high = mean - half, mean + half
    if days is not None and len(np.unique(days)) >= _LEAST_DAYS:
        half = _half_of_days(scores, days)
        low, high = min(low, mean - half), max(high, mean + half)
    if metric is Metric.ACCURACY:
        high = min(high, 1.0)
    return Estimate(value=mean, low=max(low, 0.0), high=high, rows=n)


def _half_of_days(scores: NDArray[np.float64], days: NDArray[np.int64]) -> float:
    """Half of an interval that takes each day as one draw: rows of a day resemble each other."""
    _, slot = np.unique(days, return_inverse=True)
    rows = np.bincount(slot)
    apart = np.bincount(slot, weights=scores - scores.mean())  # sums of deviations by day
    count = len(rows)
    error = float(np.sqrt((apart**2).sum() * count / (count - 1))) / len(scores)
    return float(stdtrit(count - 1, 0.5 + _CONFIDENCE / 2)) * error


def _by_day(
    scores: NDArray[np.float64], days: NDArray[np.int64] | None, metric: Metric
) -> tuple[tuple[date, Estimate], ...]:
    if days is None:
        return ()
    return tuple(
        (_EPOCH + timedelta(days=day), _estimate(scores[days == day], metric, None))
        for day in np.unique(days[days >= 0]).tolist()
    )


def _verdict(
    overall: Estimate | None, metric: Metric, *, reference: float | None, margin: float | None
) -> Realised:
    if overall is None or overall.rows < LEAST_ROWS:
        return Realised.NOT_ENOUGH_LABELS
    if reference is None or margin is None:
        return Realised.NOT_JUDGED
    if metric is Metric.ACCURACY:
        worse = overall.high < reference - margin
    else:
        worse = overall.low > reference + margin
    return Realised.WORSE if worse else Realised.NOT_WORSE

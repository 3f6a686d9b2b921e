"""Scores of labelled predictions: their mean, its interval, and the verdict."""

import math
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from window_bench import NOON

from ml.monitoring.performance import Estimate, Metric, Performance, Realised
from ml.monitoring.performance_section import performance_section
from ml.monitoring.predictions import Predictions
from ml.monitoring.scores import judge_scores

DAY = date(2026, 3, 1)
FIRST = (DAY - date(1970, 1, 1)).days


def _judge(scores, *, days=1, metric=Metric.ACCURACY, baseline=0.9, margin=0.02, predictions=1_000):
    scores = np.asarray(scores, np.float64)
    of_day = FIRST + np.arange(len(scores)) * days // max(len(scores), 1)
    return judge_scores(
        scores, of_day, metric, baseline=baseline, margin=margin, predictions=predictions
    )


def _right(share, *, rows=1_000):
    return np.random.default_rng(1).random(rows) < share


def test_model_as_good_as_its_baseline_is_not_worse():
    found = _judge(_right(0.9), days=10)

    assert found.verdict is Realised.NOT_WORSE
    assert found.overall.low < 0.9 < found.overall.high
    assert len(found.by_day) == 10
    assert found.by_day[0][0] == DAY


def test_drop_beyond_the_margin_is_worse():
    found = _judge(_right(0.8), days=10)

    assert found.verdict is Realised.WORSE
    assert "0.9 when the model was chosen, margin 0.02: worse." in found.sentence()


def test_drop_within_the_margin_is_not_worse():
    assert _judge(_right(0.8), margin=0.12).verdict is Realised.NOT_WORSE


def test_too_few_labels_are_not_judged_and_the_sentence_gives_the_minimum():
    found = _judge(_right(0.2, rows=20), predictions=400)

    assert found.verdict is Realised.NOT_ENOUGH_LABELS
    assert found.sentence() == (
        "Not enough labels: 20 of 400 predictions have one, at least 50 are needed."
    )


def test_predictions_without_any_label_are_not_judged():
    found = _judge([])

    assert (found.verdict, found.overall) == (Realised.NOT_ENOUGH_LABELS, None)


def test_wilson_interval_matches_the_published_one():
    # Agresti & Coull (1998), The American Statistician 52(2): 9 of 10 successes
    found = _judge([0.0] + [1.0] * 9)

    assert found.overall.low == pytest.approx(0.596, abs=5e-4)
    assert found.overall.high == pytest.approx(0.982, abs=5e-4)


def test_absolute_error_is_in_the_unit_of_the_target():
    found = _judge([3.0] * 500, metric=Metric.ABSOLUTE_ERROR, baseline=2.0, margin=0.5)

    assert found.overall.value == pytest.approx(3.0)
    assert found.verdict is Realised.WORSE


def test_autocorrelation_within_days_widens_the_interval():
    errors = np.abs(np.repeat(np.random.default_rng(4).normal(5, 1, 20), 100))
    options = {"metric": Metric.ABSOLUTE_ERROR, "baseline": 5.0, "margin": 0.1}

    by_days = _judge(errors, days=20, **options)
    by_rows = _judge(errors, days=1, **options)

    def _width(found):
        return found.overall.high - found.overall.low

    assert _width(by_days) > 5 * _width(by_rows)


def _labels(rows, *, paid):
    return pd.DataFrame({"row": rows, "paid": paid})


def test_labels_are_joined_by_row_id_in_any_order_and_the_last_one_counts(bench):
    predictions = Predictions(bench.config)
    predictions.add([{"row": i, "prediction": 1} for i in range(200)], NOON)
    rows = np.random.default_rng(2).permutation(200)

    predictions.add_labels(_labels(range(200), paid=0))
    predictions.add_labels(_labels([*rows, 9_999], paid=1))
    found = predictions.performance(0.9)

    assert found.overall.value == 1.0
    assert (found.labelled, found.predictions) == (200, 200)


def test_last_of_several_predictions_of_a_row_counts(bench):
    predictions = Predictions(bench.config)
    for prediction in (0, 1):
        predictions.add([{"row": i, "prediction": prediction} for i in range(100)], NOON)

    predictions.add_labels(_labels(range(100), paid=1))
    found = predictions.performance(0.9)

    assert (found.overall.value, found.labelled, found.predictions) == (1.0, 100, 100)


def test_last_label_of_a_row_within_one_table_counts(bench):
    predictions = Predictions(bench.config)
    predictions.add([{"row": i, "prediction": 1} for i in range(100)], NOON)

    predictions.add_labels(_labels([*range(100), *range(100)], paid=[0] * 100 + [1] * 100))

    assert predictions.performance(0.9).overall.value == 1.0


def test_all_of_120_000_predictions_are_joined_with_their_labels(bench):
    predictions = Predictions(bench.config)
    for start in range(0, 120_000, 1_000):
        rows = [{"row": i, "prediction": i % 2} for i in range(start, start + 1_000)]
        predictions.add(rows, NOON)

    predictions.add_labels(_labels(range(0, 120_000, 3), paid=1))
    found = predictions.performance(0.9)

    assert (found.labelled, found.predictions) == (40_000, 120_000)
    assert found.overall.value == 0.5


def test_report_section_counts_days_whose_interval_is_beyond_the_limit():
    days = (
        (DAY, Estimate(0.9, 0.85, 0.95, 100)),
        (DAY + timedelta(days=1), Estimate(0.7, 0.6, 0.79, 100)),
        (DAY + timedelta(days=2), Estimate(3.0, 0.0, math.inf, 1)),
    )
    found = Performance(
        verdict=Realised.WORSE,
        metric=Metric.ACCURACY,
        overall=Estimate(0.8, 0.75, 0.84, 201),
        by_day=days,
        predictions=300,
        labelled=201,
        baseline=0.9,
        margin=0.05,
    )

    html = performance_section(found)

    assert "limit 0.85: the whole interval beyond it on 1 of 2 days" in html
    assert "latest 0.7 on 2 Mar 2026" in html
    assert "too few rows" in html

import math
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from ml.drift.errors import DriftInputError
from ml.monitoring.performance import (
    Estimate,
    Metric,
    Performance,
    Realised,
    realised_performance,
)
from ml.monitoring.performance_section import performance_section

DAY = date(2026, 3, 1)


def _classes(right, rows=1_000, seed=1, days=10):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, rows)
    said = np.where(rng.random(rows) < right, truth, 1 - truth)
    ids = [f"row-{i}" for i in range(rows)]
    when = [DAY + timedelta(days=int(i * days / rows)) for i in range(rows)]
    return pa.table({"id": ids, "said": said, "when": when}), pa.table({"id": ids, "truth": truth})


def _judge(predictions, labels, **changes):
    options = {
        "id_column": "id",
        "prediction": "said",
        "label": "truth",
        "metric": Metric.ACCURACY,
        "reference": 0.9,
        "margin": 0.02,
        "time_column": "when",
    }
    return realised_performance(predictions, labels, **{**options, **changes})


def test_a_model_as_good_as_when_it_was_chosen_is_not_worse():
    found = _judge(*_classes(0.9))

    assert found.verdict is Realised.NOT_WORSE
    assert found.overall.low < 0.9 < found.overall.high
    assert len(found.by_day) == 10
    assert found.by_day[0][0] == DAY


def test_a_drop_beyond_the_margin_is_a_reason_of_its_own():
    found = _judge(*_classes(0.8))

    assert found.verdict is Realised.WORSE
    assert "0.9 when the model was chosen, margin 0.02: worse." in found.sentence()


def test_a_drop_within_the_margin_is_none():
    assert _judge(*_classes(0.8), margin=0.12).verdict is Realised.NOT_WORSE


def test_labels_join_by_id_in_any_order_and_the_last_one_counts():
    predictions, labels = _classes(1.0, rows=200)
    wrong = labels.set_column(1, "truth", pa.array(1 - labels["truth"].to_numpy()))
    shuffled = labels.take(np.random.default_rng(2).permutation(200))
    stranger = pa.table({"id": ["nobody"], "truth": [1]})

    found = _judge(predictions, pa.concat_tables([wrong, stranger, shuffled]))

    assert found.overall.value == 1.0
    assert found.labelled == 200


def test_few_labels_are_not_enough_and_that_is_said():
    predictions, labels = _classes(0.2, rows=400)

    found = _judge(predictions, labels.slice(0, 20))

    assert found.verdict is Realised.NOT_ENOUGH_LABELS
    assert found.sentence() == (
        "Not enough labels: 20 of 400 predictions have one, at least 50 are needed."
    )


def test_no_label_at_all_is_not_enough():
    predictions, labels = _classes(0.9)

    assert _judge(predictions, labels.slice(0, 0)).verdict is Realised.NOT_ENOUGH_LABELS


def test_wilsons_interval_is_the_published_one():
    # Agresti & Coull (1998), The American Statistician 52(2): 9 of 10 successes
    predictions, labels = _classes(1.0, rows=10, days=1)
    flipped = labels["truth"].to_numpy().copy()
    flipped[0] = 1 - flipped[0]

    found = _judge(predictions, labels.set_column(1, "truth", pa.array(flipped)))

    assert found.overall.low == pytest.approx(0.596, abs=5e-4)
    assert found.overall.high == pytest.approx(0.982, abs=5e-4)


def test_errors_of_numbers_are_measured_in_the_targets_unit():
    rng = np.random.default_rng(3)
    truth = rng.normal(100, 10, 500)
    table = pa.table({"id": range(500), "said": truth + rng.choice([-3.0, 3.0], 500)})
    labels = pa.table({"id": range(500), "truth": truth})

    found = _judge(
        table, labels, metric=Metric.ABSOLUTE_ERROR, reference=2.0, margin=0.5, time_column=None
    )

    assert found.overall.value == pytest.approx(3.0)
    assert found.verdict is Realised.WORSE


def test_days_that_resemble_themselves_widen_the_interval():
    rng = np.random.default_rng(4)
    level = np.repeat(rng.normal(5, 1, 20), 100)
    when = [DAY + timedelta(days=i // 100) for i in range(2_000)]
    table = pa.table({"id": range(2_000), "said": np.abs(level), "when": when})
    labels = pa.table({"id": range(2_000), "truth": np.zeros(2_000)})
    options = {"metric": Metric.ABSOLUTE_ERROR, "reference": 5.0, "margin": 0.1}

    by_days = _judge(table, labels, **options)
    by_rows = _judge(table, labels, **options, time_column=None)

    def _width(found):
        return found.overall.high - found.overall.low

    assert _width(by_days) > 5 * _width(by_rows)


def test_a_missing_column_is_named():
    predictions, labels = _classes(0.9)

    with pytest.raises(DriftInputError, match="no column truth among id, label"):
        _judge(predictions, labels.rename_columns(["id", "label"]))


def test_performance_by_day_counts_whole_intervals_and_a_day_of_one_row_has_none():
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
        reference=0.9,
        margin=0.05,
    )

    html = performance_section(found)

    assert "limit 0.85: the whole interval beyond it on 1 of 2 days" in html
    assert "latest 0.7 on 2 Mar 2026" in html
    assert "too few rows" in html

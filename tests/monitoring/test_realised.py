"""Labels that come later: drift of labels by landing time, performance by row id."""

import os
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest
from window_bench import MIDNIGHT, MODEL, NOON, WINDOW, config_of, table

from ml.monitoring.performance import Metric, Realised


def land(bench, rows, *, at=NOON, name="one.csv", **write):
    path = bench.folder / "labels" / "2026" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.to_csv(path, index=False, **write)
    os.utime(path, (at.timestamp(), at.timestamp()))
    return bench.folder / "labels"


def test_model_as_good_as_its_baseline_is_not_worse(bench):
    rows = table(1_000, seed=3)
    bench.score(rows, right=0.9)

    check = bench.check(labels=land(bench, rows), baseline=0.9)

    found = check.performance
    assert (found.verdict, found.metric, found.overall.value, found.labelled) == (
        "not worse",
        "accuracy",
        0.9,
        1_000,
    )
    assert found.overall.low < 0.9 < found.overall.high
    assert found.sentence() == (
        f"Accuracy is 0.9 on 1,000 labelled rows (95 % interval {found.overall.low:.3g} to "
        f"{found.overall.high:.3g}), 0.9 when the model was chosen, margin 0.05: not worse."
    )
    assert found.sentence() in (bench.output / "report.html").read_text()


def test_drop_beyond_the_margin_is_worse_without_drift_of_inputs(bench):
    rows = table(1_000, seed=3)
    bench.score(rows, right=0.8)

    check = bench.check(labels=land(bench, rows), baseline=0.9)

    assert check.performance.verdict == "worse"
    assert check.performance.overall.value == 0.8
    assert all(one.ratio <= 1 for one in check.leading if one.role == "feature")


@pytest.mark.parametrize("form", [int, float, str, lambda row: f"  {row}".strip()])
def test_ids_are_joined_whatever_their_type(bench, form):
    rows = table(300, seed=3)
    bench.score(rows.assign(row=[form(row) for row in rows["row"]]), right=1.0)

    found = bench.check(labels=land(bench, rows), baseline=0.9).performance

    assert (found.labelled, found.overall.value) == (300, 1.0)


def test_ids_that_differ_in_the_last_bit_are_not_confused(bench):
    first = 2**60
    rows = table(300, seed=3, first=first)  # neighbours differ in the last bit only
    bench.score(rows, right=0.5)

    found = bench.check(labels=land(bench, rows), baseline=0.9).performance

    assert (found.labelled, found.overall.value) == (300, 0.5)


def test_only_predictions_of_the_last_thirty_days_count(bench):
    rows = table(300, seed=3)
    bench.score(rows[:100], right=1.0, at=NOON - timedelta(days=29))
    bench.score(rows[100:200], right=1.0, at=NOON - timedelta(days=31))
    bench.score(rows[200:], right=1.0)

    check = bench.check(labels=land(bench, rows), baseline=0.9)

    assert check.performance.labelled == 200
    assert check.result.rows == 100  # the drift check keeps to its window


@pytest.mark.parametrize("at", [WINDOW.end_utc, WINDOW.end_utc - timedelta(days=30, seconds=1)])
def test_labels_that_landed_after_the_window_or_thirty_days_before_are_left_out(bench, at):
    rows = table(300, seed=3)
    bench.score(rows, right=1.0)

    check = bench.check(labels=land(bench, rows, at=at), baseline=0.9)

    assert check.performance.verdict == "not enough labels"
    assert check.performance.sentence() == (
        "Not enough labels: 0 of 300 predictions have one, at least 50 are needed."
    )


def test_last_of_several_labels_counts(bench):
    rows = table(300, seed=3)
    bench.score(rows, right=1.0)
    land(bench, rows, name="a.csv", at=MIDNIGHT)
    labels = land(bench, rows.assign(paid=1 - rows["paid"]), name="b.csv")

    assert bench.check(labels=labels, baseline=0.9).performance.overall.value == 0.0


def test_predictions_of_another_version_do_not_count(bench):
    rows = table(300, seed=3)
    bench.score(rows[:150], right=1.0)
    bench.score(rows[150:], right=0.0, modelversion="6", deployment="version-6")

    found = bench.check(labels=land(bench, rows), baseline=0.9).performance

    assert (found.labelled, found.overall.value) == (150, 1.0)


def test_requests_without_ids_are_not_judged_and_the_sentence_says_why(bench):
    rows = table(300, seed=3)
    bench.send(rows.drop(columns=["row", "paid"]))
    bench.send([{"prediction": 1}] * 300, collection="model_outputs")

    found = bench.check(labels=land(bench, rows), baseline=0.9).performance

    assert (found.verdict, found.overall, found.labelled) == ("not judged", None, 0)
    assert found.sentence() == (
        "Realised performance is not judged: none of 300 predictions carries the row id row."
    )


def test_model_without_an_id_is_not_judged_and_the_sentence_says_why(bench, tmp_path):
    root = tmp_path / "other"
    root.mkdir()
    performance = "  performance: {metric: accuracy, margin: 0.05}\n"
    config = config_of(root, MODEL.replace("id: row\n", "").replace(performance, ""))
    rows = table(300, seed=3)
    bench.score(rows, right=1.0)

    found = bench.check(config=config, labels=land(bench, rows), baseline=0.9).performance

    assert (found.verdict, found.margin) == ("not judged", None)
    assert "the model has no row id to join labels by" in found.sentence()


def test_performance_is_shown_without_a_verdict_if_model_yml_has_no_margin(bench):
    rows = table(300, seed=3)
    bench.score(rows, right=0.5)
    config = replace(bench.config, drift=replace(bench.config.drift, performance=None))

    shown = bench.check(config=config, labels=land(bench, rows), baseline=0.9).performance
    silent = bench.check(config=config).performance

    assert (shown.verdict, shown.overall.value, shown.margin) == ("not judged", 0.5, None)
    assert shown.sentence().endswith("0.9 when the model was chosen: not judged.")
    assert silent is None


def test_performance_is_shown_without_a_verdict_if_the_baseline_is_unknown(bench):
    rows = table(300, seed=3)
    bench.score(rows, right=0.5)

    found = bench.check(labels=land(bench, rows), baseline=None).performance

    assert (found.verdict, found.overall.value, found.baseline) == ("not judged", 0.5, None)


def test_changed_labels_are_drift_if_they_landed_in_the_window(bench):
    bench.send(table(1_000, seed=3).drop(columns="paid"))
    labels = land(bench, table(1_000, seed=5).assign(paid=0))

    inside = bench.check(labels=labels)
    land(bench, table(1_000, seed=5).assign(paid=0), at=MIDNIGHT - timedelta(seconds=1))
    before = bench.check(labels=labels)

    assert inside.result.verdict == "drift"
    assert (inside.leading[0].name, inside.leading[0].role) == ("paid", "label")
    assert before.result.verdict == "no drift"


def test_too_few_labels_are_not_compared(bench):
    bench.send(table(1_000, seed=3).drop(columns="paid"))

    check = bench.check(labels=land(bench, table(50, seed=5).assign(paid=0)))

    assert check.result.verdict == "no drift"
    assert "paid" not in {one.name for one in check.leading}


def test_unreadable_label_file_is_named_and_the_others_count(bench):
    rows = table(300, seed=3)
    bench.score(rows, right=1.0)
    labels = land(bench, rows)
    land(bench, pd.DataFrame({"x": [1]}), name="broken.csv")

    check = bench.check(labels=labels, baseline=0.9)

    assert check.performance.labelled == 300
    assert "Labels in broken.csv cannot be read: " in check.sentence


def test_label_files_without_target_or_id_are_ignored(bench):
    rows = table(300, seed=3)
    bench.score(rows, right=1.0)
    land(bench, rows.drop(columns="paid"), name="a.csv")
    labels = land(bench, rows.drop(columns="row"), name="b.csv")

    assert bench.check(labels=labels, baseline=0.9).performance.labelled == 0


def test_rows_without_prediction_or_label_are_left_out(bench):
    rows = table(300, seed=3)
    bench.score(rows, right=1.0)
    bench.send([{"row": 1_000, "prediction": None}], collection="model_outputs")
    more = pd.concat(
        [rows.assign(paid=rows["paid"].where(rows["row"] > 9)), table(1, seed=1, first=1_000)]
    )

    found = bench.check(labels=land(bench, more), baseline=0.9).performance

    assert (found.labelled, found.overall.value) == (290, 1.0)


def test_regression_is_judged_by_mean_absolute_error(bench, tmp_path):
    root = tmp_path / "other"
    root.mkdir()
    text = MODEL.replace("classification", "regression").replace("target: paid", "target: income")
    text = text.replace("{accuracy: 0.5}", "{mae: 9}")
    config = config_of(root, text.replace("accuracy, margin: 0.05", "mae, margin: 1"))
    rows = table(300, seed=3)
    answers = pd.DataFrame({"row": rows["row"], "prediction": rows["income"] + 4.0})
    bench.send(answers, collection="model_outputs")

    found = bench.check(config=config, labels=land(bench, rows), baseline=2.5).performance

    assert (found.verdict, found.metric) == (Realised.WORSE, Metric.ABSOLUTE_ERROR)
    assert found.overall.value == pytest.approx(4.0)
    assert found.sentence().startswith("Mean absolute error is 4 on 300 labelled rows")

"""The reports that the browser opens: checks of simulated data, one of each kind."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa

from ml.drift import AlarmBudget, Profile, Role, check
from ml.drift.report.document import render_report as render
from ml.evaluation.compare import Comparison, MetricPair
from ml.evaluation.report import render_report
from ml.model_config import read_model
from ml.monitoring.performance import Metric
from ml.monitoring.performance_section import performance_section
from ml.monitoring.scores import judge_scores

DAY = date(2026, 3, 13)
HOSTILE = "<script>document.title='ran'</script>"
ROLES = {"answer": Role.PREDICTION, "truth": Role.LABEL}


def all_pages():
    """HTML by name."""
    return {
        **_drift_pages(),
        "wide": _wide(),
        "first": _evaluation("diabetes", _numbers(), champion=False),
        "refused": _evaluation("diabetes", _numbers(), champion=True),
        "classes": _evaluation("iris", _classes(), champion=True),
    }


def _rows(seed, *, rows=900, shift=0.0):
    rng = np.random.default_rng(seed)
    kinds = np.array(["a", "b", HOSTILE, "new"])[rng.integers(0, 3 + (shift > 0), rows)]
    kinds[rng.random(rows) < 0.06] = "a" if shift else "WWWWWWWWWWWWWWWW"
    bmi = rng.normal(25, 4, rows)
    bmi[rng.random(rows) < (0.2 if shift else 0.01)] = np.nan
    return pa.table(
        {
            "price": rng.lognormal(3, 0.5, rows) * (1 + shift),
            "demand": rng.normal(5_000 + 1_000 * shift, 1_000, rows),
            "calm": rng.normal(0, 1, rows),
            "bmi": bmi,
            "constant": np.full(rows, 3.0) + (shift > 0) * rng.integers(0, 2, rows),
            HOSTILE: kinds,
            "a column with a name that is much too long for any table " * 2: rng.random(rows),
            "answer": rng.normal(shift, 1, rows),
            "truth": rng.normal(0, 1, rows),
        }
    )


def _drift_pages():
    profile = Profile.fit(_rows(1, rows=3_000), name="version 7", roles=ROLES, draws=1_000)
    past = []
    for days in (9, 8, 7, 5, 4, 3, 2, 1):
        shift = 0.9 if days < 4 else 0.0
        rows, day = _rows(100 + days, shift=shift), DAY - timedelta(days=days)
        past.append(check(profile, rows, day=day, past=past))
    drift = check(profile, _rows(200, shift=1.2), day=DAY, past=past)
    calm = check(profile, _rows(201), day=DAY, past=past[:4])
    few = check(profile, _rows(202, rows=41), day=DAY, alarm_budget=AlarmBudget(least_rows=200))
    return {
        "drift": render(
            drift,
            subject="electricity",
            notes=["12 lines of 2 files could not be read and were left out."],
            next_step="retraining is asked for.",
            sections=[performance_section(_performance())],
        ),
        "calm": render(calm, subject="electricity"),
        "few": render(few, subject="electricity"),
    }


def _performance():
    rng = np.random.default_rng(5)
    rows = 2_000
    days = 20_513 + np.arange(rows) * 12 // rows  # from 1 March 2026
    wrong = rng.random(rows) < np.where(np.arange(rows) < rows // 2, 0.1, 0.35)
    return judge_scores(
        (~wrong).astype(float), days, Metric.ACCURACY, baseline=0.9, margin=0.02, predictions=rows
    )


def _wide():
    def rows(seed, shift=0.0):
        rng = np.random.default_rng(seed)
        return pa.table({f"f{i}": rng.normal(shift * (i < 20), 1, 400) for i in range(200)})

    profile = Profile.fit(rows(1), name="version 7", draws=500)
    return render(check(profile, rows(2, shift=1.5), day=DAY))


def _numbers():
    rng = np.random.default_rng(6)
    true = rng.normal(150, 60, 133)
    return pd.DataFrame(
        {
            "true": true,
            "challenger": true + rng.normal(0, 50, 133),
            "champion": true + rng.normal(0, 45, 133),
        }
    ), (MetricPair("r2", "max", 0.409, 0.459, 0.3), MetricPair("mae", "min", 41.2, 41.5, 60.0))


def _classes():
    rng = np.random.default_rng(7)
    true = np.array(["setosa", "versicolor", HOSTILE])[rng.integers(0, 3, 75)]
    challenger = np.where(true == "versicolor", "setosa", true)
    return pd.DataFrame({"true": true, "challenger": challenger, "champion": true}), (
        MetricPair("accuracy", "max", 0.653, 1.0, 0.9),
    )


def _evaluation(model, found, *, champion):
    predictions, metrics = found
    if not champion:
        predictions = predictions.drop(columns="champion")
        metrics = tuple(replace(pair, champion=None) for pair in metrics)
    return render_report(
        Comparison(metrics, predictions),
        config=read_model(model),
        champion_version="9" if champion else None,
        cycle_id="4be1c09a7d21",
    )

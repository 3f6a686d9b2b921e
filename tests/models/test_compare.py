import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml.errors import ModelArtefactError, UndefinedStatisticError, UnreadableDataError
from ml.evaluation.baseline import Baseline
from ml.evaluation.compare import Comparison, Contestant, MetricPair, compare
from ml.evaluation.evidence import Evidence, split_notes
from ml.evaluation.report import render_report
from ml.metrics import METRICS, metric_names, score
from ml.model_config import read_model
from ml.step_files import Pin, PreparedRecord, RowCounts, TrainingRecord

DIABETES = read_model("diabetes")
LEARNT = pd.Series([0.0, 1.0, 5.0])
PREPARED = PreparedRecord(
    model="diabetes",
    data_version="v",
    data_sha256="d",
    config_sha256="c",
    test_rows_sha256="t",
    test_percent=20.0,
    rows=RowCounts(
        train=5, test=6, twins_left_out=1, read=14, replaced=2, without_target=0, outside_window=0
    ),
    files=(Pin("a.csv", "0" * 64, 14, "landing/diabetes/a.csv"),),
)


class Offset:
    """Answers the column bmi plus a constant."""

    def __init__(self, offset: float) -> None:
        self._offset = offset

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        return frame["bmi"].to_numpy() + self._offset


def frozen(rows: int = 6) -> pd.DataFrame:
    table = pd.DataFrame(dict.fromkeys(DIABETES.features, np.arange(rows, dtype=float)))
    return table.assign(target=np.arange(rows, dtype=float))


def contestant(offset: float, columns: tuple[str, ...] = ("bmi",)) -> Contestant:
    return Contestant(Offset(offset), columns)


@pytest.mark.parametrize(
    ("name", "true", "predicted", "expected"),
    [
        ("accuracy", [0, 1, 1, 0], [0, 1, 0, 0], 0.75),
        ("balanced_accuracy", [0, 0, 0, 1], [0, 0, 0, 0], 0.5),
        ("f1_macro", ["a", "b", "c"], ["a", "b", "b"], (1 + 2 / 3 + 0) / 3),
        ("r2", [1.0, 2.0, 3.0], [1.0, 2.0, 4.0], 0.5),
        ("mae", [1.0, 2.0, 3.0], [1.0, 2.0, 4.5], 0.5),
        ("rmse", [1.0, 3.0], [2.0, 4.0], 1.0),
    ],
)
def test_metrics_agree_with_their_definitions(name, true, predicted, expected):
    result = score([name], np.array(true), np.array(predicted))

    assert result == {name: pytest.approx(expected)}


@pytest.mark.parametrize(
    ("positive", "true", "predicted", "expected"),
    [
        ("1", [0, 1, 1, 0], [0, 1, 0, 0], 2 / 3),
        ("0", [0, 1, 1, 0], [0, 1, 0, 0], 4 / 5),
        ("fraud", ["fraud", "ok", "fraud"], ["fraud", "ok", "ok"], 2 / 3),
        ("ok", ["fraud", "ok", "fraud"], ["fraud", "ok", "ok"], 2 / 3),
        ("fraud", ["fraud", "ok", "ok"], ["ok", "ok", "ok"], 0.0),
        ("fraud", ["fraud", "ok", "ok"], [0, 1, 1], 0.0),
    ],
)
def test_f1_is_about_the_class_that_is_named(positive, true, predicted, expected):
    found = score(["f1"], np.array(true), np.array(predicted), positive=positive)

    assert found == {"f1": pytest.approx(expected)}


def test_f1_without_a_named_class_is_refused():
    with pytest.raises(UndefinedStatisticError, match="f1 is about one class and none is named"):
        score(["f1"], np.array(["a"]), np.array(["a"]))


class Always:
    """Answers one word."""

    def __init__(self, word: str) -> None:
        self._word = word

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        return np.full(len(frame), self._word, dtype=object)


def transfers(tmp_path: Path):
    """A model about fraud, which comes first in the alphabet, and ten frozen rows of it."""
    folder = tmp_path / "transfers"
    folder.mkdir(exist_ok=True)
    (folder / "pipeline.py").write_text("def build(params): ...\n")
    (folder / "model.yml").write_text(
        "name: transfers\ntask: classification\ntarget: label\npositive: fraud\n"
        "data:\n  columns:\n    amount: {type: number}\n"
        "    label: {type: category, values: [fraud, ok]}\ngate:\n"
        "  floors: {accuracy: 0.5, f1: 0.1}\n"
    )
    rows = pd.DataFrame({"amount": np.arange(10.0), "label": ["fraud"] + ["ok"] * 9})
    return read_model("transfers", tmp_path), rows


def test_model_that_never_predicts_the_positive_class_has_f1_0_and_a_warning(tmp_path):
    config, rows = transfers(tmp_path)
    never = Contestant(Always("ok"), ("amount",))

    found = compare(
        rows, never, Contestant(Always("fraud"), ("amount",)), learnt=rows["label"], config=config
    )

    f1 = next(pair for pair in found.metrics if pair.name == "f1")
    assert (f1.challenger, f1.label) == (0.0, "F1 of fraud")
    assert found.warnings == ("The challenger never predicts fraud.",)


def baselines(config, rows, learnt) -> dict[str, tuple[float, str, bool]]:
    challenger = Contestant(Always("ok"), ("amount",))
    pairs = compare(rows, challenger, None, learnt=learnt, config=config).metrics
    return {p.name: (p.baseline.value, p.baseline.answer, p.baseline.decides) for p in pairs}


def test_model_without_features_gives_the_answer_that_is_best_for_each_metric(tmp_path):
    config, rows = transfers(tmp_path)

    found = baselines(config, rows, pd.Series(["ok", "fraud", "ok"]))

    # Of 10 rows one is a fraud: precision 1/10, recall 1 give F1 2/11.
    assert found == {
        "accuracy": (0.9, "'ok'", False),
        "f1": (pytest.approx(2 / 11), "'fraud'", True),
    }


def test_baseline_of_accuracy_decides_where_no_other_metric_does_and_can_be_switched_off(tmp_path):
    _, rows = transfers(tmp_path)
    path = tmp_path / "transfers" / "model.yml"
    alone = path.read_text().replace(", f1: 0.1", "")
    path.write_text(alone)
    asked = read_model("transfers", tmp_path)
    path.write_text(f"{alone}  beat_baseline: false\n")
    off = read_model("transfers", tmp_path)

    assert baselines(asked, rows, rows["label"]) == {"accuracy": (0.9, "'ok'", True)}
    assert baselines(off, rows, rows["label"]) == {"accuracy": (0.9, "'ok'", False)}


def test_constant_of_a_regression_is_the_mean_or_for_absolute_errors_the_median():
    pairs = compare(frozen(), contestant(0.0), None, learnt=LEARNT, config=DIABETES).metrics

    # Frozen targets 0 to 5: mean 2.5; always answering the training rows' mean 2, or median 1.
    assert {p.name: (round(p.baseline.value, 3), p.baseline.answer) for p in pairs} == {
        "r2": (round(1 - (17.5 + 6 * 0.25) / 17.5, 3), "the mean 2"),
        "mae": (pytest.approx(11 / 6, abs=1e-3), "the median 1"),
    }


def test_every_metric_belongs_to_a_task():
    assert {*metric_names("classification"), *metric_names("regression")} == set(METRICS)


def test_both_models_predict_the_same_rows():
    comparison = compare(
        frozen(), contestant(1.0), contestant(-2.0), learnt=LEARNT, config=DIABETES
    )

    assert list(comparison.predictions.columns) == ["true", "challenger", "champion"]
    mae = next(pair for pair in comparison.metrics if pair.name == "mae")
    assert (mae.challenger, mae.champion, mae.floor, mae.goal) == (1.0, 2.0, 60, "min")


def test_champion_is_given_the_columns_it_was_trained_on():
    wide = contestant(0.0, ("bmi", "age"))

    assert compare(frozen(), contestant(0.0), wide, learnt=LEARNT, config=DIABETES).metrics


def test_champion_that_needs_a_missing_column_is_not_scored_and_the_evidence_says_why():
    gone = contestant(0.0, ("bmi", "weight"))

    found = compare(frozen(), contestant(0.0), gone, learnt=LEARNT, config=DIABETES)
    page = render_report(found, config=DIABETES, champion_version="9", cycle_id="4be1c09a7d21")

    assert found.obstacle == "it needs column weight, which the data no longer have"
    assert list(found.predictions) == ["true", "challenger"]
    assert {pair.champion for pair in found.metrics} == {None}
    assert "✓ The challenger reaches its floors" in page
    assert "Champion 9 cannot be compared: it needs column weight, which the data" in page


def test_challenger_that_needs_a_missing_column_is_refused_with_its_name():
    gone = contestant(0.0, ("bmi", "weight"))

    with pytest.raises(ModelArtefactError, match="challenger needs column weight"):
        compare(frozen(), gone, None, learnt=LEARNT, config=DIABETES)


def test_prediction_that_is_not_finite_is_refused():
    with pytest.raises(UndefinedStatisticError, match="6 of the challenger's 6 predictions"):
        compare(frozen(), contestant(np.inf), None, learnt=LEARNT, config=DIABETES)


def test_evidence_of_the_first_model_has_no_champion():
    comparison = compare(frozen(), contestant(1.0), None, learnt=LEARNT, config=DIABETES)

    document = Evidence(
        cycle_id="abc",
        challenger_version=None,
        champion_version=None,
        metrics=comparison.metrics,
        test_rows=6,
        prepared=PREPARED,
        reference="challenger/reference.profile",
        obstacle="",
        warnings=("The challenger never predicts fraud.",),
        notes=(),
    ).document()

    assert document["champion"] is None
    assert document["challenger"]["version"] is None
    assert {metric["champion"] for metric in document["metrics"]} == {None}
    assert document["rows"] == {"train": 5, "test": 6}
    assert json.loads(json.dumps(document)) == document


def trained(folder: Path, test_percent: float) -> Path:
    folder.mkdir()
    TrainingRecord(
        model="diabetes",
        config_sha256="c",
        rows=5,
        test_percent=test_percent,
        seed=0,
        params={},
        fit_seconds=0.1,
    ).write(folder)
    return folder


def test_model_trained_on_frozen_test_rows_is_noted(tmp_path):
    ten, twenty = trained(tmp_path / "ten", 10), trained(tmp_path / "twenty", 20)
    by_a_person = tmp_path / "by_a_person"
    by_a_person.mkdir()

    (older,) = split_notes(20.0, challenger=twenty, champion=ten)
    (unknown,) = split_notes(20.0, challenger=twenty, champion=by_a_person)

    assert "The champion was trained when 10 % of the rows were frozen, now 20 % are" in older
    assert "The champion does not say which rows were frozen" in unknown
    assert split_notes(20.0, challenger=twenty, champion=None) == []


def test_prepared_record_is_read_back_and_another_format_is_refused(tmp_path):
    PREPARED.write(tmp_path)
    assert PreparedRecord.read(tmp_path) == PREPARED

    path = tmp_path / "prepared.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(UnreadableDataError, match="run all steps of one release"):
        PreparedRecord.read(tmp_path)
    path.write_text("{}")
    with pytest.raises(UnreadableDataError, match="run it again"):
        PreparedRecord.read(tmp_path)


def report(challenger: float, champion: float | None) -> str:
    pair = MetricPair("r2", "max", challenger=challenger, champion=champion, floor=0.3)
    predictions = pd.DataFrame({"true": [1.0, 2.0], "challenger": [1.5, 2.0]})
    if champion is not None:
        predictions["champion"] = [0.0, 2.0]
    version = None if champion is None else "<9>"
    return render_report(
        Comparison((pair,), predictions),
        config=DIABETES,
        champion_version=version,
        cycle_id="4be1c09a7d21",
    )


@pytest.mark.parametrize(
    ("challenger", "champion", "said"),
    [
        (0.43, None, "✓ The first model reaches its floors: R² 0.43, floor 0.3, on 2 frozen rows."),
        (0.2, None, "✕ The first model misses a floor"),
        (0.3, None, "✓ The first model reaches its floors"),
        (0.47, 0.46, "✓ The challenger is better in every metric: R² 0.47 against 0.46"),
        (0.46, 0.46, "✕ The challenger is not better in every metric"),
    ],
)
def test_report_starts_with_which_model_is_better(challenger, champion, said):
    assert said in report(challenger, champion)


def test_report_of_a_model_that_is_not_better_than_a_constant_says_so():
    pair = MetricPair(
        "r2", "max", 0.4, 0.3, floor=0.3, baseline=Baseline(0.4, "the mean 2", decides=True)
    )
    predictions = pd.DataFrame({"true": [1.0, 2.0], "challenger": [1.5, 2.0], "champion": 0.0})

    page = render_report(
        Comparison((pair,), predictions, ("Look.",)),
        config=DIABETES,
        champion_version="9",
        cycle_id="4be1c09a7d21",
    )

    assert "✕ The challenger is not better than always answering the mean 2: R² 0.4" in page
    assert "<td>0.4, always the mean 2</td>" in page
    assert "<p>Look.</p>" in page


def test_report_has_no_scripts_and_no_external_resources():
    page = report(0.47, 0.46)

    policy = page.index("Content-Security-Policy")
    assert policy < page.index("<style>")
    assert "<script" not in page
    assert "(champion &lt;9&gt;)" in page
    assert not re.search(r"""(src|href)=|url\(|style=""", page)
    assert all('aria-label="' in svg for svg in re.findall("<svg[^>]*>", page))
    assert len(page) < 20_000

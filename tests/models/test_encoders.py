"""Dates and texts as features, from training to the endpoint, and native categories."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from ml.errors import ModelConfigError
from ml.evaluation.evaluate_job import sample_request
from ml.features import AsCategories, EncodeColumns, NumberedClasses
from ml.model_config.reader import parse_model
from ml.model_folder import ModelFolder
from ml.reference.profile import reference_profile
from ml.scoring.collection import Collection, CollectionSettings
from ml.scoring.scorer import Scorer
from ml.training.build import encoded, unused
from ml.training.parts import check_parts
from ml.training.train import fit
from ml.training.train_job import save

pytestmark = pytest.mark.filterwarnings("default")  # MLflow warns while it is imported

_SETTINGS = """
name: tickets
task: classification
target: urgent
time: opened
FEATURES
data:
  columns:
    opened: {type: date, max_missing_percent: 10}
    note: {type: text, max_missing_percent: 10}
    size: {type: number}
    urgent: {type: category, values: ["yes", "no"]}
gate:
  floors: {accuracy: 0}
"""


@pytest.fixture
def settings(tmp_path):
    folder = tmp_path / "tickets"
    folder.mkdir()
    (folder / "pipeline.py").touch()
    return lambda features: parse_model(_SETTINGS.replace("FEATURES", features).encode(), folder)


def tickets(count=80):
    days = pd.date_range("2025-01-06T10:30", periods=count, freq="D").as_unit("ns")
    urgent = np.arange(count) % 4 == 0
    notes = np.where(urgent, "It is BROKEN now", "thank you, all well")
    table = pd.DataFrame(
        {"opened": days, "note": notes.astype(object), "size": np.arange(count) * 1.0}
    )
    table.loc[3, ["opened", "note"]] = None
    return table.assign(urgent=np.where(urgent, "yes", "no"))


def test_dates_and_texts_are_learnt_from_and_sent_to_the_endpoint(settings, tmp_path):
    config, rows = settings("features: [opened, note, size]"), tickets()
    pipeline = encoded(Pipeline([("last", HistGradientBoostingClassifier())]), config)
    check_parts(pipeline, where="ml/models/tickets")

    fitted = fit(pipeline, rows, config)
    save(fitted, rows, tmp_path / "model", config=config)

    features = rows[list(config.features)]
    expected = fitted.predict(features)
    assert (expected == rows["urgent"]).mean() == 1
    folder = ModelFolder.read(tmp_path / "model")
    assert [(column.name, column.type) for column in folder.columns] == [
        ("opened", "datetime"),
        ("note", "string"),
        ("size", "double"),
    ]
    collection = Collection(CollectionSettings(host="", port=0, percent={}))
    scorer = Scorer(folder=folder, model=folder.load(), collection=collection)
    records = json.loads(features.to_json(orient="records", date_format="iso"))
    answer = scorer.answer(json.dumps({"data": records}).encode(), request_id="r")
    assert answer.body["predictions"] == expected.tolist()
    smoke = scorer.answer(json.dumps(sample_request(rows, config)).encode(), request_id="s")
    assert smoke.status == 200


def test_reference_of_drift_has_neither_dates_nor_texts(settings):
    config = settings("features: [opened, note, size]")

    profile = reference_profile(tickets(), config)

    assert [column.name for column in profile.layout.columns] == ["size", "urgent"]


def test_dates_and_texts_are_features_only_where_they_are_named_and_it_is_said(settings):
    config = settings("")

    assert config.features == ("size",)
    remedy = "to use it, list under features every column to learn from, this included"
    assert list(unused(config)) == [
        f"does not learn from note (type text); {remedy}",
        f"does not learn from opened (type date); {remedy}",
    ]
    pipeline = Pipeline([("last", LogisticRegression())])
    assert encoded(pipeline, config) is pipeline


def test_pipeline_can_take_dates_and_texts_as_they_are(settings):
    config = settings("features: [note]\ntraining: {encode: false}")
    pipeline = Pipeline([("last", LogisticRegression())])

    assert encoded(pipeline, config) is pipeline
    with pytest.raises(ModelConfigError, match=r"Columns note hold texts; put sklearn"):
        fit(pipeline, tickets(), config)


def test_date_becomes_its_parts_and_a_missing_one_is_nan():
    frame = pd.DataFrame({"d": [pd.Timestamp("2024-02-29T12:00"), pd.NaT], "x": [1, 2]})

    found = EncodeColumns(dates=["d"]).fit_transform(frame)

    names = ["x", "d_year", "d_month", "d_day", "d_weekday", "d_hour", "d_days"]
    assert list(found) == names
    # 29 February 2024 was a Thursday, 19,782 days after 1970-01-01.
    assert found.iloc[0].tolist() == [1, 2024, 2, 29, 3, 12, 19782.5]
    assert found.iloc[1, 1:].isna().all()


def test_text_becomes_shares_of_its_words_whatever_their_case():
    frame = pd.DataFrame({"t": ["Red red apple", "RED apple red", None]})

    found = EncodeColumns(texts=["t"], words=16).fit_transform(frame)

    assert found.shape == (3, 16)
    assert found.iloc[0].equals(found.iloc[1].rename(0))
    assert sorted(found.iloc[0])[-2:] == pytest.approx([1 / 5**0.5, 2 / 5**0.5])
    assert (found.iloc[2] == 0).all()


def test_encoded_name_that_is_a_column_already_is_refused():
    frame = pd.DataFrame({"d": [pd.Timestamp("2024-02-29")], "d_year": [1]})

    with pytest.raises(ValueError, match=r"makes d_year, which is a column already; rename it"):
        EncodeColumns(dates=["d"]).fit(frame)


def test_numbered_classes_let_a_classifier_of_numbers_predict_texts(tmp_path, settings):
    class NumbersOnly(LogisticRegression):
        def fit(self, frame, target):
            assert set(target) == {0, 1}
            return super().fit(frame, target)

    rows = pd.DataFrame(
        {"size": [0.0, 1.0, 8.0, 9.0] * 5, "urgent": ["no", "no", "yes", "yes"] * 5}
    )

    numbered = NumberedClasses(NumbersOnly()).fit(rows[["size"]], rows["urgent"])

    assert numbered.predict(rows[["size"]]).tolist() == rows["urgent"].tolist()
    assert numbered.classes_.tolist() == ["no", "yes"]
    assert (numbered.predict_proba(rows[["size"]])[2:4, 1] > 0.5).all()
    config = settings("")
    fitted = fit(NumberedClasses(LogisticRegression()), rows, config)
    save(fitted, rows, tmp_path / "model", config=config)
    loaded = ModelFolder.read(tmp_path / "model").load()
    assert loaded.predict(rows[["size"]]).tolist() == rows["urgent"].tolist()


def test_native_categories_work_in_training_and_for_a_word_that_was_not_in_it(settings, tmp_path):
    config, rows = settings("features: [note, size]\ntraining: {encode: false}"), tickets()
    boost = HistGradientBoostingClassifier(categorical_features="from_dtype")
    pipeline = Pipeline([("categories", AsCategories()), ("boost", boost)])

    fitted = fit(pipeline, rows, config)
    save(fitted, rows, tmp_path / "model", config=config)

    loaded = ModelFolder.read(tmp_path / "model").load()
    features = rows[list(config.features)]
    assert (loaded.predict(features) == fitted.predict(features)).all()
    assert (loaded.predict(features) == rows["urgent"]).mean() == 1
    new = features.head(2).assign(note="never seen")
    assert len(loaded.predict(new)) == 2

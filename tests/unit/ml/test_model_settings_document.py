"""docs/model-yml.md names every setting; README's request is one that diabetes takes."""

import dataclasses
import json
import re
from pathlib import Path

from ml.metrics import METRICS
from ml.model_config import (
    MISSING_WORDS,
    ColumnContract,
    DataContract,
    DriftSettings,
    GateSettings,
    ModelConfig,
    RetrainSettings,
    RolloutSettings,
    TrainingSettings,
    read_model,
)
from ml.model_folder.signature import Column
from ml.scoring.rows import RowSchema, parse_rows

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs" / "model-yml.md").read_text()
_SECTIONS = {
    "training": TrainingSettings,
    "gate": GateSettings,
    "drift": DriftSettings,
    "retrain": RetrainSettings,
    "rollout": RolloutSettings,
}
# Names in model.yml that differ from the field's.
_WRITTEN = {
    "minimum": "min",
    "maximum": "max",
    "categories": "values",
    "date_format": "format",
    "parts": "from",
    "former": "was",
}


def _names(settings):
    return [_WRITTEN.get(field.name, field.name) for field in dataclasses.fields(settings)]


def test_every_setting_stands_in_the_document():
    columns = set(_names(ColumnContract)) - {"name", "_"}
    top = set(_names(ModelConfig)) - {"config_sha256", *_SECTIONS}
    below = {f"{name}.{one}" for name, section in _SECTIONS.items() for one in _names(section)}
    wanted = columns | top | set(_names(DataContract)) | below

    named = set(re.findall(r"`([a-z_.0-9]+)`", TEXT))

    assert wanted - named == set()
    assert {name for name in named if name.partition(".")[0] in _SECTIONS} - below <= set(_SECTIONS)


def test_words_and_metrics_in_the_document_are_those_of_the_code():
    assert {f"`{word}`" for word in MISSING_WORDS if word} <= set(re.findall(r"`[^`]+`", TEXT))
    assert set(METRICS) <= set(re.findall(r"`(\w+)`", TEXT))


def test_request_in_the_readme_is_one_that_the_model_takes():
    [body] = re.findall(r"-d '(\{\"data\".*?\})'$", (ROOT / "README.md").read_text(), re.MULTILINE)
    columns = tuple(
        Column(name, "double", required=True) for name in read_model("diabetes").features
    )

    rows = parse_rows(body.encode(), RowSchema(columns, id_column=None, max_rows=10))

    assert rows.count == len(json.loads(body)["data"]) == 1

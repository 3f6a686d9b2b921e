"""One model through our own code: build, fit, save, load, answer."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from benchmarks.ordinary.arrangements import NUMBERS, WORDS
from ml.errors import ModelConfigError
from ml.model_config.reader import parse_model
from ml.model_folder import ModelFolder
from ml.scoring.collection import Collection, CollectionSettings
from ml.scoring.scorer import Scorer
from ml.training.build import built_by, check_kind
from ml.training.parts import check_parts
from ml.training.train import fit
from ml.training.train_job import save

if TYPE_CHECKING:
    from benchmarks.ordinary.arrangements import Arrangement
    from ml.metrics import Task
    from ml.model_config import ModelConfig

ROWS = 120
_WORDS = ("red apple", "green apple", "red pear", "green pear")
_SETTINGS = """
name: ordinary
task: {task}
target: y
data:
  columns:
    a: {{type: number}}
    b: {{type: number}}
    c: {{type: number}}
    d: {{type: number}}
    words: {{type: category, values: [red apple, green apple, red pear, green pear]}}
    y: {target}
gate:
  floors: {{{metric}: 0}}
"""
_TARGETS = {
    "classification": ("{type: category, values: [u, v]}", "accuracy"),
    "regression": ("{type: number}", "mae"),
}
WHERE = "ml/models/ordinary"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a model; `words` say why it was refused or failed."""

    kind: Literal["equal", "refused_before_training", "failed"]
    words: str = ""


def model_config(task: Task) -> ModelConfig:
    """Settings of a made-up model of four positive numbers and a few words."""
    target, metric = _TARGETS[task]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "ordinary"
        home.mkdir()
        (home / "pipeline.py").touch()
        text = _SETTINGS.format(task=task, target=target, metric=metric)
        return parse_model(text.encode(), home)


def made_up_rows(task: Task) -> pd.DataFrame:
    """Rows whose target follows from the numbers and the words."""
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.uniform(0.1, 5.0, (ROWS, len(NUMBERS))), columns=NUMBERS)
    table[WORDS] = random.choice(_WORDS, ROWS)
    level = table["a"] + table["b"] - table["c"] + table[WORDS].str.startswith("red") * 2.0
    classes = np.where(level > level.median(), "u", "v")
    return table.assign(y=classes if task == "classification" else level + 10.0)


def take_through(arrangement: Arrangement, folder: Path) -> Outcome:
    """Build, fit, save, load and ask a model, and compare its answers with the fitted one's.

    Args:
        arrangement: of one estimator.
        folder: must not exist; the model is written there.
    """
    config, rows = model_config(arrangement.task), made_up_rows(arrangement.task)
    features = rows[list(config.features)]
    try:
        pipeline = built_by(
            SimpleNamespace(build=lambda _params: arrangement.make()), {}, where=WHERE
        )
        check_kind(pipeline, config.task, where=WHERE)
        check_parts(pipeline, where=WHERE)
    except ModelConfigError as exc:
        return Outcome("refused_before_training", str(exc))
    fitted = fit(pipeline, rows, config)
    expected = np.asarray(fitted.predict(features))
    save(fitted, rows, folder, config=config)
    found = ModelFolder.read(folder)
    scorer = Scorer(
        folder=found,
        model=found.load(),
        collection=Collection(CollectionSettings(host="", port=0, percent={})),
    )
    body = json.dumps({"data": features.to_dict("records")}).encode()
    answer = scorer.answer(body, request_id="ordinary")
    if answer.status != 200:  # noqa: PLR2004 - HTTP's
        return Outcome("failed", f"the endpoint answered {answer.status}: {answer.body}")
    given = np.asarray(answer.body["predictions"])
    different = int((given != expected).sum()) if given.shape == expected.shape else ROWS
    if different:
        return Outcome("failed", f"{different} of {ROWS} answers differ from the fitted model's")
    return Outcome("equal")

"""The check of one model: made-up rows, then a file's own, through our own code."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from sklearn.base import clone

from ml.checking.made_up import made_up_rows
from ml.data_tests.check import check_file
from ml.errors import ModelConfigError, NotEnoughRowsError
from ml.evaluation.leaks import leak_warnings
from ml.model_config import read_model
from ml.model_folder import ModelFolder
from ml.scoring.collection import Collection, CollectionSettings
from ml.scoring.scorer import Scorer
from ml.step_files import Pin
from ml.training.blame import blamed
from ml.training.build import build_pipeline, unused
from ml.training.parts import check_parts
from ml.training.prepare import split
from ml.training.rows import merge, read_rows
from ml.training.train import fit
from ml.training.train_job import save

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sklearn.pipeline import Pipeline

    from ml.model_config import ModelConfig

_SERVED_ROWS: Final = 50


def check_model(name: str, file: Path | None = None) -> Iterator[str]:
    """Say what went well, sentence by sentence.

    Args:
        name: folder below ml/models.
        file: as it would be dropped; without: made-up rows only.

    Raises:
        MlError: the first thing that did not go well; its text names file, line and remedy.
        OSError: the file cannot be opened.
    """
    # That pip is not installed, as in environments of uv; MLflow sets levels anew on import.
    logging.getLogger("mlflow.utils.environment").addFilter(
        lambda record: record.levelno >= logging.ERROR
    )
    config = read_model(name)
    unfitted = build_pipeline(config)
    check_parts(unfitted, where=f"ml/models/{name}")
    with blamed(name, doing="sklearn.base.clone"):
        clone(unfitted)
    rows = made_up_rows(config)
    fitted = _fitted(unfitted, rows, config)
    _serve(fitted, rows, config)
    yield f"fits {len(rows)} made-up rows, is saved, loaded and answers as before"
    yield from unused(config)
    if file is not None:
        yield from _with_file(file, config)


def _with_file(path: Path, config: ModelConfig) -> Iterator[str]:
    with path.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
        source.seek(0)
        report = check_file(
            source,
            file=path.name,
            config=config,
            size_bytes=path.stat().st_size,
            limit_bytes=None,
        )
    if not report.passed:
        raise ModelConfigError(
            [f"{path.name}: {finding.sentence}; {finding.remedy}" for finding in report.findings]
        )
    yield report.sentence.rstrip(".")
    pin = Pin(path=path.name, sha256=digest, rows=report.rows, source=path.name)
    merged = merge([read_rows(path, pin, config)], config)
    try:
        train = split(merged.rows, config).train
    except NotEnoughRowsError as exc:
        yield f"would not train on {path.name} alone: {exc}"
        return
    yield from (warning.rstrip(".") for warning in leak_warnings(train, config))
    fitted = _fitted(build_pipeline(config), train, config)
    _serve(fitted, train, config)
    yield f"fits its {len(train)} training rows, is saved, loaded and answers as before"


def _fitted(unfitted: Pipeline, rows: pd.DataFrame, config: ModelConfig) -> Pipeline:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a fit on made-up rows does not converge
        return fit(unfitted, rows, config)


def _serve(fitted: Pipeline, rows: pd.DataFrame, config: ModelConfig) -> None:
    """Save, load and ask it.

    Raises:
        ModelConfigError: the loaded model refuses the rows, or answers differently.
        ModelArtefactError: it cannot be saved or loaded.
    """
    where = f"ml/models/{config.name}/pipeline.py"
    asked = rows[list(config.features)].head(_SERVED_ROWS)
    expected = np.asarray(fitted.predict(asked))
    with tempfile.TemporaryDirectory() as folder:
        with blamed(config.name, doing="saving the fitted pipeline"):
            save(fitted, rows, Path(folder) / "model", config=config)
        found = ModelFolder.read(Path(folder))
        scorer = Scorer(
            folder=found,
            model=found.load(),
            collection=Collection(CollectionSettings(host="", port=0, percent={})),
        )
    records = [
        {name: _json(value) for name, value in row.items()} for row in asked.to_dict("records")
    ]
    with blamed(config.name, doing="predict at the endpoint"):
        answer = scorer.answer(json.dumps({"data": records}).encode(), request_id="check")
    given = answer.body.get("predictions")
    if given is None:
        raise ModelConfigError([f"{where}  the endpoint answers {answer.status}: {answer.body}"])
    if not np.array_equal(np.asarray(given), expected):
        raise ModelConfigError(
            [f"{where}  the saved model answers differently than the fitted one; use other parts"]
        )


def _json(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    missing = value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value))
    return None if missing else value

"""A model with every kind of column, its reference, and files as Azure's collector writes them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ml.drift import save_profile
from ml.model_config import ModelConfig, read_model
from ml.monitoring.outcome import CheckWindow, WindowCheck
from ml.monitoring.window import check_window
from ml.reference.profile import reference_profile, with_predictions

if TYPE_CHECKING:
    from pathlib import Path

MODEL = """\
name: loans
task: classification
target: paid
id: row
data:
  columns:
    row: {type: integer}
    income: {type: number, max_missing_percent: 10}
    rooms: {type: integer, values: [1, 2, 3]}
    kind: {type: category, values: [flat, house]}
    paid: {type: integer, values: [0, 1]}
gate:
  floors: {accuracy: 0.5}
drift:
  min_rows: 200
  performance: {metric: accuracy, margin: 0.05}
"""
DAY = date(2026, 3, 14)
MIDNIGHT = datetime(2026, 3, 14, tzinfo=UTC)
NOON = MIDNIGHT + timedelta(hours=12)
WINDOW = CheckWindow(
    day=DAY, start_utc=MIDNIGHT, end_utc=MIDNIGHT + timedelta(days=1), champion_version="7"
)


def table(rows: int, *, seed: int, shift: float = 0.0, first: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "row": np.arange(first, first + rows),
            "income": rng.normal(30 + 10 * shift, 10, rows),
            "rooms": rng.choice([1.0, 2.0, 3.0], rows, p=[0.5, 0.3, 0.2]),
            "kind": rng.choice(["flat", "house"], rows),
            "paid": (rng.random(rows) < 0.7).astype(int),
        }
    )


@dataclass
class Bench:
    """One model, its reference, the folder of its endpoint, and the check of a window."""

    folder: Path
    config: ModelConfig
    profile: Path
    _number: count[int] = field(default_factory=lambda: count(1))

    @property
    def collected(self) -> Path:
        return self.folder / "collected"

    @property
    def output(self) -> Path:
        return self.folder / "output"

    def send(
        self,
        rows: list[dict[str, Any]] | pd.DataFrame,
        *,
        at: datetime = NOON,
        collection: str = "model_inputs",
        deployment: str = "version-7",
        each: int = 100,
        **event: Any,
    ) -> None:
        """Write requests of at most `each` rows, one line each."""
        sent = rows.to_dict("records") if isinstance(rows, pd.DataFrame) else rows
        for start in range(0, len(sent), each):
            number = next(self._number)
            document = {
                "specversion": "1.0",
                "id": f"event-{number}",
                "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "data": sent[start : start + each],
                "correlationid": f"request-{number}",
                "modelversion": "7",
            }
            self.write(json.dumps(document | event) + "\n", at, collection, deployment)

    def write(
        self,
        text: str,
        at: datetime = NOON,
        collection: str = "model_inputs",
        deployment: str = "version-7",
    ) -> None:
        folder = self.collected / deployment / collection / at.strftime("%Y/%m/%d/%H")
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "instance.jsonl").open("a", encoding="utf-8") as file:
            file.write(text)

    def score(self, rows: pd.DataFrame, *, right: float, at: datetime = NOON, **more: Any) -> None:
        """Write inputs and outputs of rows; a share `right` of the predictions is right."""
        said = np.where(np.arange(len(rows)) < right * len(rows), rows["paid"], 1 - rows["paid"])
        self.send(rows.drop(columns="paid"), at=at)
        answers = pd.DataFrame({"row": rows["row"], "prediction": said})
        self.send(answers, at=at, collection="model_outputs", **more)

    def check(self, window: CheckWindow = WINDOW, **more: Any) -> WindowCheck:
        given = {"past": None, "labels": None, "baseline": None} | more
        config = given.pop("config", self.config)
        return check_window(
            config,
            profile=self.profile,
            collected=self.collected,
            window=window,
            output=self.output,
            **given,
        )


def config_of(root: Path, text: str = MODEL) -> ModelConfig:
    folder = root / "loans"
    folder.mkdir(exist_ok=True)
    (folder / "pipeline.py").touch()
    (folder / "model.yml").write_text(text)
    return read_model("loans", root)


def save_reference(folder: Path) -> Path:
    """2,000 training rows and predictions on 500 frozen ones; drawn once, it takes a second."""
    config = config_of(folder)
    frozen = table(500, seed=2)
    profile = with_predictions(
        reference_profile(table(2_000, seed=1), config), frozen, frozen["paid"].to_numpy(), config
    )
    save_profile(profile, folder / "reference.profile")
    return folder / "reference.profile"

"""The MLflow run of the job that this step belongs to, through the tracking API alone.

Azure ML refuses MLflow 3's logged models, so nothing here logs a model: folders are artefacts.
Without MLFLOW_RUN_ID (a step started by hand) nothing is tracked.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class JobRun:
    """One run; `id` is what a model version names as its origin."""

    def __init__(self, run_id: str) -> None:
        from mlflow import MlflowClient  # noqa: PLC0415 - a second of CPU, for tracked steps only

        self.id = run_id
        self.client = MlflowClient()

    @classmethod
    def of_this_step(cls) -> JobRun | None:
        """The run that Azure ML prepared for this step, or None outside of a job."""
        run_id = os.environ.get("MLFLOW_RUN_ID")
        return cls(run_id) if run_id else None

    def log(self, *, params: Mapping[str, object], metrics: Mapping[str, float]) -> None:
        """Parameters and metrics in one request.

        Raises:
            mlflow.exceptions.MlflowException: the tracking server refused or is away.
        """
        from mlflow.entities import Metric, Param  # noqa: PLC0415 - as above

        now_ms = int(time.time() * 1000)
        self.client.log_batch(
            self.id,
            params=[Param(name, str(value)) for name, value in params.items()],
            metrics=[Metric(name, value, now_ms, 0) for name, value in metrics.items()],
        )

    def keep_file(self, path: Path) -> None:
        """Attach a file to the run."""
        self.client.log_artifact(self.id, str(path))

    def keep_folder(self, path: Path, name: str) -> str:
        """Attach a folder to the run; returns its address, to be registered as a model."""
        self.client.log_artifacts(self.id, str(path), artifact_path=name)
        return f"{self.client.get_run(self.id).info.artifact_uri}/{name}"

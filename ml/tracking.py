"""The MLflow run of the job that this step belongs to.

Azure ML refuses MLflow 3's logged models, so a model is kept as a plain artifact folder. Without
MLFLOW_RUN_ID, as in a step that is started by hand, nothing is tracked.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class JobRun:
    """The MLflow run of this step; a registered version refers to it by `id`."""

    def __init__(self, run_id: str) -> None:
        from mlflow import MlflowClient  # noqa: PLC0415 - 1 CPU-s, for tracked steps only

        self.id = run_id
        self.client = MlflowClient()

    @classmethod
    def of_this_step(cls) -> JobRun | None:
        """The run that Azure ML prepared for this step, or None outside of a job."""
        run_id = os.environ.get("MLFLOW_RUN_ID")
        return cls(run_id) if run_id else None

    def log(self, *, params: Mapping[str, object], metrics: Mapping[str, float]) -> None:
        """Log parameters and metrics in one request.

        Raises:
            mlflow.exceptions.MlflowException: the tracking server refused or did not answer.
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
        """Attach a folder to the run; returns its URI, from which a model is registered."""
        self.client.log_artifacts(self.id, str(path), artifact_path=name)
        return f"{self.client.get_run(self.id).info.artifact_uri}/{name}"

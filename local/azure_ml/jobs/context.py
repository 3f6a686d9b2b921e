"""State that the runner, the executions and the routes share."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING

from local.azure_ml.jobs.records import PRIVATE, JobRecords
from local.azure_ml.jobs.reuse import ReuseNotes
from local.azure_ml.jobs.step_run import LOG_NAME, clean_folder
from local.azure_ml.mlflow.server import MlflowRefusedError, MlflowUnavailableError
from local.supervision.tasks import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from local.azure_ml.mlflow.server import MlflowServer
    from local.azure_ml.workspace.workspace import Workspace

_log = logging.getLogger(__name__)
_MLFLOW_STATUS = {"Completed": "FINISHED", "Failed": "FAILED", "Canceled": "KILLED"}


class JobContext:
    """Records, logs and limits of all jobs of one workspace.

    Args:
        step_environ: variables that every step gets (identity, certificates); asked each time.
    """

    def __init__(
        self,
        workspace: Workspace,
        mlflow: MlflowServer,
        *,
        step_environ: Callable[[], Mapping[str, str]],
    ) -> None:
        self.workspace = workspace
        self.mlflow = mlflow
        self.step_environ = step_environ
        self.records = JobRecords(workspace)
        self.reuse = ReuseNotes(workspace)
        self.cpus = asyncio.Semaphore(os.cpu_count() or 1)
        # What ends from then on was stopped with the stack: it neither failed nor was cancelled.
        self.stopping = False

    def folder(self, name: str) -> Path:
        """Where a job or a child keeps its logs."""
        return self.workspace.state / "jobs" / name

    async def restart(self, name: str) -> None:
        """Queue an interrupted job or step again; its log continues."""
        await asyncio.to_thread(self._clean_up_after, name)
        run_id = self.records.existing(name)[PRIVATE]["mlflowRunId"]
        try:
            await self.mlflow.restart_run(run_id)
        except (MlflowRefusedError, MlflowUnavailableError):
            _log.warning("mlflow run not restarted", extra={"job": name}, exc_info=True)
        await self.records.set_status(name, "Queued")

    def _clean_up_after(self, name: str) -> None:
        clean_folder(self.folder(name))
        log = self.folder(name) / LOG_NAME
        if log.exists():
            with log.open("a", encoding="utf-8") as out:
                out.write("--- the stack was stopped here; this runs again ---\n")

    async def end(self, name: str, status: str, *, error: str | None = None) -> None:
        """End a job's MLflow run, then the job, also when the caller is cancelled meanwhile."""
        await uninterrupted(self._end(name, status, error))

    async def _end(self, name: str, status: str, error: str | None) -> None:
        run_id = self.records.existing(name)[PRIVATE].get("mlflowRunId")
        if run_id is not None:
            try:
                await self.mlflow.end_run(run_id, _MLFLOW_STATUS[status])
            except (MlflowRefusedError, MlflowUnavailableError):
                # The job deleted its own run, or MLflow is down: the job has ended all the same.
                _log.warning("mlflow run not ended", extra={"job": name}, exc_info=True)
        await self.records.set_status(name, status, error=error)

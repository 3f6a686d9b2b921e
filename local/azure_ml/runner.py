"""Takes jobs, queues them, runs some at once, and ends each of them one way or another."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING, Any

from local.azure_ml.execution import Execution
from local.azure_ml.job_record import PRIVATE, TERMINAL, JobRecords
from local.azure_ml.mlflow_server import MlflowRefusedError, MlflowUnavailableError
from local.azure_ml.reuse import ReuseNotes
from local.azure_ml.step_run import clean_folder
from local.background import to_its_end
from local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from local.azure_ml.mlflow_server import MlflowServer
    from local.azure_ml.plan import Plan
    from local.azure_ml.workspace import Workspace

_log = logging.getLogger(__name__)
_CANCEL_REQUESTED = "CancelRequested"
_MLFLOW_STATUS = {"Completed": "FINISHED", "Failed": "FAILED", "Canceled": "KILLED"}
STOPPED = "the stack stopped while this job ran; submit it again under another name"


class Runner:
    """Runs planned jobs, at most `max_jobs` at once, and at most one step a CPU.

    Args:
        step_environ: variables that every step gets (identity, certificates); asked each time.
    """

    def __init__(
        self,
        workspace: Workspace,
        mlflow: MlflowServer,
        *,
        step_environ: Callable[[], Mapping[str, str]],
        max_jobs: int = 2,
    ) -> None:
        self.workspace = workspace
        self.mlflow = mlflow
        self.records = JobRecords(workspace)
        self.reuse = ReuseNotes(workspace)
        self.step_environ = step_environ
        self.cpus = asyncio.Semaphore(os.cpu_count() or 1)
        self.stopping = False
        self._slots = asyncio.Semaphore(max_jobs)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def recover(self) -> None:
        """Mark what was running when the stack stopped as failed; call once at start."""
        for job in self.records.all():
            if job["properties"]["status"] in TERMINAL:
                await self.records.announce_again(job)
            else:
                await asyncio.to_thread(clean_folder, self.folder(job["name"]))
                await self.end(job["name"], "Failed", error=STOPPED)

    async def submit(self, name: str, plan: Plan) -> None:
        """Give a stored job its MLflow run and start it, or queue it.

        Raises:
            LocalStackError: the run could not be made; nothing was started.
        """
        properties = self.records.existing(name)["properties"]
        experiment = properties.get("experimentName") or "Default"
        experiment_id = await self.mlflow.experiment_id(experiment)
        run_id = await self.mlflow.create_run(
            experiment_id,
            name=properties.get("displayName") or name,
            tags={**(properties.get("tags") or {}), "azureml.jobName": name},
        )
        self.records.update(
            name,
            {"experimentName": experiment},
            {"experimentId": experiment_id, "mlflowRunId": run_id},
        )
        self._start(name, self._run(name, plan))

    async def cancel(self, name: str) -> None:
        """Ask a job (of a step: its pipeline) to stop; harmless when it was asked or is over."""
        asked = self.records.existing(name)
        job = self.records.existing(asked[PRIVATE].get("parent", name))
        task = self._tasks.get(job["name"])
        statuses = {one["properties"]["status"] for one in (asked, job)}
        if task is None or statuses & {*TERMINAL, _CANCEL_REQUESTED}:
            return
        await self.records.set_status(job["name"], _CANCEL_REQUESTED)
        task.cancel()

    async def stop(self) -> None:
        """End all processes. Jobs that are not ending are marked failed at the next start."""
        self.stopping = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def folder(self, name: str) -> Path:
        """Where a job or a child keeps its logs."""
        return self.workspace.state / "jobs" / name

    async def end(self, name: str, status: str, *, error: str | None = None) -> None:
        """End a job's MLflow run, then the job, also when the caller is cancelled meanwhile."""
        await to_its_end(self._end(name, status, error))

    async def _end(self, name: str, status: str, error: str | None) -> None:
        run_id = self.records.existing(name)[PRIVATE].get("mlflowRunId")
        if run_id is not None:
            try:
                await self.mlflow.end_run(run_id, _MLFLOW_STATUS[status])
            except (MlflowRefusedError, MlflowUnavailableError):
                # The job deleted its own run, or MLflow is down: the job has ended all the same.
                _log.warning("mlflow run not ended", extra={"job": name}, exc_info=True)
        await self.records.set_status(name, status, error=error)

    async def _run(self, name: str, plan: Plan) -> None:
        try:
            if self._slots.locked():
                await self.records.set_status(name, "Queued")
            async with self._slots:
                await self.records.set_status(name, "Running" if plan.is_pipeline else "Preparing")
                await Execution(self, name, plan).run()
        except asyncio.CancelledError:
            if not self.stopping:
                await self.end(name, "Canceled")
            raise
        except LocalStackError as exc:
            await self.end(name, "Failed", error=str(exc))
        else:
            await self.end(name, "Completed")

    def _start(self, name: str, work: Any) -> None:
        task = asyncio.create_task(work, name=f"job {name}")
        self._tasks[name] = task
        task.add_done_callback(lambda done: self._ended(name, done))

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        self._tasks.pop(name, None)
        error = None if task.cancelled() else task.exception()
        if error is None or self.stopping:
            return
        # A defect of ours, or a full disk: the job must not run for ever in its record.
        _log.error("job ended unexpectedly", exc_info=error, extra={"job": name})
        text = f"the local stack failed: {type(error).__name__}: {error}"
        self._start(name, self._end_family(name, text))

    async def _end_family(self, name: str, error: str) -> None:
        """End a job that broke off, and the steps that it cannot end any more."""
        for job in (*self.records.children(name), self.records.existing(name)):
            if job["properties"]["status"] not in TERMINAL:
                await self.end(job["name"], "Failed", error=error)

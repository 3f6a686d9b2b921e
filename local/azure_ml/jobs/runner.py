"""Takes jobs, queues them, runs some at once, and ends each of them one way or another."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from local.azure_ml.jobs.execution import Execution
from local.azure_ml.jobs.records import PRIVATE, TERMINAL
from local.azure_ml.jobs.step_run import clean_folder
from local.errors import LocalStackError

if TYPE_CHECKING:
    from local.azure_ml.jobs.context import JobContext
    from local.azure_ml.jobs.plan import Plan

_log = logging.getLogger(__name__)
_CANCEL_REQUESTED = "CancelRequested"
STOPPED = "the stack stopped while this job ran; submit it again under another name"


class Runner:
    """Runs planned jobs, at most `max_jobs` at once, and at most one step a CPU."""

    def __init__(self, context: JobContext, *, max_jobs: int = 2) -> None:
        self.context = context
        self._records = context.records
        self._slots = asyncio.Semaphore(max_jobs)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def recover(self) -> None:
        """Mark what was running when the stack stopped as failed; call once at start."""
        for job in self._records.all():
            if job["properties"]["status"] in TERMINAL:
                await self._records.announce_again(job)
            else:
                await asyncio.to_thread(clean_folder, self.context.folder(job["name"]))
                await self.context.end(job["name"], "Failed", error=STOPPED)

    async def submit(self, name: str, plan: Plan) -> None:
        """Give a stored job its MLflow run and start it, or queue it.

        Raises:
            LocalStackError: the run could not be made; nothing was started.
        """
        properties = self._records.existing(name)["properties"]
        experiment = properties.get("experimentName") or "Default"
        experiment_id = await self.context.mlflow.experiment_id(experiment)
        run_id = await self.context.mlflow.create_run(
            experiment_id,
            name=properties.get("displayName") or name,
            tags={**(properties.get("tags") or {}), "azureml.jobName": name},
        )
        self._records.update(
            name,
            {"experimentName": experiment},
            {"experimentId": experiment_id, "mlflowRunId": run_id},
        )
        self._start(name, self._run(name, plan))

    async def cancel(self, name: str) -> None:
        """Ask a job (of a step: its pipeline) to stop; harmless when it was asked or is over."""
        asked = self._records.existing(name)
        job = self._records.existing(asked[PRIVATE].get("parent", name))
        task = self._tasks.get(job["name"])
        statuses = {one["properties"]["status"] for one in (asked, job)}
        if task is None or statuses & {*TERMINAL, _CANCEL_REQUESTED}:
            return
        await self._records.set_status(job["name"], _CANCEL_REQUESTED)
        task.cancel()

    async def stop(self) -> None:
        """End all processes. Jobs that are not ending are marked failed at the next start."""
        self.context.stopping = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, name: str, plan: Plan) -> None:
        try:
            if self._slots.locked():
                await self._records.set_status(name, "Queued")
            async with self._slots:
                await self._records.set_status(name, "Running" if plan.is_pipeline else "Preparing")
                await Execution(self.context, name, plan).run()
        except asyncio.CancelledError:
            if not self.context.stopping:
                await self.context.end(name, "Canceled")
            raise
        except LocalStackError as exc:
            await self.context.end(name, "Failed", error=str(exc))
        else:
            await self.context.end(name, "Completed")

    def _start(self, name: str, work: Any) -> None:
        task = asyncio.create_task(work, name=f"job {name}")
        self._tasks[name] = task
        task.add_done_callback(lambda done: self._ended(name, done))

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        self._tasks.pop(name, None)
        error = None if task.cancelled() else task.exception()
        if error is None or self.context.stopping:
            return
        # A defect of ours, or a full disk: the job must not run for ever in its record.
        _log.error("job ended unexpectedly", exc_info=error, extra={"job": name})
        text = f"the local stack failed: {type(error).__name__}: {error}"
        self._start(name, self._end_family(name, text))

    async def _end_family(self, name: str, error: str) -> None:
        """End a job that broke off, and the steps that it cannot end any more."""
        for job in (*self._records.children(name), self._records.existing(name)):
            if job["properties"]["status"] not in TERMINAL:
                await self.context.end(job["name"], "Failed", error=error)

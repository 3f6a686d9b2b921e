"""Queues jobs, runs a few at once, and records how each one ends."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from local.azure_ml.jobs.execution import Execution
from local.azure_ml.jobs.planner import make_plan
from local.azure_ml.jobs.records import PRIVATE, TERMINAL, definition_of
from local.errors import LocalStackError
from local.supervision.tasks import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.azure_ml.jobs.context import JobContext
    from local.azure_ml.jobs.plan import Plan

_log = logging.getLogger(__name__)
_CANCEL_REQUESTED = "CancelRequested"


class Runner:
    """Runs planned jobs, at most `max_jobs` at once, and at most one step per CPU.

    None runs before `open`: steps need a control plane that listens.
    """

    def __init__(self, context: JobContext, *, max_jobs: int = 2) -> None:
        self.context = context
        self._records = context.records
        self._slots = asyncio.Semaphore(max_jobs)
        self._open = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def resume(self) -> None:
        """Queue jobs again that were queued or running when the stack stopped, in the same order.

        As on Azure after a node is preempted, it runs again under the same name, and what ended is
        kept. A job that was being cancelled is. Call it once, before clients can ask.
        """
        for job in self._records.all():
            if job["properties"]["status"] in TERMINAL:
                await self._records.announce_again(job)
            elif "parent" not in job[PRIVATE]:
                await self._take_up(job)

    async def _take_up(self, job: Mapping[str, Any]) -> None:
        name = job["name"]
        if job["properties"]["status"] == _CANCEL_REQUESTED:
            await self._end_family(name, "Canceled")
            return
        try:
            plan = make_plan(self.context.workspace, name, definition_of(job))
            if "mlflowRunId" not in job[PRIVATE]:
                await self.submit(name, plan)  # the stack was killed before it had one
                return
        except LocalStackError as exc:
            await self._end_family(name, "Failed", error=f"it cannot be run again: {exc}")
            return
        await self.context.restart(name)
        self._start(name, self._run(name, plan))

    def open(self) -> None:
        """Let jobs run."""
        self._open.set()

    def interrupt(self) -> None:
        """The stack is stopping: jobs that end from now on run again at its next start.

        Call it before `stop`: a shutdown of the machine signals all processes at the same time.
        """
        self.context.stopping = True

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
        """Cancel a job, or the pipeline of a step; harmless when it is cancelled or has ended."""
        asked = self._records.existing(name)
        job = self._records.existing(asked[PRIVATE].get("parent", name))
        task = self._tasks.get(job["name"])
        statuses = {one["properties"]["status"] for one in (asked, job)}
        if task is None or statuses & {*TERMINAL, _CANCEL_REQUESTED}:
            return
        await self._records.set_status(job["name"], _CANCEL_REQUESTED)
        task.cancel()

    async def stop(self) -> None:
        """End all processes. Jobs that have not ended run again at the next start."""
        self.interrupt()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, name: str, plan: Plan) -> None:
        try:
            await self._open.wait()
            if self._slots.locked():
                await self._records.set_status(name, "Queued")
            async with self._slots:
                await self._records.set_status(name, "Running" if plan.is_pipeline else "Preparing")
                await Execution(self.context, name, plan).run()
        except asyncio.CancelledError:
            if not self.context.stopping:
                await self._end_family(name, "Canceled")
            raise
        except LocalStackError as exc:
            if not self.context.stopping:
                await self._end_family(name, "Failed", error=str(exc))
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
        # A bug of ours, or a full disk: the record must not say for ever that the job runs.
        _log.error("job ended unexpectedly", exc_info=error, extra={"job": name})
        text = f"the local stack failed: {type(error).__name__}: {error}"
        self._start(name, self._end_family(name, "Failed", error=text, steps="Failed"))

    async def _end_family(
        self, name: str, status: str, *, error: str | None = None, steps: str = "Canceled"
    ) -> None:
        """End a job and its open steps, all of them even when the caller is cancelled."""
        await uninterrupted(self._end_all(name, status, error, steps))

    async def _end_all(self, name: str, status: str, error: str | None, steps: str) -> None:
        for child in self._records.children(name):
            if child["properties"]["status"] not in TERMINAL:
                reason = error if steps == "Failed" else None
                await self.context.end(child["name"], steps, error=reason)
        await self.context.end(name, status, error=error)

"""Runs jobs: queued, step by step in dependency order, reused where nothing changed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import time
import uuid
from typing import TYPE_CHECKING, Any

from local.azure_ml.job_record import TERMINAL, JobRecords, workspace_variables
from local.azure_ml.mlflow_server import ARTIFACT_CONTAINER, MlflowRefusedError
from local.azure_ml.plan import DATA_TYPES, FILE_TYPES, DataRef, Literal, StepOutput
from local.azure_ml.step_run import (
    LOG_NAME,
    StepFailedError,
    StepRun,
    describe,
    output_uri,
    resolve,
    reuse_key,
)
from local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from local.azure_ml.mlflow_server import MlflowServer
    from local.azure_ml.plan import Plan, Step
    from local.azure_ml.step_run import Resolved
    from local.azure_ml.workspace import Workspace

_log = logging.getLogger(__name__)
PIPELINE_LOG = "logs/azureml/executionlogs.txt"
_MLFLOW_STATUS = {"Completed": "FINISHED", "Failed": "FAILED", "Canceled": "KILLED"}
STOPPED = "the stack stopped while this job ran; submit it again under another name"


class Runner:
    """Takes planned jobs and runs at most `max_jobs` of them at once.

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
        self.records = JobRecords(workspace)
        self._mlflow = mlflow
        self._step_environ = step_environ
        self._slots = asyncio.Semaphore(max_jobs)
        self._cpus = asyncio.Semaphore(os.cpu_count() or 1)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    async def recover(self) -> None:
        """Mark what was running when the stack stopped as failed; call once at start."""
        for job in self.records.all():
            if job["properties"]["status"] not in TERMINAL:
                await self._end(job["name"], "Failed", error=STOPPED)

    async def submit(self, name: str, plan: Plan) -> None:
        """Give a stored job its MLflow run and start it, or queue it.

        Raises:
            MlflowRefusedError: the run could not be made; nothing was started.
        """
        job = self._job(name)
        properties = job["properties"]
        experiment = properties.get("experimentName") or "Default"
        experiment_id = await self._mlflow.experiment_id(experiment)
        run_id = await self._mlflow.create_run(
            experiment_id,
            name=properties.get("displayName") or name,
            tags={**(properties.get("tags") or {}), "azureml.jobName": name},
        )
        self.records.update(
            name,
            {"experimentName": experiment},
            {"experimentId": experiment_id, "mlflowRunId": run_id},
        )
        task = asyncio.create_task(self._run(name, plan), name=f"job {name}")
        self._tasks[name] = task
        task.add_done_callback(lambda done: self._ended(name, done))

    async def cancel(self, name: str) -> None:
        """Ask a job to stop; its processes are ended. Harmless when it is over."""
        job = self._job(name)
        if job["properties"]["status"] in TERMINAL:
            return
        name = job["local"].get("parent", name)
        task = self._tasks.get(name)
        if task is None or task.done():
            return
        await self.records.set_status(name, "CancelRequested")
        task.cancel()

    async def stop(self) -> None:
        """End all processes. Jobs stay as they are and are marked failed at the next start."""
        self._stopping = True
        for task in self._tasks.values():
            task.cancel()
        for task in list(self._tasks.values()):
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def folder(self, name: str) -> Path:
        """Where a job or a child keeps its logs."""
        return self.workspace.state / "jobs" / name

    async def _run(self, name: str, plan: Plan) -> None:
        try:
            if self._slots.locked():
                await self.records.set_status(name, "Queued")
            async with self._slots:
                await self.records.set_status(name, "Running" if plan.is_pipeline else "Preparing")
                await _Execution(self, name, plan).run()
        except asyncio.CancelledError:
            if not self._stopping:
                await self._end(name, "Canceled")
            raise
        except LocalStackError as exc:
            await self._end(name, "Failed", error=str(exc))
        else:
            await self._end(name, "Completed")

    async def _end(self, name: str, status: str, *, error: str | None = None) -> None:
        job = self._job(name)
        run_id = job["local"].get("mlflowRunId")
        if run_id is not None:
            try:
                await self._mlflow.end_run(run_id, _MLFLOW_STATUS[status])
            except MlflowRefusedError:
                # The job deleted its own run; that is its right and no reason to fail.
                _log.warning("mlflow run not ended", extra={"job": name}, exc_info=True)
        await self.records.set_status(name, status, error=error)

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        self._tasks.pop(name, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("job runner failed", exc_info=error, extra={"job": name})
            text = f"a defect of the local stack: {type(error).__name__}: {error}"
            self.records.update(name, {"status": "Failed"}, {"error": text})

    def _job(self, name: str) -> dict[str, Any]:
        job = self.records.get(name)
        if job is None:
            raise KeyError(name)
        return job


class _Execution:
    """One run of one plan."""

    def __init__(self, runner: Runner, name: str, plan: Plan) -> None:
        self._runner = runner
        self._workspace = runner.workspace
        self._records = runner.records
        self._mlflow = runner._mlflow  # noqa: SLF001 - one module, two classes
        self._name = name
        self._plan = plan
        self._outputs: dict[str, dict[str, str]] = {}
        self._failures: dict[str, str] = {}
        self._began = time.monotonic()

    async def run(self) -> None:
        """Run all steps.

        Raises:
            StepFailedError: with the first failed step's reason.
        """
        if not self._plan.is_pipeline:
            await self._standalone(self._plan.steps[0])
            return
        waiting = {step.name: step for step in self._plan.steps}
        running: dict[asyncio.Task[None], str] = {}
        try:
            while waiting or running:
                for step in self._ready(waiting):
                    del waiting[step.name]
                    running[asyncio.create_task(self._child(step))] = step.name
                if not running:
                    break
                done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    self._note_end(running.pop(task), task)
                if self._failures and not self._plan.continue_on_failure:
                    break
        finally:
            for task in running:
                task.cancel()
            for task in running:
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        self._collect_outputs()
        if self._failures:
            raise StepFailedError(next(iter(self._failures.values())))

    def _ready(self, waiting: Mapping[str, Step]) -> list[Step]:
        return [step for step in waiting.values() if step.needs() <= set(self._outputs)]

    def _note_end(self, step: str, task: asyncio.Task[None]) -> None:
        error = task.exception()
        if error is None:
            return
        if not isinstance(error, LocalStackError):
            raise error
        self._failures[step] = str(error)

    async def _child(self, step: Step) -> None:
        parent = self._runner._job(self._name)  # noqa: SLF001 - one module, two classes
        notes, given = parent["local"], parent["properties"]
        run_id = await self._mlflow.create_run(
            notes["experimentId"],
            name=step.display_name,
            tags={"azureml.pipeline": self._name, "azureml.step": step.name},
            parent=notes["mlflowRunId"],
        )
        # As on Azure: the run of a step is its job, under the same name.
        name = run_id
        properties = {
            "jobType": "Command",
            "command": step.command,
            "environmentId": str(step.environment).removeprefix("azureml:"),
            "codeId": step.code.removeprefix("azureml:") if step.code else None,
            "componentId": step.component_id,
            "displayName": step.display_name,
            "experimentName": given["experimentName"],
            "inputs": describe({k: self._actual(v) for k, v in step.inputs.items()}),
            "outputs": {
                key: {"jobOutputType": spec.type, "uri": output_uri(name, key, spec)}
                for key, spec in step.outputs.items()
            },
            "tags": {},
            "properties": {
                "azureml.pipelinerunid": self._name,
                "azureml.rootpipelinerunid": self._name,
                "azureml.moduleName": step.name,
            },
            "isArchived": False,
        }
        present = {key: value for key, value in properties.items() if value is not None}
        self._records.create(
            name,
            present,
            {
                "parent": self._name,
                "step": step.name,
                "experimentId": notes["experimentId"],
                "mlflowRunId": run_id,
            },
        )
        await self._guarded(name, step)

    async def _guarded(self, name: str, step: Step) -> None:
        """Run a child and end its record however it goes."""
        end = self._runner._end  # noqa: SLF001 - one module, two classes
        try:
            await self._records.set_status(name, "Queued")
            async with self._runner._cpus:  # noqa: SLF001 - one module, two classes
                await self._execute(name, step)
        except asyncio.CancelledError:
            if not self._runner._stopping:  # noqa: SLF001 - one module, two classes
                await end(name, "Canceled")
                self._say(f"{step.name}: canceled")
            raise
        except LocalStackError as exc:
            await end(name, "Failed", error=str(exc))
            self._say(f"{step.name}: failed: {exc}")
            raise
        await end(name, "Completed")
        self._say(f"{step.name}: completed")

    async def _standalone(self, step: Step) -> None:
        async with self._runner._cpus:  # noqa: SLF001 - one module, two classes
            await self._execute(self._name, step)
        given = self._runner._job(self._name)["properties"]  # noqa: SLF001 - as above
        outputs = dict(given.get("outputs") or {})
        for key, uri in self._outputs[step.name].items():
            outputs[key] = {**outputs.get(key, {}), "uri": uri}
        self._records.update(self._name, {"outputs": outputs})

    async def _execute(self, name: str, step: Step) -> None:
        inputs = await self._inputs(step)
        key = reuse_key(self._workspace, step, inputs) if step.reusable else None
        if key is not None and await self._reuse(name, step, key):
            return
        await self._records.set_status(name, "Preparing")
        self._say(f"{step.name}: started as {name}")
        run = StepRun(
            self._workspace,
            step,
            job=name,
            folder=self._runner.folder(name),
            environ=self._variables(name),
        )
        try:
            command = await run.prepare(inputs)
            await self._records.set_status(name, "Running")
            await run.execute(command)
            await self._records.set_status(name, "Finalizing")
            self._outputs[step.name] = await run.upload()
        finally:
            run.clean()
            if run.log.exists():
                await self._workspace.blobs.upload_file(
                    run.log, ARTIFACT_CONTAINER, f"ExperimentRun/dcid.{name}/{LOG_NAME}"
                )
        if key is not None:
            self._remember(key, name, self._outputs[step.name])

    async def _inputs(self, step: Step) -> dict[str, Resolved]:
        found: dict[str, Resolved] = {}
        for name, value in step.inputs.items():
            actual = self._actual(value)
            wanted = step.input_types.get(name, "")
            if isinstance(actual, Literal):
                if wanted in DATA_TYPES:
                    raise StepFailedError(
                        f"step '{step.name}': input '{name}' is a {wanted}, got '{actual.value}'"
                    )
                found[name] = actual
                continue
            # What the component declares decides: a folder with one file serves as a file.
            kind = wanted if wanted in FILE_TYPES else actual.type
            found[name] = await resolve(self._workspace, name, DataRef(actual.uri, kind))
        return found

    def _actual(self, value: Literal | DataRef | StepOutput) -> Literal | DataRef:
        if not isinstance(value, StepOutput):
            return value
        uri = self._outputs[value.step][value.output]
        source = next(step for step in self._plan.steps if step.name == value.step)
        return DataRef(uri, source.outputs[value.output].type)

    def _variables(self, name: str) -> dict[str, str]:
        job = self._runner._job(name)  # noqa: SLF001 - one module, two classes
        experiment = job["properties"]["experimentName"]
        return {
            **self._runner._step_environ(),  # noqa: SLF001 - one module, two classes
            **workspace_variables(self._workspace, experiment),
            "AZUREML_RUN_ID": name,
            "AZUREML_ROOT_RUN_ID": self._name,
            "AZUREML_EXPERIMENT_ID": job["local"]["experimentId"],
            "MLFLOW_TRACKING_URI": (
                f"{self._workspace.base_url}/mlflow/v2.0{self._workspace.arm_id}"
            ),
            "MLFLOW_RUN_ID": name,
            "MLFLOW_EXPERIMENT_NAME": experiment,
            "MLFLOW_EXPERIMENT_ID": job["local"]["experimentId"],
        }

    async def _reuse(self, name: str, step: Step, key: str) -> bool:
        """Take over the outputs of the same step with the same inputs, if they still exist."""
        note = self._note(key)
        if not note.exists():
            return False
        known = json.loads(note.read_text(encoding="utf-8"))
        for uri in known["outputs"].values():
            blob = self._workspace.locate(uri)
            if not await self._workspace.blobs.list(blob.container, blob.path):
                return False
        outputs = {
            output: {"jobOutputType": step.outputs[output].type, "uri": uri}
            for output, uri in known["outputs"].items()
        }
        given = self._runner._job(name)["properties"]["properties"]  # noqa: SLF001 - as above
        self._records.update(
            name,
            {
                "outputs": outputs,
                "properties": {
                    **given,
                    "azureml.isreused": "true",
                    "azureml.reusedrunid": known["job"],
                },
            },
        )
        self._outputs[step.name] = known["outputs"]
        self._say(f"{step.name}: nothing changed, the outputs of {known['job']} are reused")
        return True

    def _remember(self, key: str, job: str, outputs: Mapping[str, str]) -> None:
        note = self._note(key)
        note.parent.mkdir(parents=True, exist_ok=True)
        draft = note.with_suffix(f".{uuid.uuid4().hex}")
        draft.write_text(json.dumps({"job": job, "outputs": dict(outputs)}), encoding="utf-8")
        draft.replace(note)

    def _note(self, key: str) -> Path:
        return self._workspace.state / "reuse" / f"{key}.json"

    def _collect_outputs(self) -> None:
        """Show the pipeline's outputs where its steps put them."""
        job = self._runner._job(self._name)  # noqa: SLF001 - one module, two classes
        outputs = dict(job["properties"].get("outputs") or {})
        for step in self._plan.steps:
            for name, spec in step.outputs.items():
                uri = self._outputs.get(step.name, {}).get(name)
                if spec.pipeline_output is not None and uri is not None:
                    before = outputs.get(spec.pipeline_output, {})
                    outputs[spec.pipeline_output] = {**before, "uri": uri}
        self._records.update(self._name, {"outputs": outputs})

    def _say(self, text: str) -> None:
        log = self._runner.folder(self._name) / PIPELINE_LOG
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as out:
            out.write(f"[{time.monotonic() - self._began:7.1f} s] {text}\n")

"""Runs one job: its steps in dependency order, each a child job if it is a pipeline."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from local.azure_ml.jobs.plan import DATA_TYPES, FILE_TYPES, DataRef, Literal, StepOutput
from local.azure_ml.jobs.records import PRIVATE, workspace_variables
from local.azure_ml.jobs.reuse import reuse_key
from local.azure_ml.jobs.step_run import (
    LOG_NAME,
    StepFailedError,
    StepRun,
    describe,
    output_uri,
    resolve,
)
from local.azure_ml.workspace.workspace import ARTIFACT_CONTAINER, ARTIFACT_ROOT
from local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.azure_ml.jobs.context import JobContext
    from local.azure_ml.jobs.plan import Plan, Step
    from local.azure_ml.jobs.reuse import Earlier
    from local.azure_ml.jobs.step_run import Resolved

PIPELINE_LOG = "logs/azureml/executionlogs.txt"


class Execution:
    """Runs the steps of `plan` for the job `name`."""

    def __init__(self, context: JobContext, name: str, plan: Plan) -> None:
        self._context = context
        self._workspace = context.workspace
        self._records = context.records
        self._name = name
        self._plan = plan
        self._outputs: dict[str, dict[str, str]] = {}
        self._interrupted: dict[str, str] = {}
        self._failures: list[str] = []
        self._began = time.monotonic()

    async def run(self) -> None:
        """Run all steps.

        Raises:
            LocalStackError: with the reason of the step that failed first.
        """
        if not self._plan.is_pipeline:
            await self._standalone(self._plan.steps[0])
            return
        ended = self._take_up_steps()
        waiting = {step.name: step for step in self._plan.steps if step.name not in ended}
        running: set[asyncio.Task[None]] = set()
        try:
            while not self._failures or self._plan.continue_on_failure:
                for step in [one for one in waiting.values() if one.needs() <= set(self._outputs)]:
                    del waiting[step.name]
                    running.add(asyncio.create_task(self._child(step)))
                if not running:
                    break
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                self._note(done)
        finally:
            await _cancelled(running)
            await self._keep(self._name, PIPELINE_LOG)
        self._collect_outputs()
        if self._failures:
            raise StepFailedError(self._failures[0])

    def _note(self, done: set[asyncio.Task[None]]) -> None:
        for task in done:
            error = task.exception()
            if isinstance(error, LocalStackError):
                self._failures.append(str(error))
            elif error is not None:
                raise error

    def _take_up_steps(self) -> set[str]:
        """Restore what steps did before a restart; returns the names of those that have ended."""
        ended = set()
        for child in self._records.children(self._name):
            step, properties = child[PRIVATE]["step"], child["properties"]
            match properties["status"]:
                case "Completed":
                    outputs = properties.get("outputs") or {}
                    self._outputs[step] = {key: one["uri"] for key, one in outputs.items()}
                    ended.add(step)
                case "Failed":
                    self._failures.append(child[PRIVATE]["error"])
                    ended.add(step)
                case "Canceled":
                    pass
                case _:
                    self._interrupted[step] = child["name"]
        return ended

    async def _child(self, step: Step) -> None:
        name = self._interrupted.get(step.name) or await self._new_child(step)
        try:
            await self._queue(name, step)
            async with self._context.cpus:
                await self._execute(name, step)
        except asyncio.CancelledError:
            if not self._context.stopping:
                await self._context.end(name, "Canceled")
                self._say(f"{step.name}: canceled")
            raise
        except LocalStackError as exc:
            if not self._context.stopping:
                await self._context.end(name, "Failed", error=str(exc))
                self._say(f"{step.name}: failed: {exc}")
            raise
        await self._context.end(name, "Completed")
        self._say(f"{step.name}: completed")

    async def _queue(self, name: str, step: Step) -> None:
        if step.name in self._interrupted:
            await self._context.restart(name)
            self._say(f"{step.name}: runs again as {name}: the stack was stopped while it ran")
        else:
            await self._records.set_status(name, "Queued")

    async def _new_child(self, step: Step) -> str:
        parent = self._records.existing(self._name)
        notes = parent[PRIVATE]
        # As on Azure: the run of a step is its job, under the same name.
        name = await self._context.mlflow.create_run(
            notes["experimentId"],
            name=step.display_name,
            tags={"azureml.pipeline": self._name, "azureml.step": step.name},
            parent=notes["mlflowRunId"],
        )
        properties = {
            "jobType": "Command",
            "command": step.command,
            "environmentId": str(step.environment).removeprefix("azureml:"),
            "codeId": step.code.removeprefix("azureml:") if step.code else None,
            "componentId": step.component_id,
            "displayName": step.display_name,
            "experimentName": parent["properties"]["experimentName"],
            "inputs": describe({key: self._actual(item) for key, item in step.inputs.items()}),
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
        self._records.create(
            name,
            {key: value for key, value in properties.items() if value is not None},
            {
                "parent": self._name,
                "step": step.name,
                "experimentId": notes["experimentId"],
                "mlflowRunId": name,
            },
        )
        return name

    async def _standalone(self, step: Step) -> None:
        async with self._context.cpus:
            await self._execute(self._name, step)
        outputs = dict(self._records.existing(self._name)["properties"].get("outputs") or {})
        for key, uri in self._outputs[step.name].items():
            outputs[key] = {**outputs.get(key, {}), "uri": uri}
        self._records.update(self._name, {"outputs": outputs})

    async def _execute(self, name: str, step: Step) -> None:
        inputs = await self._inputs(step)
        key = reuse_key(self._workspace, step, inputs) if step.reusable else None
        earlier = await self._context.reuse.find(key) if key is not None else None
        if earlier is not None:
            self._take_over(name, step, earlier)
            return
        await self._records.set_status(name, "Preparing")
        self._say(f"{step.name}: started as {name}")
        folder = self._context.folder(name)
        run = StepRun(self._workspace, step, job=name, folder=folder, environ=self._variables(name))
        try:
            command = await run.prepare(inputs)
            await self._records.set_status(name, "Running")
            await run.execute(command)
            await self._records.set_status(name, "Finalizing")
            self._outputs[step.name] = await run.upload()
        finally:
            run.clean()
            await self._keep(name, LOG_NAME)
        if key is not None:
            await self._context.reuse.remember(key, name, self._outputs[step.name])

    def _take_over(self, name: str, step: Step, earlier: Earlier) -> None:
        given = self._records.existing(name)["properties"]["properties"]
        self._records.update(
            name,
            {
                "outputs": {
                    output: {"jobOutputType": step.outputs[output].type, "uri": uri}
                    for output, uri in earlier.outputs.items()
                },
                "properties": {
                    **given,
                    "azureml.isreused": "true",
                    "azureml.reusedrunid": earlier.job,
                },
            },
        )
        self._outputs[step.name] = dict(earlier.outputs)
        self._say(f"{step.name}: nothing changed, the outputs of {earlier.job} are reused")

    async def _inputs(self, step: Step) -> dict[str, Resolved]:
        found: dict[str, Resolved] = {}
        for name, value in step.inputs.items():
            actual = self._actual(value)
            wanted = step.input_types.get(name, "")
            if isinstance(actual, DataRef):
                # What the component declares decides: a folder with one file serves as a file.
                kind = wanted if wanted in FILE_TYPES else actual.type
                found[name] = await resolve(self._workspace, name, DataRef(actual.uri, kind))
            elif wanted in DATA_TYPES:
                raise StepFailedError(
                    f"step '{step.name}': input '{name}' is a {wanted}, got '{actual.value}'"
                )
            else:
                found[name] = actual
        return found

    def _actual(self, value: Literal | DataRef | StepOutput) -> Literal | DataRef:
        if not isinstance(value, StepOutput):
            return value
        uri = self._outputs[value.step][value.output]
        source = next(step for step in self._plan.steps if step.name == value.step)
        return DataRef(uri, source.outputs[value.output].type)

    def _variables(self, name: str) -> dict[str, str]:
        job = self._records.existing(name)
        experiment = job["properties"]["experimentName"]
        workspace = self._workspace
        return {
            **self._context.step_environ(),
            **workspace_variables(workspace, experiment),
            "AZUREML_RUN_ID": name,
            "AZUREML_ROOT_RUN_ID": self._name,
            "AZUREML_EXPERIMENT_ID": job[PRIVATE]["experimentId"],
            "MLFLOW_TRACKING_URI": f"{workspace.base_url}/mlflow/v2.0{workspace.arm_id}",
            "MLFLOW_RUN_ID": name,
            "MLFLOW_EXPERIMENT_NAME": experiment,
            "MLFLOW_EXPERIMENT_ID": job[PRIVATE]["experimentId"],
        }

    def _collect_outputs(self) -> None:
        """Set the URIs of the pipeline's outputs to where its steps wrote them."""
        outputs = dict(self._records.existing(self._name)["properties"].get("outputs") or {})
        for step in self._plan.steps:
            written: Mapping[str, str] = self._outputs.get(step.name, {})
            for name, spec in step.outputs.items():
                if spec.pipeline_output is not None and name in written:
                    before = outputs.get(spec.pipeline_output, {})
                    outputs[spec.pipeline_output] = {**before, "uri": written[name]}
        self._records.update(self._name, {"outputs": outputs})

    async def _keep(self, name: str, log: str) -> None:
        """Upload a job's log to where Azure keeps it, for downloads."""
        file = self._context.folder(name) / log
        if file.exists():
            to = f"{ARTIFACT_ROOT}/dcid.{name}/{log}"
            await self._workspace.blobs.upload_file(file, ARTIFACT_CONTAINER, to)

    def _say(self, text: str) -> None:
        log = self._context.folder(self._name) / PIPELINE_LOG
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as out:
            out.write(f"[{time.monotonic() - self._began:7.1f} s] {text}\n")


async def _cancelled(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        # Each has written its own end into its record.
        with contextlib.suppress(asyncio.CancelledError, LocalStackError):
            await task

"""The pipeline job of a cycle, assembled from the component files in ml/jobs by Azure's SDK."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.adapters.model_config import own_conda
from shared.domain.ids import JobName
from shared.domain.retraining import Mode

if TYPE_CHECKING:
    from pathlib import Path

    from shared.ports.jobs import JobRequest

# A step that hangs is ended then; a step takes minutes.
STEP_TIMEOUT_SECONDS = 2 * 60 * 60
WORKSPACE_DATASTORE = "workspaceblobstore"
# As in the component files.
JOB_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"
# Those that run a model's own code; the others are the same for every model.
_STEPS_WITH_THE_MODEL = frozenset({"train", "evaluate"})


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """Settings shared by all jobs.

    `code` is the folder that holds `ml/`; `compute` is `serverless` or a cluster's name.
    """

    code: Path
    compute: str
    datastore: str


def build_pipeline(job: JobRequest, settings: PipelineSettings) -> Any:
    """Build `prepare -> train -> evaluate -> register`, or `prepare -> evaluate` of a version.

    Returns:
        A `PipelineJob` ready to be submitted. `identity_tags` are among its tags.
    """
    from azure.ai.ml import Output  # noqa: PLC0415 - two seconds of CPU: in jobs only
    from azure.ai.ml.entities import (  # noqa: PLC0415 - same
        PipelineJob,
        PipelineJobSettings,
    )

    evidence = f"azureml://datastores/{WORKSPACE_DATASTORE}/paths/evidence/{job.model}/{job.name}/"
    steps = _retraining(job) if job.mode is Mode.RETRAIN else _evaluation(job)
    return PipelineJob(
        name=job.name,
        display_name=f"{job.mode} {job.model}",
        experiment_name=job.model,
        tags=identity_tags(job)
        | {"champion_version": job.champion_version or "", "fact_seq": str(job.fact_seq)},
        settings=PipelineJobSettings(default_compute=settings.compute),
        inputs=_inputs(job, settings),
        outputs={"evidence": Output(type="uri_folder", path=evidence)},
        jobs={
            name: _step(settings, name, inputs, model=job.model) for name, inputs in steps.items()
        },
    )


def build_one_step(
    name: str,
    step: str,
    settings: PipelineSettings,
    *,
    model: str,
    title: str,
    tags: dict[str, str],
    inputs: dict[str, Any],
    output: str,
    folder: str,
) -> Any:
    """Build a pipeline of one component, which is watched and cancelled like every other job.

    Args:
        name: of the job.
        step: the component's file in ml/jobs, without its suffix.
        settings: what is the same for every job.
        model: names the experiment.
        title: the job's display name.
        tags: say what the job is made from.
        inputs: of the component, all of them those of the job.
        output: the component's only output, the job's too.
        folder: where it goes, in the workspace's storage.
    """
    from azure.ai.ml import Output, load_component  # noqa: PLC0415 - two seconds of CPU
    from azure.ai.ml.entities import PipelineJob, PipelineJobSettings  # noqa: PLC0415 - same

    component = load_component(settings.code / "ml" / "jobs" / f"{step}.yml")
    node = component(**{key: f"${{{{parent.inputs.{key}}}}}" for key in inputs})
    node.name = step
    node.set_limits(timeout=STEP_TIMEOUT_SECONDS)
    node.outputs[output] = f"${{{{parent.outputs.{output}}}}}"
    path = f"azureml://datastores/{WORKSPACE_DATASTORE}/paths/{folder}"
    return PipelineJob(
        name=name,
        display_name=title,
        experiment_name=model,
        tags=tags,
        settings=PipelineJobSettings(default_compute=settings.compute),
        inputs=inputs,
        outputs={output: Output(type="uri_folder", path=path)},
        jobs={step: node},
    )


def identity_tags(job: JobRequest) -> dict[str, str]:
    """Tags that identify what the job is made from; a repeated submission is compared with them."""
    return {
        "model": job.model,
        "cycle_id": job.cycle_id,
        "mode": str(job.mode),
        "pins": job.pins,
        "data_version": job.data_version,
        "config_sha256": job.config_sha256,
        "challenger_version": job.challenger_version or "",
    }


def _retraining(job: JobRequest) -> dict[str, dict[str, Any]]:
    name = JobName.parse(job.name)
    return {
        "prepare": _prepare(job),
        "train": _parent("model_name") | {"prepared": _output("prepare", "prepared")},
        "evaluate": _evaluate(job) | {"challenger": _output("train", "model")},
        "register": _parent("model_name", "cycle_id")
        | {
            "attempt": name.attempt if name else 1,
            "fact_seq": job.fact_seq,
            "prepared": _output("prepare", "prepared"),
            "model": _output("train", "model"),
            "evidence": _output("evaluate", "evidence"),
        },
    }


def _evaluation(job: JobRequest) -> dict[str, dict[str, Any]]:
    return {
        "prepare": _prepare(job),
        "evaluate": _evaluate(job) | _parent("challenger", "challenger_version"),
    }


def _prepare(job: JobRequest) -> dict[str, Any]:
    champion = ("champion",) if job.champion_version is not None else ()
    return _parent("model_name", "pins", "files", *champion)


def _evaluate(job: JobRequest) -> dict[str, Any]:
    champion = ("champion", "champion_version") if job.champion_version is not None else ()
    prepared = {"prepared": _output("prepare", "prepared")}
    return _parent("model_name", "cycle_id", *champion) | prepared


def _parent(*names: str) -> dict[str, Any]:
    return {name: f"${{{{parent.inputs.{name}}}}}" for name in names}


def _output(step: str, name: str) -> str:
    return f"${{{{parent.jobs.{step}.outputs.{name}}}}}"


def _step(settings: PipelineSettings, name: str, inputs: dict[str, Any], *, model: str) -> Any:
    from azure.ai.ml import load_component  # noqa: PLC0415 - as above
    from azure.ai.ml.entities import Environment  # noqa: PLC0415 - same

    component = load_component(settings.code / "ml" / "jobs" / f"{name}.yml")
    if name in _STEPS_WITH_THE_MODEL:
        conda = own_conda("training", model, settings.code)
        if conda is not None:  # named by its content: equal requirements are built once
            component.environment = Environment(image=JOB_IMAGE, conda_file=conda)
    step = component(**inputs)
    step.name = name
    step.set_limits(timeout=STEP_TIMEOUT_SECONDS)
    if name == "evaluate":
        step.outputs["evidence"] = "${{parent.outputs.evidence}}"
    return step


def _inputs(job: JobRequest, settings: PipelineSettings) -> dict[str, Any]:
    from azure.ai.ml import Input  # noqa: PLC0415 - as above

    def data(kind: str, path: str) -> Any:
        # An address in a datastore: the SDK then uploads nothing.
        uri = f"azureml://datastores/{settings.datastore}/paths/{path}"
        return Input(type=kind, path=uri)

    def version(number: str | None) -> Any:
        return number and Input(type="mlflow_model", path=f"azureml:{job.model}:{number}")

    inputs = {
        "model_name": job.model,
        "cycle_id": job.cycle_id,
        "pins": data("uri_file", job.pins),
        "files": data("uri_folder", f"{job.model}/files/"),
    }
    champion = {"champion": version(job.champion_version), "champion_version": job.champion_version}
    challenger = {
        "challenger": version(job.challenger_version),
        "challenger_version": job.challenger_version,
    }
    return inputs | _given(**champion) | _given(**challenger)


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}

"""The job that tests a file too large for a function, from ml/jobs/test_data.yml."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_ml_pipeline import (
    STEP_TIMEOUT_SECONDS,
    WORKSPACE_DATASTORE,
    PipelineSettings,
)

if TYPE_CHECKING:
    from shared.ports.jobs import DataTestRequest

_STEP = "test_data"
_SAFE_PATH = re.compile(r"[a-z0-9/-]+")


def build_data_test_job(job: DataTestRequest, settings: PipelineSettings) -> Any:
    """A pipeline of one step, so that it ends, is watched and cancelled like every other job.

    Returns:
        A `PipelineJob` ready to be submitted. `data_test_identity_tags` are its tags.

    Raises:
        ValueError: the file's path holds more than a shell takes as it is.
    """
    from azure.ai.ml import Input, Output, load_component  # noqa: PLC0415 - two seconds of CPU
    from azure.ai.ml.entities import PipelineJob, PipelineJobSettings  # noqa: PLC0415 - same

    if not _SAFE_PATH.fullmatch(job.path):
        raise ValueError(f"{job.path!r} would reach a shell; only {_SAFE_PATH.pattern} may")
    file = f"azureml://datastores/{settings.datastore}/paths/{job.path}"
    evidence = f"azureml://datastores/{WORKSPACE_DATASTORE}/paths/evidence/{job.model}/{job.name}/"
    inputs = {"model_name": job.model, "file": Input(type="uri_file", path=file)}
    step = load_component(settings.code / "ml" / "jobs" / f"{_STEP}.yml")(
        **{name: f"${{{{parent.inputs.{name}}}}}" for name in inputs}
    )
    step.name = _STEP
    step.set_limits(timeout=STEP_TIMEOUT_SECONDS)
    step.outputs["evidence"] = "${{parent.outputs.evidence}}"
    return PipelineJob(
        name=job.name,
        display_name=f"data tests {job.model}",
        experiment_name=job.model,
        tags=data_test_identity_tags(job),
        settings=PipelineJobSettings(default_compute=settings.compute),
        inputs=inputs,
        outputs={"evidence": Output(type="uri_folder", path=evidence)},
        jobs={_STEP: step},
    )


def data_test_identity_tags(job: DataTestRequest) -> dict[str, str]:
    """What a job of that name must test; its tags say so, to be compared later."""
    return {"model": job.model, "mode": "test", "path": job.path}

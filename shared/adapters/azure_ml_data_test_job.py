"""The job that tests a file too large for a function, from ml/jobs/test_data.yml."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_ml_pipeline import PipelineSettings, build_one_step

if TYPE_CHECKING:
    from shared.ports.jobs import DataTestRequest

_SAFE_PATH = re.compile(r"[a-z0-9/-]+")
_SAFE_PARTITION = re.compile(r"[\w.~+=/-]*", re.ASCII)


def build_data_test_job(job: DataTestRequest, settings: PipelineSettings) -> Any:
    """Build the pipeline job that tests one file.

    Returns:
        A `PipelineJob` ready to be submitted. `data_test_identity_tags` are its tags.

    Raises:
        ValueError: the path or the partition holds a character that a shell may interpret.
    """
    from azure.ai.ml import Input  # noqa: PLC0415 - two seconds of CPU: in jobs only

    if not _SAFE_PATH.fullmatch(job.path):
        raise ValueError(f"{job.path!r} would reach a shell; only {_SAFE_PATH.pattern} is allowed")
    if not _SAFE_PARTITION.fullmatch(job.partition):
        raise ValueError(
            f"{job.partition!r} would reach a shell; only {_SAFE_PARTITION.pattern} is allowed"
        )
    partition = {"partition": job.partition} if job.partition else {}
    file = f"azureml://datastores/{settings.datastore}/paths/{job.path}"
    return build_one_step(
        job.name,
        "test_data",
        settings,
        model=job.model,
        title=f"data tests {job.model}",
        tags=data_test_identity_tags(job),
        inputs={
            "model_name": job.model,
            "file": Input(type="uri_file", path=file),
            **partition,
        },
        output="evidence",
        folder=f"evidence/{job.model}/{job.name}/",
    )


def data_test_identity_tags(job: DataTestRequest) -> dict[str, str]:
    """Tags that identify what the job tests; a repeated submission is compared with them."""
    partition = {"partition": job.partition} if job.partition else {}
    return {"model": job.model, "mode": "test", "path": job.path, **partition}

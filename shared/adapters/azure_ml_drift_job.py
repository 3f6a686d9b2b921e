"""The job that compares a window too large for a function, from ml/jobs/check_drift.yml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.adapters.azure_ml_pipeline import (
    WORKSPACE_DATASTORE,
    PipelineSettings,
    build_one_step,
)
from shared.adapters.drift_files import collected_folder, folder_of, results_folder

if TYPE_CHECKING:
    from shared.ports.jobs import DriftJobRequest


def build_drift_job(job: DriftJobRequest, settings: PipelineSettings, *, endpoint: str) -> Any:
    """Build the pipeline job that compares one window.

    Args:
        job: what it compares; past results and labels are given as folders.
        settings: shared by all jobs.
        endpoint: name of the model's endpoint, whose rows are collected.

    Returns:
        A `PipelineJob` ready to be submitted. `drift_identity_tags` are its tags.
    """
    from azure.ai.ml import Input  # noqa: PLC0415 - two seconds of CPU: in jobs only

    def there(kind: str, path: str, datastore: str = WORKSPACE_DATASTORE) -> Any:
        return Input(type=kind, path=f"azureml://datastores/{datastore}/paths/{path}")

    comparison, model, check = job.comparison, job.model, job.comparison.check
    inputs = {
        "model_name": model,
        "day": check.day.isoformat(),
        "start_utc": check.window_start_utc.isoformat(),
        "end_utc": check.window_end_utc.isoformat(),
        "champion_version": check.profile,
        "profile": there("uri_file", comparison.profile),
        "collected": there("uri_folder", collected_folder(endpoint)),
    }
    if comparison.past:
        inputs["past"] = there("uri_folder", f"{results_folder(model, check.profile)}/")
    if comparison.files.labels:
        inputs["labels"] = there("uri_folder", f"{model}/files/", settings.datastore)
    if comparison.baseline is not None:
        inputs["baseline"] = comparison.baseline
    return build_one_step(
        job.name,
        "check_drift",
        settings,
        model=model,
        title=f"drift {model} {check.day.isoformat()}",
        tags=drift_identity_tags(job),
        inputs=inputs,
        output="check",
        folder=f"{folder_of(model, check)}/",
    )


def drift_identity_tags(job: DriftJobRequest) -> dict[str, str]:
    """Tags that identify what the job compares; a repeated submission is compared with them."""
    check = job.comparison.check
    return {
        "model": job.model,
        "mode": "drift",
        "day": check.day.isoformat(),
        "champion_version": check.profile,
        "revision": str(check.revision),
        "window_start": check.window_start_utc.isoformat(),
        "window_end": check.window_end_utc.isoformat(),
        "profile": job.comparison.profile,
    }

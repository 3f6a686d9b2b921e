"""The job that compares a window too large for a function, from ml/jobs/check_drift.yml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.adapters.azure_ml_pipeline import (
    WORKSPACE_DATASTORE,
    PipelineSettings,
    build_one_step,
)

if TYPE_CHECKING:
    from shared.ports.drift import DriftJobRequest


def build_drift_job(job: DriftJobRequest, settings: PipelineSettings) -> Any:
    """The comparison of one window.

    Returns:
        A `PipelineJob` ready to be submitted. `drift_identity_tags` are among its tags.
    """
    from azure.ai.ml import Input  # noqa: PLC0415 - two seconds of CPU: in jobs only

    def there(kind: str, path: str, datastore: str = WORKSPACE_DATASTORE) -> Any:
        return Input(type=kind, path=f"azureml://datastores/{datastore}/paths/{path}")

    check = job.check
    inputs = {
        "model_name": job.model,
        "day": check.day.isoformat(),
        "start_utc": check.window_start_utc.isoformat(),
        "end_utc": check.window_end_utc.isoformat(),
        "champion_version": check.profile,
        "profile": there("uri_file", job.profile),
        "collected": there("uri_folder", job.collected_folder),
    }
    if job.past_folder is not None:
        inputs["past"] = there("uri_folder", job.past_folder)
    if job.labels_folder is not None:
        inputs["labels"] = there("uri_folder", job.labels_folder, settings.datastore)
    if job.baseline is not None:
        inputs["baseline"] = job.baseline
    return build_one_step(
        job.name,
        "check_drift",
        settings,
        model=job.model,
        title=f"drift {job.model} {check.day.isoformat()}",
        tags=drift_identity_tags(job),
        inputs=inputs,
        output="check",
        folder=job.output_folder,
    )


def drift_identity_tags(job: DriftJobRequest) -> dict[str, str]:
    """What a job of that name must compare; its tags say so, to be compared later."""
    check = job.check
    return {
        "model": job.model,
        "mode": "drift",
        "day": check.day.isoformat(),
        "champion_version": check.profile,
        "revision": str(check.revision),
        "window_start": check.window_start_utc.isoformat(),
        "window_end": check.window_end_utc.isoformat(),
        "profile": job.profile,
    }

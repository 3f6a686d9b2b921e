"""Pipeline jobs in the workspace: submitted once under a name, then observed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_ml import already_exists, azure_errors, is_missing, word
from shared.adapters.azure_ml_data_test_job import build_data_test_job, data_test_identity_tags
from shared.adapters.azure_ml_drift_job import build_drift_job, drift_identity_tags
from shared.adapters.azure_ml_pipeline import PipelineSettings, build_pipeline, identity_tags
from shared.domain.jobs import JobStatus
from shared.errors import JobMismatchError, RequestRefusedError
from shared.ports.jobs import JobReport, JobRequest, SubmittedJob

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.adapters.azure_ml import AzureMlWorkspace
    from shared.ports.jobs import DataTestRequest, DriftJobRequest

# Status of a run that has ended; with any other status it goes on.
_ENDINGS = {
    "completed": JobStatus.COMPLETED,
    "failed": JobStatus.FAILED,
    "notresponding": JobStatus.FAILED,
    "canceled": JobStatus.CANCELED,
}
_LONGEST_MESSAGE = 1000
# How ml.step_end marks, in the last line of a step's log, what another attempt would meet again.
_FINAL = re.compile(r"^final: (.+)$", re.MULTILINE)


class AzureMlJobs:
    """Port `Jobs`. A job's name is its idempotency key, its tags say what it was made from.

    Args:
        workspace: where the jobs run.
        settings: shared by all jobs.
        endpoint_name: of a model; drift jobs read what its deployments collected.
    """

    def __init__(
        self,
        workspace: AzureMlWorkspace,
        *,
        settings: PipelineSettings,
        endpoint_name: Callable[[str], str],
    ) -> None:
        self._workspace = workspace
        self._settings = settings
        self._endpoint_name = endpoint_name

    def submit(self, job: JobRequest) -> SubmittedJob:
        """See `Jobs.submit`."""
        found = self._start(job.name, lambda: build_pipeline(job, self._settings))
        return _same(job.name, identity_tags(job), found)

    def submit_drift(self, job: DriftJobRequest) -> SubmittedJob:
        """See `Jobs.submit_drift`."""
        endpoint = self._endpoint_name(job.model)
        found = self._start(
            job.name, lambda: build_drift_job(job, self._settings, endpoint=endpoint)
        )
        return _same(job.name, drift_identity_tags(job), found)

    def submit_data_test(self, job: DataTestRequest) -> SubmittedJob:
        """See `Jobs.submit_data_test`."""
        found = self._start(job.name, lambda: build_data_test_job(job, self._settings))
        return _same(job.name, data_test_identity_tags(job), found)

    def _start(self, name: str, build: Callable[[], Any]) -> Any:
        """Submit the job unless it exists; return the job of that name."""
        from azure.core.exceptions import HttpResponseError  # noqa: PLC0415 - in jobs only

        with azure_errors(f"submitting job {name}"):
            # Looked up first, so that a repetition uploads nothing and changes no tags.
            found = self._find(name)
            if found is not None:
                return found
            try:
                return self._workspace.client.jobs.create_or_update(build())
            except HttpResponseError as exc:
                if not already_exists(exc):
                    raise
                found = self._find(name)
                if found is None:
                    raise
                return found

    def report(self, name: str) -> JobReport | None:
        """See `Jobs.report`."""
        with azure_errors(f"reading job {name}"):
            job = self._find(name)
            if job is None:
                return None
            status = _ENDINGS.get(word(job.status))
            if status is not JobStatus.FAILED:
                return JobReport(status)
            message = str((job.properties or {}).get("azureml.error") or "").strip()
            final = _FINAL.findall(message)
            if final:
                return JobReport(status, final[-1].strip()[:_LONGEST_MESSAGE], final=True)
            steps = () if message else self._failed_steps(name)
        return JobReport(status, message[-_LONGEST_MESSAGE:], failed_steps=steps)

    def cancel(self, name: str) -> None:
        """See `Jobs.cancel`."""
        report = self.report(name)
        if report is None or report.status is not None:
            return
        try:
            with azure_errors(f"cancelling job {name}"):
                # `report` observes whether it has ended.
                self._workspace.client.jobs.begin_cancel(name, polling=False)
        except RequestRefusedError:
            report = self.report(name)
            if report is not None and report.status is None:
                raise

    def _find(self, name: str) -> Any:
        from azure.core.exceptions import HttpResponseError  # noqa: PLC0415 - in jobs only

        try:
            return self._workspace.client.jobs.get(name)
        except HttpResponseError as exc:
            if is_missing(exc):
                return None
            raise

    def _failed_steps(self, name: str) -> tuple[str, ...]:
        steps = self._workspace.client.jobs.list(parent_job_name=name)
        return tuple(
            sorted(
                str(step.display_name or step.name)
                for step in steps
                if _ENDINGS.get(word(step.status)) is JobStatus.FAILED
            )
        )


def _same(name: str, wanted: Mapping[str, str], found: Any) -> SubmittedJob:
    tags = dict(found.tags or {})
    different = [key for key, value in wanted.items() if tags.get(key, "") != value]
    if different:
        listed = "; ".join(f"{key} {tags.get(key)!r}, not {wanted[key]!r}" for key in different)
        raise JobMismatchError(
            f"job {name} exists and was made from something else: {listed}. "
            "Job names are unique for ever: nothing was submitted."
        )
    return SubmittedJob(
        champion_version=tags.get("champion_version") or None,
        url=getattr(found, "studio_url", None),
    )

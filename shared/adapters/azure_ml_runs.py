"""The MLflow runs of jobs, through the workspace's MLflow REST API: the SDK cannot tag them."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from shared.adapters.azure_ml import azure_errors, is_overtaken
from shared.logs import EventLog

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azure.core import PipelineClient
    from azure.core.rest import HttpRequest, HttpResponse

    from shared.adapters.azure_ml import AzureMlWorkspace

_log = EventLog("retrain.runs")
_NO_SUCH_RUN = "RESOURCE_DOES_NOT_EXIST"


class AzureMlRuns:
    """Looks up runs by job name, which is the run's id; each step of a job has its own run."""

    def __init__(self, workspace: AzureMlWorkspace) -> None:
        self._workspace = workspace

    def tag(self, job: str, tags: Mapping[str, str], *, fence: str) -> None:
        """Set tags in one request; other tags stay. Does nothing if the run is gone.

        Args:
            job: name of the job.
            tags: what to set.
            fence: name of the tag that holds the fact number; tags with a higher one stay.

        Raises:
            ServiceBusyError, TimedOutError: the same call may work later.
            RequestRefusedError: it would always fail the same way.
        """
        with (
            azure_errors(f"tagging the MLflow run of {job}"),
            self._workspace.mlflow() as mlflow,
        ):
            is_there = _tag(mlflow, job, tags, fence=fence)
        if not is_there:
            _log.info("the MLflow run of the job is gone", job=job)


def _tag(
    mlflow: PipelineClient[HttpRequest, HttpResponse],
    job: str,
    tags: Mapping[str, str],
    *,
    fence: str,
) -> bool:
    """Set the tags unless they are overtaken; False if the run does not exist."""
    from azure.core.rest import HttpRequest  # noqa: PLC0415 - not needed to handle an event

    answer = _answer(mlflow, HttpRequest("GET", "runs/get", params={"run_id": job}))
    if answer is None:
        return False
    run = answer.json()["run"]
    if run["info"].get("lifecycle_stage") == "deleted":  # MLflow keeps it for a while
        return False
    found = {tag["key"]: tag["value"] for tag in run["data"].get("tags", [])}
    if is_overtaken(found, tags, fence=fence):
        return True
    pairs = [{"key": key, "value": value} for key, value in tags.items()]
    body = {"run_id": job, "tags": pairs}
    return _answer(mlflow, HttpRequest("POST", "runs/log-batch", json=body)) is not None


def _answer(
    mlflow: PipelineClient[HttpRequest, HttpResponse], request: HttpRequest
) -> HttpResponse | None:
    """Send a request; None if the run does not exist. Any other 404 means a wrong address."""
    request.url = mlflow.format_url(request.url)
    response = mlflow.send_request(request)
    if response.status_code == HTTPStatus.NOT_FOUND and _NO_SUCH_RUN in response.text():
        return None
    response.raise_for_status()
    return response

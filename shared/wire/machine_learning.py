"""Azure ML's events -> facts; keys occur as modelName and ModelName, versions as text or number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.domain.ids import JobName
from shared.domain.jobs import ChallengerRegistered, JobFinished, JobStatus
from shared.wire.envelope import Event, member, text

_RUN_STATUS_CHANGED = "Microsoft.MachineLearningServices.RunStatusChanged"

_LONGEST_VERSION = 255  # Azure's limit

# Azure ML spells the end of a run in these ways; every other status means it goes on.
_ENDINGS = {
    "completed": JobStatus.COMPLETED,
    "finished": JobStatus.COMPLETED,
    "failed": JobStatus.FAILED,
    "notresponding": JobStatus.FAILED,
    "canceled": JobStatus.CANCELED,
    "cancelled": JobStatus.CANCELED,
}


def read_model_registered(event: Event) -> tuple[str, ChallengerRegistered]:
    """The model and its newly registered version, with the cycle if a job of ours registered it.

    Raises:
        EventRejectedError: name or version is missing or of the wrong type.
    """
    tags = _texts(member(event.data, "modelTags"))
    version = text(event, "modelVersion", longest=_LONGEST_VERSION)
    return text(event, "modelName"), ChallengerRegistered.tagged(version, tags)


def read_run_ended(event: Event) -> tuple[str, JobFinished] | None:
    """The model and the end of its job; None for runs that are not ours, steps, and running jobs.

    Raises:
        EventRejectedError: run id or status is missing, or a job of ours does not name its model.
    """
    job_name = text(event, "runId")
    if JobName.parse(job_name) is None:
        return None
    status = JobStatus.COMPLETED
    if event.event_type == _RUN_STATUS_CHANGED:
        ending = _ENDINGS.get(text(event, "runStatus").replace(" ", "").lower())
        if ending is None:
            return None
        status = ending
    # Jobs carry their model as a tag and, as tags may be left out of an event, as experiment.
    tags = _texts(member(event.data, "runTags"))
    model = tags.get("model") or text(event, "experimentName")
    return model, JobFinished(job_name=job_name, status=status)


def _texts(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        return {}
    return {str(key): str(item) for key, item in value.items() if item is not None}

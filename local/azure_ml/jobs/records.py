"""Stored jobs, and the one way their status changes: first stored, then announced."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from local.azure_ml.workspace.routes import workspace_guid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.azure_ml.workspace.workspace import Workspace

TERMINAL = frozenset({"Completed", "Failed", "Canceled"})
# The error's text for readers of ARM, which has no field for it; run history has one.
ERROR_PROPERTY = "azureml.error"
# Our own notes about a job; never shown to clients.
PRIVATE = "local"
# What may differ in a second PUT of the same job and is then taken over.
EDITABLE = ("displayName", "description", "tags", "isArchived")
_FROM_SERVICE = ("status", "services", "properties")


class JobRecords:
    """Jobs and their children in the workspace's resources.

    A child is a job too, as on Azure; `local.parent` tells it apart in lists.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def get(self, name: str) -> dict[str, Any] | None:
        """The stored resource, with our private notes, or None."""
        return self._workspace.resources.get(f"jobs/{name}")

    def all(self) -> list[dict[str, Any]]:
        """All jobs, children too, oldest first."""
        return self._workspace.resources.list("jobs")

    def children(self, name: str) -> list[dict[str, Any]]:
        """The step jobs of a pipeline job, oldest first."""
        return [job for job in self.all() if job[PRIVATE].get("parent") == name]

    def create(
        self, name: str, properties: Mapping[str, Any], notes: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Store a new job."""
        url = self._workspace.base_url
        body = {
            "properties": {
                **properties,
                "status": "NotStarted",
                "services": {
                    "Tracking": {
                        "jobServiceType": "Tracking",
                        "endpoint": f"{url}/mlflow/v2.0{self._workspace.arm_id}",
                    },
                    "Studio": {"jobServiceType": "Studio", "endpoint": f"{url}/runs/{name}"},
                },
            },
            PRIVATE: {**notes, "createdUtc": _now()},
        }
        return self._workspace.resources.put(f"jobs/{name}", body)

    def update(
        self, name: str, properties: Mapping[str, Any], notes: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Merge into a job's properties and our notes."""
        job = self.existing(name)
        job["properties"].update(properties)
        job[PRIVATE].update(notes or {})
        return self._workspace.resources.put(f"jobs/{name}", job)

    async def set_status(self, name: str, status: str, *, error: str | None = None) -> None:
        """Store a new status with its time, then publish RunStatusChanged (and RunCompleted)."""
        job = self.existing(name)
        if job["properties"]["status"] == status:
            return
        notes: dict[str, Any] = {}
        if status == "Running" and "startedUtc" not in job[PRIVATE]:
            notes["startedUtc"] = _now()
        if status in TERMINAL:
            notes["endedUtc"] = _now()
        changes: dict[str, Any] = {"status": status}
        if error is not None:
            notes["error"] = error
            given = job["properties"].get("properties") or {}
            changes["properties"] = {**given, ERROR_PROPERTY: error}
        job = self.update(name, changes, notes)
        await self._announce(job, status)
        if status in TERMINAL:
            self.update(name, {}, {"announced": True})

    async def announce_again(self, job: Mapping[str, Any]) -> None:
        """Publish the end of a job if a stop of the stack prevented that."""
        if not job[PRIVATE].get("announced"):
            await self._announce(job, job["properties"]["status"])
            self.update(job["name"], {}, {"announced": True})

    async def _announce(self, job: Mapping[str, Any], status: str) -> None:
        properties, notes = job["properties"], job[PRIVATE]
        subject = f"experiments/{notes.get('experimentId', '')}/runs/{job['name']}"
        data = {
            "experimentId": notes.get("experimentId", ""),
            "experimentName": properties.get("experimentName", ""),
            "runId": job["name"],
            "runType": "azureml.StepRun" if "parent" in notes else _run_type(properties),
            "runTags": properties.get("tags") or {},
            "runProperties": properties.get("properties") or {},
        }
        # Azure's own samples write the status with a small first letter.
        changed = {**data, "runStatus": status[0].lower() + status[1:]}
        kind = "Microsoft.MachineLearningServices"
        await self._workspace.publish(f"{kind}.RunStatusChanged", subject, changed)
        if status == "Completed":
            await self._workspace.publish(f"{kind}.RunCompleted", subject, data)

    def existing(self, name: str) -> dict[str, Any]:
        """The stored resource.

        Raises:
            KeyError: no such job; a caller that is not sure uses `get`.
        """
        job = self.get(name)
        if job is None:
            raise KeyError(name)
        return job


def definition(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The immutable part of a job's properties; empty and absent are the same."""
    ignored = {*EDITABLE, *_FROM_SERVICE}
    return {key: value for key, value in properties.items() if key not in ignored and value}


def definition_of(job: Mapping[str, Any]) -> dict[str, Any]:
    """A stored job's properties as they were submitted, without the URIs of its outputs."""
    labels = {key: job["properties"][key] for key in EDITABLE if key in job["properties"]}
    return {**labels, **(job[PRIVATE].get("submitted") or definition(job["properties"]))}


def public(job: Mapping[str, Any]) -> dict[str, Any]:
    """The envelope as ARM shows it."""
    return {key: value for key, value in job.items() if key != PRIVATE}


def workspace_variables(workspace: Workspace, experiment: str) -> dict[str, str]:
    """Variables that tell a step its workspace, under the names that Azure uses."""
    names = workspace.names
    return {
        "AZUREML_ARM_SUBSCRIPTION": names.subscription,
        "AZUREML_ARM_RESOURCEGROUP": names.resource_group,
        "AZUREML_ARM_WORKSPACE_NAME": names.name,
        "AZUREML_ARM_PROJECT_NAME": experiment,
        "AZUREML_WORKSPACE_ID": workspace_guid(workspace),
        "AZUREML_WORKSPACE_SCOPE": workspace.arm_id,
        "AZUREML_SERVICE_ENDPOINT": workspace.base_url,
        "AZUREML_DISCOVERY_SERVICE_ENDPOINT": f"{workspace.base_url}/discovery",
    }


def _run_type(properties: Mapping[str, Any]) -> str:
    return "azureml.PipelineRun" if properties.get("jobType") == "Pipeline" else "azureml.scriptrun"


def _now() -> str:
    return datetime.now(UTC).isoformat()

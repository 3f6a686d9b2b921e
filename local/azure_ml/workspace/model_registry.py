"""The model registry: one store, seen through ARM and through MLflow's REST API alike.

A version is an ARM resource `models/<name>/versions/<version>`; what only MLflow knows about it is
kept under `local`. Its registration is announced once, whichever API registered it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from local.azure_ml.workspace.workspace import ARTIFACT_ROOT, ARTIFACT_STORE
from local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.azure_ml.workspace.workspace import Workspace

PRIVATE = "local"
_MODEL_REGISTERED = "Microsoft.MachineLearningServices.ModelRegistered"
_MLFLOW_ARTIFACTS = re.compile(r"^mlflow-artifacts:(?://[^/]*)?/(?P<path>.+)$")


class ModelExistsError(LocalStackError):
    """The name or the version is taken."""


class NoSuchModelError(LocalStackError):
    """No model or version of that name."""


class Registry:
    """Registered models and their versions."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._resources = workspace.resources

    def names(self) -> tuple[str, ...]:
        """All registered names, oldest first."""
        return self._resources.names("models")

    def versions(self, name: str) -> list[dict[str, Any]]:
        """All versions of a model, oldest first."""
        return self._resources.list(f"models/{name}/versions")

    def version(self, name: str, version: str) -> dict[str, Any]:
        """One version.

        Raises:
            NoSuchModelError: there is none.
        """
        found = self._resources.get(f"models/{name}/versions/{version}")
        if found is None:
            raise NoSuchModelError(f"Model Version (name={name}, version={version}) not found")
        return found

    def container(self, name: str) -> dict[str, Any]:
        """The registered model itself; one that only ARM versions made has an empty one.

        Raises:
            NoSuchModelError: there is none.
        """
        found = self._resources.get(f"models/{name}")
        if found is not None:
            return found
        versions = self.versions(name)
        if not versions:
            raise NoSuchModelError(f"Registered Model with name={name} not found")
        return {"name": name, "properties": {}, "systemData": versions[0]["systemData"]}

    def create_container(self, name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Register a name.

        Raises:
            ModelExistsError: it exists.
        """
        if name in self.names():
            raise ModelExistsError(f"Registered Model (name={name}) already exists.")
        return self.put_container(name, properties)

    def put_container(self, name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Store a name's description and tags."""
        return self._resources.put(f"models/{name}", {"properties": dict(properties)})

    def next_version(self, name: str) -> str:
        """One more than the highest number so far."""
        numbers = [int(item["name"]) for item in self.versions(name) if item["name"].isdigit()]
        return str(max(numbers, default=0) + 1)

    async def put_version(
        self,
        name: str,
        version: str,
        properties: Mapping[str, Any],
        *,
        notes: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Create or replace a version; a new one is announced as ModelRegistered."""
        path = f"models/{name}/versions/{version}"
        before = self._resources.get(path)
        private = {**(before or {}).get(PRIVATE, {}), **(notes or {})}
        body = {"properties": {**properties, "flavors": properties.get("flavors") or {}}}
        stored = self._resources.put(path, {**body, PRIVATE: private})
        if before is None and not properties.get("isAnonymous"):
            await self._workspace.publish(
                _MODEL_REGISTERED,
                f"models/{name}:{version}",
                {
                    "ModelName": name,
                    "ModelVersion": int(version) if version.isdigit() else version,
                    "ModelTags": properties.get("tags") or {},
                    "ModelProperties": properties.get("properties") or {},
                },
            )
        return stored

    def delete_version(self, name: str, version: str) -> None:
        """Forget a version; its files stay.

        Raises:
            NoSuchModelError: there is none.
        """
        self.version(name, version)
        self._resources.delete(f"models/{name}/versions/{version}")

    def delete(self, name: str) -> None:
        """Forget a name and all its versions; their files stay.

        Raises:
            NoSuchModelError: there is none.
        """
        self.container(name)
        self._resources.delete(f"models/{name}")

    def uri_of_source(self, source: str, run_artifacts: str | None) -> str:
        """The datastore URI of what MLflow calls a version's source.

        Args:
            source: `mlflow-artifacts:/…`, `runs:/<id>/<path>`, or any URI of Azure ML.
            run_artifacts: the run's artefact root, for `runs:/`.

        Raises:
            LocalStackError: the source is outside the workspace.
        """
        if source.startswith("runs:/") and run_artifacts is not None:
            source = f"{run_artifacts.rstrip('/')}/{source.removeprefix('runs:/').split('/', 1)[1]}"
        if match := _MLFLOW_ARTIFACTS.match(source):
            return (
                f"{self._workspace.names.long_uri}/datastores/{ARTIFACT_STORE}"
                f"/paths/{ARTIFACT_ROOT}/{match['path']}"
            )
        self._workspace.locate(source, kind="models")
        return source

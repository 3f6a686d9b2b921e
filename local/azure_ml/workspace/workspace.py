"""The workspace that every route module works on: its resources, storage and environments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local.azure_ml.workspace.code_snapshots import Snapshots
from local.azure_ml.workspace.uris import (
    AssetId,
    BlobPath,
    DatastorePath,
    JobOutput,
    UnknownUriError,
    parse,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from local.azure_ml.workspace.blobs import BlobStore
    from local.azure_ml.workspace.operations import Operations
    from local.azure_ml.workspace.resources import Resources
    from local.environments.builds import Environments
    from local.serving.tls import LocalTls


ARTIFACT_STORE = "workspaceartifactstore"
ARTIFACT_CONTAINER = "azureml"
ARTIFACT_ROOT = "ExperimentRun"  # the folder of runs' artefacts in it
DEFAULT_STORE = "workspaceblobstore"


@dataclass(frozen=True, slots=True)
class WorkspaceNames:
    """The workspace's place in ARM; from the stack file."""

    subscription: str = "00000000-0000-0000-0000-000000000000"
    resource_group: str = "local"
    name: str = "local"
    location: str = "local"

    @property
    def arm_id(self) -> str:
        """`/subscriptions/…/workspaces/<name>`."""
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{self.name}"
        )

    @property
    def long_uri(self) -> str:
        """`azureml://subscriptions/…/workspaces/<name>`: the SDK's long form of data URIs."""
        return (
            f"azureml://subscriptions/{self.subscription}/resourcegroups/{self.resource_group}"
            f"/workspaces/{self.name}"
        )


@dataclass(slots=True)
class Workspace:
    """What route modules share. `datastores` maps a datastore's name to its container.

    `publish(event_type, subject, data)` hands an event to the workspace's Event Grid topic.
    """

    names: WorkspaceNames
    base_url: str
    resources: Resources
    operations: Operations
    environments: Environments
    tls: LocalTls
    state: Path
    blobs: BlobStore
    publish: Callable[[str, str, dict[str, Any]], Awaitable[None]]
    datastores: Mapping[str, str] = field(default_factory=dict)
    snapshots: Snapshots = field(init=False)

    def __post_init__(self) -> None:
        """Keep code snapshots below the state folder."""
        self.snapshots = Snapshots(self.blobs, self.state / "code")

    @property
    def arm_id(self) -> str:
        """The workspace's ARM id."""
        return self.names.arm_id

    @property
    def location(self) -> str:
        """The workspace's Azure region, as it names it."""
        return self.names.location

    def locate(self, uri: str, *, kind: str = "data") -> BlobPath:
        """The container and name or prefix that `uri` refers to.

        Args:
            uri: any spelling that `uris.parse` reads.
            kind: what a short `azureml:<name>:<version>` means, `data` or `models`.

        Raises:
            UnknownUriError: no such datastore, asset or job output.
        """
        match parse(uri):
            case BlobPath() as blob:
                return blob
            case DatastorePath(store, path):
                if store not in self.datastores:
                    known = ", ".join(sorted(self.datastores))
                    raise UnknownUriError(f"no datastore '{store}' in '{uri}'; there are: {known}")
                return BlobPath(self.datastores[store], path)
            case JobOutput(job, output, path):
                return self._job_output(job, output, path)
            case AssetId() as asset:
                return self._asset(asset, asset.kind or kind)

    def _asset(self, asset: AssetId, kind: str) -> BlobPath:
        uri_key = {"data": "dataUri", "models": "modelUri", "codes": "codeUri"}.get(kind)
        if uri_key is None:
            raise UnknownUriError(f"{kind}/{asset.name} holds no files")
        path = self.latest(kind, asset.name) if asset.version is None else asset.path(kind)
        resource = self.resources.get(path)
        if resource is None:
            raise UnknownUriError(f"{path} does not exist in workspace {self.names.name}")
        return self.locate(resource["properties"][uri_key], kind=kind)

    def latest(self, kind: str, name: str) -> str:
        """Path of the version created last.

        Raises:
            UnknownUriError: the asset has no version.
        """
        versions = self.resources.list(f"{kind}/{name}/versions")
        if not versions:
            raise UnknownUriError(f"{kind}/{name} does not exist in workspace {self.names.name}")
        return f"{kind}/{name}/versions/{versions[-1]['name']}"

    def _job_output(self, job: str, output: str, path: str) -> BlobPath:
        resource = self.resources.get(f"jobs/{job}")
        if resource is None:
            raise UnknownUriError(f"no job '{job}'")
        uri = resource["properties"].get("outputs", {}).get(output, {}).get("uri")
        if uri is None:
            raise UnknownUriError(f"job '{job}' has written no output '{output}'")
        base = self.locate(uri)
        return BlobPath(base.container, f"{base.path.rstrip('/')}/{path}".rstrip("/"))

    async def model_files(self, model_asset_id: str, to: Path) -> Path:
        """Write a registered model version's files under `to`, as Azure mounts them.

        A folder keeps its own name: `<to>/<folder>/…`; a single file lands in `to`.

        Returns:
            The model's folder or file.

        Raises:
            UnknownUriError: no such version, or its files are gone.
        """
        blob = self.locate(model_asset_id, kind="models")
        last = blob.path.rstrip("/").rsplit("/", 1)[-1]
        items = await self.blobs.list(blob.container, blob.path)
        if not items:
            raise UnknownUriError(
                f"{model_asset_id}: no files at {blob.container}/{blob.path}; register it again"
            )
        if len(items) == 1 and items[0].name == blob.path:
            await self.blobs.download_file(blob.container, blob.path, to / last)
        else:
            await self.blobs.download_prefix(blob.container, blob.path, to / last)
        return to / last

    async def code_files(self, code_asset_id: str, to: Path) -> Path:
        """Write a code snapshot's files straight under `to`; returns where the snapshot is kept.

        Raises:
            UnknownUriError: no such snapshot, or nothing was uploaded for it.
        """
        blob = self.locate(code_asset_id, kind="codes")
        kept = await self.snapshots.write(blob, to)
        if kept is None:
            raise UnknownUriError(f"{code_asset_id}: the snapshot at {blob.container} is empty")
        return kept

    def environment_definition(self, environment: str | Mapping[str, Any]) -> str:
        """The conda file (text) of a registered environment or an inline definition.

        Raises:
            UnknownUriError: no such environment, or it names no conda file.
        """
        if isinstance(environment, str):
            asset = parse(environment)
            if not isinstance(asset, AssetId):
                raise UnknownUriError(f"'{environment}' is not an environment's id")
            path = (
                self.latest("environments", asset.name)
                if asset.version is None
                else asset.path("environments")
            )
            resource = self.resources.get(path)
            if resource is None:
                raise UnknownUriError(f"{path} does not exist in workspace {self.names.name}")
            label, properties = path, resource["properties"]
        else:
            label, properties = "inline environment", dict(environment)
        conda = properties.get("condaFile")
        if not conda:
            raise UnknownUriError(
                f"{label} has no conda file: images alone cannot run here; give it one with "
                "`python` and `pip` dependencies"
            )
        return str(conda)

    async def environment_python(self, environment: str | Mapping[str, Any]) -> Path:
        """The python executable of an environment, built on first use.

        Args:
            environment: an asset id, or an inline definition's properties.

        Raises:
            UnknownUriError: see `environment_definition`.
            LocalStackError: the environment cannot be built; with uv's own words.
        """
        return await self.environments.for_conda(self.environment_definition(environment))

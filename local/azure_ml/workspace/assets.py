"""Versioned assets: code snapshots, environments, components, data. Versions do not change."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from local.azure_ml.answers import not_found, user_error
from local.azure_ml.workspace.resources import InvalidNameError
from local.azure_ml.workspace.routes import storage_account_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from local.azure_ml.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class AssetKind:
    """A kind of asset: properties that are required, and those that cannot be changed."""

    name: str
    definition: tuple[str, ...]
    required: tuple[str, ...]


CODES = AssetKind("codes", ("codeUri",), ("codeUri",))
ENVIRONMENTS = AssetKind("environments", ("condaFile", "image", "build"), ())
COMPONENTS = AssetKind("components", ("componentSpec",), ("componentSpec",))
DATA = AssetKind("data", ("dataUri", "dataType"), ("dataUri", "dataType"))
KINDS = (CODES, ENVIRONMENTS, COMPONENTS, DATA)


def container_of(versions: Sequence[Mapping[str, Any]], workspace: Workspace) -> dict[str, Any]:
    """The container resource of all versions, with the latest and the next free number."""
    latest = versions[-1]
    collection = latest["id"].rsplit("/versions/", 1)[0]
    numbers = [int(item["name"]) for item in versions if item["name"].isdigit()]
    following = {"nextVersion": str(max(numbers) + 1)} if numbers else {}
    kind, name = collection.rsplit("/", 2)[-2:]
    # A data asset is of one type in all its versions.
    typed = {"dataType": latest["properties"]["dataType"]} if kind == DATA.name else {}
    stored = workspace.resources.get(f"{kind}/{name}") or {}
    return {
        "id": collection,
        "name": name,
        "type": latest["type"].rsplit("/", 1)[0],
        "systemData": stored.get("systemData") or versions[0]["systemData"],
        "properties": {
            "isArchived": False,
            "tags": {},
            "properties": {},
            **stored.get("properties", {}),
            **typed,
            "latestVersion": latest["name"],
            **following,
        },
    }


def page(items: Iterable[Mapping[str, Any]], query: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """Apply `$orderBy` (creation time), `$top` and `listViewType` to a list, oldest first."""
    view = query.get("listViewType", "ActiveOnly")
    found = [item for item in items if _visible(item, view)]
    if "desc" in query.get("$orderBy", ""):
        found.reverse()
    top = query.get("$top", "")
    return found[: int(top)] if top.isdigit() else found


def _visible(item: Mapping[str, Any], view: str) -> bool:
    archived = bool(item["properties"].get("isArchived"))
    return view == "All" or archived == (view == "ArchivedOnly")


def changed(before: Mapping[str, Any], now: Mapping[str, Any], kind: AssetKind) -> list[str]:
    """Names of immutable properties in which a second PUT differs."""
    old, new = before["properties"], now["properties"]
    return [key for key in kind.definition if old.get(key) != new.get(key)]


class AssetRoutes:
    """PUT, GET and lists of all kinds in `KINDS`, and the upload of code snapshots."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def routes(self) -> list[web.RouteDef]:
        """The routes, to be mounted at the server's root."""
        found: list[web.RouteDef] = []
        for kind in KINDS:
            base = f"{self._workspace.arm_id}/{kind.name}"
            one = _Kind(self._workspace, kind)
            found += [
                web.get(base, one.list_containers),
                web.get(f"{base}/{{name}}", one.get_container),
                web.get(f"{base}/{{name}}/versions", one.list_versions),
                web.get(f"{base}/{{name}}/versions/{{version}}", one.get_version),
                web.put(f"{base}/{{name}}/versions/{{version}}", one.put_version),
            ]
        upload = f"{self._workspace.arm_id}/codes/{{name}}/versions/{{version}}/startPendingUpload"
        return [*found, web.post(upload, self._start_upload)]

    async def _start_upload(self, _: web.Request) -> web.Response:
        upload_id = str(uuid.uuid4())
        # A container for each: snapshots uploaded to one would mix.
        container = f"upload-{upload_id}"
        await self._workspace.blobs.ensure_container(container)
        return web.json_response(
            {
                "pendingUploadId": upload_id,
                "pendingUploadType": "TemporaryBlobReference",
                "blobReferenceForConsumption": {
                    "blobUri": f"{self._workspace.blobs.endpoint}/{container}",
                    "storageAccountArmId": storage_account_id(self._workspace),
                    "credential": {
                        "credentialType": "SAS",
                        "sasUri": self._workspace.blobs.sas_url(container),
                    },
                },
            }
        )


class _Kind:
    """Handlers of one kind."""

    def __init__(self, workspace: Workspace, kind: AssetKind) -> None:
        self._workspace = workspace
        self._kind = kind

    def _versions(self, name: str) -> list[dict[str, Any]]:
        return self._workspace.resources.list(f"{self._kind.name}/{name}/versions")

    async def list_containers(self, request: web.Request) -> web.Response:
        """All names that have a version that is not anonymous."""
        found = []
        for name in names_of(self._workspace, self._kind.name):
            named = [
                item for item in self._versions(name) if not item["properties"].get("isAnonymous")
            ]
            if named:
                found.append(container_of(named, self._workspace))
        return web.json_response({"value": page(found, request.query)})

    async def get_container(self, request: web.Request) -> web.Response:
        """Latest and next version; after a 404 the SDK starts at 1."""
        versions = self._versions(request.match_info["name"])
        if not versions:
            return not_found(f"{self._kind.name}/{request.match_info['name']}")
        return web.json_response(container_of(versions, self._workspace))

    async def list_versions(self, request: web.Request) -> web.Response:
        """Versions of one name; with `hash`, the snapshot of that content under any name."""
        wanted = request.query.get("hash")
        if wanted is None:
            items = page(self._versions(request.match_info["name"]), request.query)
            return web.json_response({"value": items})
        found = [
            item
            for name in names_of(self._workspace, self._kind.name)
            for item in self._versions(name)
            if (item["properties"].get("properties") or {}).get("hash_sha256") == wanted
        ]
        return web.json_response({"value": found[:1]})

    async def get_version(self, request: web.Request) -> web.Response:
        """One version."""
        path = self._path(request)
        found = self._workspace.resources.get(path)
        return web.json_response(found) if found is not None else not_found(path)

    async def put_version(self, request: web.Request) -> web.Response:
        """Create; afterwards only tags, description, properties and archiving may change."""
        path = self._path(request)
        body: dict[str, Any] = await request.json()
        properties = body.get("properties") or {}
        missing = [key for key in self._kind.required if not properties.get(key)]
        if missing:
            return user_error(f"{path}: properties.{', properties.'.join(missing)} must be given")
        before = self._workspace.resources.get(path)
        if before is not None and (differing := changed(before, body, self._kind)):
            return user_error(
                f"{path} already exists and its {', '.join(differing)} cannot be changed: only "
                "tags, description and isArchived can. Use another version."
            )
        if properties.get("properties"):
            # The SDK sends a number among them; the contract knows only texts.
            texts = {key: str(value) for key, value in properties["properties"].items()}
            body = {**body, "properties": {**properties, "properties": texts}}
        try:
            stored = self._workspace.resources.put(path, body)
        except InvalidNameError as exc:
            return user_error(str(exc))
        return web.json_response(stored, status=201 if before is None else 200)

    def _path(self, request: web.Request) -> str:
        match = request.match_info
        return f"{self._kind.name}/{match['name']}/versions/{match['version']}"


def names_of(workspace: Workspace, kind: str) -> tuple[str, ...]:
    """Names of one kind that have versions, in order of creation."""
    return workspace.resources.names(kind)

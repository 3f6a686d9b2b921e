"""ARM routes of models, on the same registry that MLflow's clients see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from local.azure_ml.answers import not_found, user_error
from local.azure_ml.workspace.assets import AssetKind, changed, container_of, page
from local.azure_ml.workspace.model_registry import PRIVATE, NoSuchModelError
from local.azure_ml.workspace.resources import InvalidNameError
from local.azure_ml.workspace.uris import UnknownUriError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.azure_ml.workspace.model_registry import Registry
    from local.azure_ml.workspace.workspace import Workspace

MODELS = AssetKind("models", ("modelUri", "modelType"), ("modelUri",))


class ModelRoutes:
    """PUT, GET, lists and deletion of model versions."""

    def __init__(self, workspace: Workspace, registry: Registry) -> None:
        self._workspace = workspace
        self._registry = registry

    def routes(self) -> list[web.RouteDef]:
        """The routes, to be mounted at the server's root."""
        base = f"{self._workspace.arm_id}/models"
        return [
            web.get(base, self._list),
            web.get(f"{base}/{{name}}", self._container),
            web.get(f"{base}/{{name}}/versions", self._versions),
            web.get(f"{base}/{{name}}/versions/{{version}}", self._get),
            web.put(f"{base}/{{name}}/versions/{{version}}", self._put),
            web.delete(f"{base}/{{name}}/versions/{{version}}", self._delete),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        found = []
        for name in self._registry.names():
            named = [
                item
                for item in self._registry.versions(name)
                if not item["properties"].get("isAnonymous")
            ]
            if named:
                found.append(container_of(named, self._workspace))
        return web.json_response({"value": page(found, request.query)})

    async def _container(self, request: web.Request) -> web.Response:
        versions = self._registry.versions(request.match_info["name"])
        if not versions:
            return not_found(f"model {request.match_info['name']}")
        return web.json_response(container_of(versions, self._workspace))

    async def _versions(self, request: web.Request) -> web.Response:
        items = page(self._registry.versions(request.match_info["name"]), request.query)
        return web.json_response({"value": [_public(item) for item in items]})

    async def _get(self, request: web.Request) -> web.Response:
        match = request.match_info
        try:
            return web.json_response(
                _public(self._registry.version(match["name"], match["version"]))
            )
        except NoSuchModelError as exc:
            return not_found(str(exc).removesuffix(" not found"))

    async def _put(self, request: web.Request) -> web.Response:
        name, version = request.match_info["name"], request.match_info["version"]
        body: dict[str, Any] = await request.json()
        properties = body.get("properties") or {}
        if not properties.get("modelUri"):
            return user_error(
                f"models/{name}/versions/{version}: properties.modelUri must be given"
            )
        before = self._workspace.resources.get(f"models/{name}/versions/{version}")
        if before is not None and (differing := changed(before, body, MODELS)):
            return user_error(
                f"models/{name}/versions/{version} already exists and its {', '.join(differing)} "
                "cannot be changed: only tags, description and isArchived can. Use another version."
            )
        try:
            self._workspace.locate(properties["modelUri"], kind="models")
            stored = await self._registry.put_version(name, version, properties)
        except (InvalidNameError, UnknownUriError) as exc:
            return user_error(str(exc))
        return web.json_response(_public(stored), status=201 if before is None else 200)

    async def _delete(self, request: web.Request) -> web.Response:
        match = request.match_info
        try:
            self._registry.delete_version(match["name"], match["version"])
        except NoSuchModelError:
            return web.Response(status=204)
        return web.Response(status=200)


def _public(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key != PRIVATE}

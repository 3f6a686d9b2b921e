"""Online endpoints: ARM routes and keys; owns deployments, router and collector."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from aiohttp import web

from local.azure_ml.answers import error, not_found, user_error
from local.azure_ml.endpoints.collector import Collector
from local.azure_ml.endpoints.deployments import Deployments
from local.azure_ml.endpoints.launch import Launcher
from local.azure_ml.endpoints.router import Route, Router
from local.azure_ml.endpoints.rules import check_auth_mode, check_name, check_traffic
from local.azure_ml.requests import RefusedError, read_object
from local.errors import LocalStackError

if TYPE_CHECKING:
    from pathlib import Path

    from local.azure_ml.workspace.workspace import Workspace

_KEY_BYTES = 24
_SETTLE, _REMOVE = "settle endpoint", "remove endpoint"
_KEY_TYPES = {"Primary": "primaryKey", "Secondary": "secondaryKey"}


class OnlineEndpoints:
    """Everything about online endpoints; owns the router, the collector and all servers.

    Args:
        logs: folder of the servers' logs, `endpoint-<endpoint>-<deployment>.log`.
        port: of the scoring address; 0 takes a free one.
    """

    def __init__(self, workspace: Workspace, *, logs: Path, port: int = 0) -> None:
        state = workspace.state / "endpoints"
        self._workspace = workspace
        self.router = Router(port=port)
        self.collector = Collector(spool=state / "collected", blob_url=workspace.blobs.sas_url)
        self.deployments = Deployments(
            workspace,
            launcher=Launcher(
                workspace, root=state / "deployments", logs=logs, collector=self.collector
            ),
            changed=self._refresh,
        )
        workspace.operations.handle(_SETTLE, self._settle)
        workspace.operations.handle(_REMOVE, self._remove)

    @property
    def scoring_url(self) -> str:
        """Where all endpoints answer: `<url>/<endpoint>/score`."""
        return self.router.url

    def routes(self) -> list[web.RouteDef]:
        """The ARM routes, to be mounted at the server's root."""
        every = f"{self._workspace.arm_id}/onlineEndpoints"
        one = f"{every}/{{endpoint}}"
        return [
            web.get(every, self._list),
            web.get(one, self._get),
            web.put(one, self._put),
            web.delete(one, self._delete),
            web.post(f"{one}/listKeys", self._list_keys),
            web.post(f"{one}/regenerateKeys", self._regenerate_keys),
            *self.deployments.routes(),
        ]

    async def start(self) -> None:
        """Listen, and start what ran before; storage must be up.

        Raises:
            LocalStackError: the port is taken.
        """
        await self.router.start()
        await self.collector.start()
        found = self._workspace.resources.list("onlineEndpoints")
        for endpoint in found:
            self._bring_back(endpoint)
        await self.deployments.start()
        for endpoint in found:
            self._set_in_motion_again(endpoint)

    async def stop(self) -> None:
        """Finish requests in flight, stop the servers, store what was collected."""
        await self.router.stop()
        await self.deployments.stop()
        await self.collector.stop()

    def _refresh(self, name: str) -> None:
        """Update the router's copy of the endpoint."""
        found = self._workspace.resources.get(f"onlineEndpoints/{name}")
        if found is None or found["properties"]["provisioningState"] == "Deleting":
            self.router.routes.pop(name, None)
            return
        properties = found["properties"]
        self.router.routes[name] = Route(
            keys=tuple(self._keys(name).values()),
            traffic=properties.get("traffic") or {},
            mirror=properties.get("mirrorTraffic") or {},
            targets=self.deployments.targets(name),
        )

    def _keys(self, name: str) -> dict[str, str]:
        found = self._workspace.resources.get(f"onlineEndpoints/{name}/keys/current")
        if found is None:
            raise LocalStackError(
                f"the keys of endpoint '{name}' are gone from the state folder; delete the "
                "endpoint and create it again"
            )
        return {key: found["properties"][key] for key in _KEY_TYPES.values()}

    def _bring_back(self, endpoint: dict[str, Any]) -> None:
        """Route to the endpoint again; the router may have another port now."""
        if endpoint["properties"]["provisioningState"] != "Deleting":
            endpoint["properties"].update(self._addresses(endpoint["name"]))
            self._workspace.resources.put(f"onlineEndpoints/{endpoint['name']}", endpoint)
            self._refresh(endpoint["name"])

    def _set_in_motion_again(self, endpoint: dict[str, Any]) -> None:
        """Start the operation of an endpoint in motion, if a kill came before it was stored."""
        path, operations = f"onlineEndpoints/{endpoint['name']}", self._workspace.operations
        state = endpoint["properties"]["provisioningState"]
        if state != "Succeeded" and not operations.is_in_progress(path):
            operations.start(_REMOVE if state == "Deleting" else _SETTLE, path)

    def _addresses(self, name: str) -> dict[str, str]:
        base = f"{self.router.url}/{name}"
        return {"scoringUri": f"{base}/score", "swaggerUri": f"{base}/swagger.json"}

    # Routes.

    async def _list(self, _: web.Request) -> web.Response:
        return web.json_response({"value": self._workspace.resources.list("onlineEndpoints")})

    async def _get(self, request: web.Request) -> web.Response:
        name = request.match_info["endpoint"]
        found = self._workspace.resources.get(f"onlineEndpoints/{name}")
        return not_found(f"endpoint {name}") if found is None else web.json_response(found)

    async def _put(self, request: web.Request) -> web.Response:
        name = request.match_info["endpoint"]
        resources, path = self._workspace.resources, f"onlineEndpoints/{name}"
        before = resources.get(path)
        if before and before["properties"]["provisioningState"] == "Deleting":
            return error(409, "Conflict", f"endpoint '{name}' is being deleted; wait for its end")
        try:
            body = await read_object(request)
            properties = body.get("properties") or {}
            check_name("endpoint", name)
            check_auth_mode(properties.get("authMode"))
            ready = self.deployments.targets(name)
            traffic, mirror = properties.get("traffic") or {}, properties.get("mirrorTraffic") or {}
            check_traffic(traffic, mirror, ready=ready)
        except RefusedError as exc:
            return user_error(str(exc))
        given = properties.pop("keys", None) or {}
        if before is None:
            keys = {key: given.get(key) or _new_key() for key in _KEY_TYPES.values()}
            resources.put(f"{path}/keys/current", {"properties": keys})
        properties.update(self._addresses(name))
        state = {"provisioningState": "Updating" if before else "Creating"}
        wanted = resources.put(path, {**body, "properties": {**properties, **state}})
        operation = self._workspace.operations.start(_SETTLE, path)
        headers = self._workspace.operations.headers(operation)
        return web.json_response(wanted, status=200 if before else 201, headers=headers)

    async def _settle(self, path: str) -> None:
        found = self._workspace.resources.get(path)
        if found is not None:
            self._refresh(found["name"])
            found["properties"]["provisioningState"] = "Succeeded"
            self._workspace.resources.put(path, found)

    async def _delete(self, request: web.Request) -> web.Response:
        name = request.match_info["endpoint"]
        path = f"onlineEndpoints/{name}"
        found = self._workspace.resources.get(path)
        if found is None:
            return web.Response(status=204)
        moving = self.deployments.in_motion(name)
        if moving:
            return error(409, "Conflict", f"wait for deployments in motion: {', '.join(moving)}")
        found["properties"]["provisioningState"] = "Deleting"
        self._workspace.resources.put(path, found)
        operation = self._workspace.operations.start(_REMOVE, path)
        return web.Response(status=202, headers=self._workspace.operations.headers(operation))

    async def _remove(self, path: str) -> None:
        name = path.rpartition("/")[2]
        self._refresh(name)
        await self.deployments.remove_all(name)
        self._workspace.resources.delete(path)

    async def _list_keys(self, request: web.Request) -> web.Response:
        name = request.match_info["endpoint"]
        if self._workspace.resources.get(f"onlineEndpoints/{name}") is None:
            return not_found(f"endpoint {name}")
        return web.json_response(self._keys(name))

    async def _regenerate_keys(self, request: web.Request) -> web.Response:
        name = request.match_info["endpoint"]
        resources = self._workspace.resources
        if resources.get(f"onlineEndpoints/{name}") is None:
            return not_found(f"endpoint {name}")
        try:
            body = await read_object(request)
        except RefusedError as exc:
            return user_error(str(exc))
        key = _KEY_TYPES.get(str(body.get("keyType")))
        if key is None:
            return user_error(f"keyType '{body.get('keyType')}': give Primary or Secondary")
        keys, wanted = self._keys(name), body.get("keyValue")
        # Azure's SDK sends the present key as the value wanted, and means a new one.
        keys[key] = wanted if wanted and wanted != keys[key] else _new_key()
        resources.put(f"onlineEndpoints/{name}/keys/current", {"properties": keys})
        self._refresh(name)
        return web.Response()


def _new_key() -> str:
    return secrets.token_urlsafe(_KEY_BYTES)

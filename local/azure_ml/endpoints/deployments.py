"""Deployments of online endpoints: ARM routes, and the work behind them on this machine."""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import TYPE_CHECKING, Any

from aiohttp import web

from local.azure_ml.answers import error, not_found, user_error
from local.azure_ml.endpoints.rules import check_deployment, check_name
from local.azure_ml.requests import RefusedError, read_object
from local.azure_ml.workspace.operations import OperationFailedError
from local.errors import LocalStackError
from local.supervision.processes import end_of_log

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from local.azure_ml.endpoints.launch import Launcher, Running
    from local.azure_ml.endpoints.router import Target
    from local.azure_ml.workspace.workspace import Workspace

_log = logging.getLogger(__name__)
_DRAIN_SECONDS = 180.0
_DEFAULT_TAIL = 50
_MOST_LOG_BYTES = 4 << 20
_COLLECTOR_SINCE = "2023"
_IN_MOTION = frozenset({"Creating", "Updating", "Deleting"})
_DEPLOY, _REMOVE = "deploy", "remove deployment"


class Deployments:
    """All deployments of the workspace.

    A resource holds what was requested; its `running/current` child holds what last came up. A
    failed update therefore leaves the old version answering, also after a restart of the stack.

    Args:
        changed: called with an endpoint's name when its running deployments changed.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        launcher: Launcher,
        changed: Callable[[str], None],
    ) -> None:
        self._workspace = workspace
        self._launcher = launcher
        self._changed = changed
        self._running: dict[tuple[str, str], Running] = {}
        workspace.operations.handle(_DEPLOY, self._deploy)
        workspace.operations.handle(_REMOVE, self._remove)

    def routes(self) -> list[web.RouteDef]:
        """The routes, to be mounted at the server's root."""
        every = f"{self._workspace.arm_id}/onlineEndpoints/{{endpoint}}/deployments"
        one = f"{every}/{{deployment}}"
        return [
            web.get(every, self._list),
            web.get(one, self._get),
            web.put(one, self._put),
            web.delete(one, self._delete),
            web.post(f"{one}/getLogs", self._get_logs),
        ]

    def targets(self, endpoint: str) -> dict[str, Target]:
        """The running deployments of an endpoint, by name."""
        return {
            deployment: running.target
            for (of, deployment), running in self._running.items()
            if of == endpoint
        }

    def health(self) -> dict[str, str]:
        """`starting`, `healthy`, … by `<endpoint>/<deployment>`."""
        return {
            f"{endpoint}/{deployment}": running.process.health.value
            for (endpoint, deployment), running in self._running.items()
        }

    def in_motion(self, endpoint: str) -> list[str]:
        """Deployments of an endpoint that are being created, updated or deleted."""
        found = self._workspace.resources.list(f"onlineEndpoints/{endpoint}/deployments")
        return [
            one["name"] for one in found if one["properties"]["provisioningState"] in _IN_MOTION
        ]

    async def start(self) -> None:
        """Restart deployments that ran when the stack stopped; those that cannot are marked failed.

        Those that were being created, updated or deleted continue with their operation.
        """
        found = [
            (endpoint["name"], deployment)
            for endpoint in self._workspace.resources.list("onlineEndpoints")
            if endpoint["properties"]["provisioningState"] != "Deleting"
            for deployment in self._workspace.resources.list(
                f"onlineEndpoints/{endpoint['name']}/deployments"
            )
        ]
        await asyncio.gather(*(self._bring_back(*one) for one in found))
        for endpoint, deployment in found:
            self._set_in_motion_again(endpoint, deployment)

    async def stop(self) -> None:
        """Stop all servers; the resources stay as they are. Stop the operations before."""
        running, self._running = list(self._running.values()), {}
        await asyncio.gather(*(self._launcher.end(one) for one in running))

    async def remove_all(self, endpoint: str) -> None:
        """Remove every deployment of an endpoint that is being deleted."""
        for deployment in self._workspace.resources.list(f"onlineEndpoints/{endpoint}/deployments"):
            await self._remove(f"onlineEndpoints/{endpoint}/deployments/{deployment['name']}")

    # Routes.

    async def _list(self, request: web.Request) -> web.Response:
        endpoint = request.match_info["endpoint"]
        if self._workspace.resources.get(f"onlineEndpoints/{endpoint}") is None:
            return not_found(f"endpoint {endpoint}")
        found = self._workspace.resources.list(f"onlineEndpoints/{endpoint}/deployments")
        return web.json_response({"value": [_as_of(request, one) for one in found]})

    async def _get(self, request: web.Request) -> web.Response:
        found = self._workspace.resources.get(_path(request))
        if found is None:
            return not_found(f"deployment {request.match_info['deployment']}")
        return web.json_response(_as_of(request, found))

    async def _put(self, request: web.Request) -> web.Response:
        endpoint, name = request.match_info["endpoint"], request.match_info["deployment"]
        resources, path = self._workspace.resources, _path(request)
        if resources.get(f"onlineEndpoints/{endpoint}") is None:
            return not_found(f"endpoint {endpoint}")
        before = resources.get(path)
        if before and before["properties"]["provisioningState"] in _IN_MOTION:
            return _busy(name, before)
        try:
            body = await read_object(request)
            check_name("deployment", name)
            check_deployment(body)
        except RefusedError as exc:
            return user_error(str(exc))
        properties = body["properties"]
        properties["provisioningState"] = "Updating" if before else "Creating"
        properties.setdefault("scaleSettings", {"scaleType": "Default"})
        # Azure's SDK writes both in lower case; Azure answers as its schema has them.
        collector = properties.get("dataCollector") or {}
        if collector.get("rollingRate"):
            collector["rollingRate"] = str(collector["rollingRate"]).capitalize()
        for one in (collector.get("collections") or {}).values():
            one["dataCollectionMode"] = str(one.get("dataCollectionMode", "Disabled")).capitalize()
        wanted = resources.put(path, {"sku": {"name": "Default", "capacity": 1}, **body})
        operation = self._workspace.operations.start(_DEPLOY, path)
        headers = self._workspace.operations.headers(operation)
        return web.json_response(wanted, status=200 if before else 201, headers=headers)

    async def _delete(self, request: web.Request) -> web.Response:
        endpoint, name = request.match_info["endpoint"], request.match_info["deployment"]
        resources, path = self._workspace.resources, _path(request)
        found, of = resources.get(path), resources.get(f"onlineEndpoints/{endpoint}")
        if found is None or of is None:
            return web.Response(status=204)
        if found["properties"]["provisioningState"] in _IN_MOTION:
            return _busy(name, found)
        for kind in ("traffic", "mirrorTraffic"):
            percent = (of["properties"].get(kind) or {}).get(name, 0)
            if percent:
                return user_error(
                    f"deployment '{name}' has {percent} % {kind}; set it to 0 before deleting it"
                )
        found["properties"]["provisioningState"] = "Deleting"
        resources.put(path, found)
        operation = self._workspace.operations.start(_REMOVE, path)
        return web.Response(status=202, headers=self._workspace.operations.headers(operation))

    async def _get_logs(self, request: web.Request) -> web.Response:
        endpoint, name = request.match_info["endpoint"], request.match_info["deployment"]
        if self._workspace.resources.get(_path(request)) is None:
            return not_found(f"deployment {name}")
        try:
            body = await read_object(request)
        except RefusedError as exc:
            return user_error(str(exc))
        if body.get("containerType", "InferenceServer") != "InferenceServer":
            return web.json_response({"content": ""})  # nothing is initialised apart from it
        tail = body.get("tail") or _DEFAULT_TAIL
        content = await asyncio.to_thread(
            end_of_log,
            self._launcher.log_file(endpoint, name),
            tail,
            most_bytes=_MOST_LOG_BYTES,
        )
        return web.json_response({"content": content})

    # The work behind them.

    async def _deploy(self, path: str) -> None:
        endpoint, name = _names(path)
        wanted = self._workspace.resources.get(path)
        if wanted is None:
            raise OperationFailedError("ResourceNotFound", f"deployment {name} vanished")
        # When the stack was killed after its end, before that was written down.
        if wanted["properties"]["provisioningState"] == "Succeeded":
            return
        if wanted["properties"]["provisioningState"] == "Failed":
            raise OperationFailedError("DeploymentFailed", f"deployment {name} failed; see its log")
        revision = uuid.uuid4().hex[:8]
        try:
            await self._launcher.materialise(endpoint, name, wanted, revision)
            new = await self._launcher.launch(endpoint, name, wanted, revision)
        except LocalStackError as exc:
            if self._workspace.operations.stopping:
                raise
            # The log is what a person reads first, whether the server ran or not.
            await asyncio.to_thread(_note, self._launcher.log_file(endpoint, name), str(exc))
            self._launcher.forget(endpoint, name, revision)
            self._set_state(path, "Failed")
            raise OperationFailedError("DeploymentFailed", str(exc)) from exc
        except asyncio.CancelledError:
            raise  # the stack stops, and this goes on at its next start
        except BaseException:
            self._set_state(path, "Failed")
            raise
        old = self._running.get((endpoint, name))
        self._running[endpoint, name] = new
        self._workspace.resources.put(
            f"{path}/running/current",
            {"sku": wanted.get("sku"), "properties": wanted["properties"], "revision": revision},
        )
        self._set_state(path, "Succeeded")
        self._changed(endpoint)
        if old is not None:
            await self._retire(endpoint, name, old)

    async def _remove(self, path: str) -> None:
        endpoint, name = _names(path)
        old = self._running.pop((endpoint, name), None)
        self._changed(endpoint)
        if old is not None:
            await self._retire(endpoint, name, old)
        self._workspace.resources.delete(path)
        self._launcher.forget(endpoint, name)

    async def _retire(self, endpoint: str, name: str, old: Running) -> None:
        try:
            if not await old.target.drain(timeout_seconds=_DRAIN_SECONDS):
                _log.warning("requests were cut off: deployment=%s/%s", endpoint, name)
        finally:
            await self._launcher.end(old)
        self._launcher.forget(endpoint, name, old.revision)

    async def _bring_back(self, endpoint: str, deployment: dict[str, Any]) -> None:
        name, state = deployment["name"], deployment["properties"]["provisioningState"]
        path = f"onlineEndpoints/{endpoint}/deployments/{name}"
        record = self._workspace.resources.get(f"{path}/running/current")
        self._launcher.forget_others(endpoint, name, record["revision"] if record else "")
        if record is None or state == "Deleting":
            return
        try:
            self._running[endpoint, name] = await self._launcher.launch(
                endpoint, name, record, record["revision"]
            )
        except LocalStackError as exc:
            await asyncio.to_thread(_note, self._launcher.log_file(endpoint, name), str(exc))
            if state not in _IN_MOTION:
                self._set_state(path, "Failed")
            _log.error("deployment did not come back: deployment=%s/%s", endpoint, name)
            return
        self._changed(endpoint)

    def _set_in_motion_again(self, endpoint: str, deployment: dict[str, Any]) -> None:
        """Start the operation of a deployment in motion, if a kill came before it was stored."""
        path = f"onlineEndpoints/{endpoint}/deployments/{deployment['name']}"
        state = deployment["properties"]["provisioningState"]
        operations = self._workspace.operations
        if state in _IN_MOTION and not operations.is_in_progress(path):
            operations.start(_REMOVE if state == "Deleting" else _DEPLOY, path)

    def _set_state(self, path: str, state: str) -> None:
        found = self._workspace.resources.get(path)
        if found is not None:
            found["properties"]["provisioningState"] = state
            self._workspace.resources.put(path, found)


def _names(path: str) -> tuple[str, str]:
    """Endpoint and deployment in `onlineEndpoints/<endpoint>/deployments/<deployment>`."""
    _, endpoint, _, deployment = path.split("/")
    return endpoint, deployment


def _path(request: web.Request) -> str:
    endpoint, name = request.match_info["endpoint"], request.match_info["deployment"]
    return f"onlineEndpoints/{endpoint}/deployments/{name}"


def _as_of(request: web.Request, found: dict[str, Any]) -> dict[str, Any]:
    """A deployment in the requested api-version: the SDK lists with an old one."""
    if request.query.get("api-version", "") < _COLLECTOR_SINCE:
        found["properties"].pop("dataCollector", None)
    return found


def _busy(name: str, found: Mapping[str, Any]) -> web.Response:
    state = found["properties"]["provisioningState"]
    return error(409, "Conflict", f"deployment '{name}' is {state}; wait until that is over")


def _note(log: Path, text: str) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file:
        file.write(f"{text}\n")

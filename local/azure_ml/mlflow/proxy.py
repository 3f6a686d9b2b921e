"""The workspace's MLflow: supported calls are forwarded, others are refused by name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict

from local.azure_ml.mlflow.registry import DATASTORES, MlflowRegistry, refuse
from local.azure_ml.mlflow.server import MlflowUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local.azure_ml.mlflow.server import MlflowServer
    from local.azure_ml.workspace.model_registry import Registry
    from local.azure_ml.workspace.workspace import Workspace

_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer", "host"}
)
_NOT_FORWARDED = _HOP_BY_HOP | {"content-length", "authorization", "accept-encoding"}
# Azure ML's support matrix: tracking and artefacts; the registry is ours.
_SUPPORTED = ("experiments/", "runs/", "metrics/", "artifacts/")
_RUN_ID_KEYS = ("run_id", "run_uuid")
_CHUNK_BYTES = 1 << 16
_SMALL_BYTES = 1 << 20
# A file of gigabytes takes as long as it takes, but something must move.
_FILE_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=900.0)


class MlflowProxy:
    """Routes of `https://host/mlflow/v2.0{workspace}/api/2.0/…`, and the UI's own.

    A job's name is accepted wherever MLflow wants a run's id, as on Azure, where they are one.
    """

    def __init__(
        self,
        workspace: Workspace,
        registry: Registry,
        mlflow: MlflowServer,
        *,
        run_of_job: Callable[[str], str | None],
    ) -> None:
        self._workspace = workspace
        self._registry = MlflowRegistry(workspace, registry, mlflow)
        self._mlflow = mlflow
        self._run_of_job = run_of_job

    def routes(self) -> list[web.RouteDef]:
        """The workspace's routes, to be mounted at the root of the TLS server."""
        found = []
        for version in ("v1.0", "v2.0"):
            base = f"/mlflow/{version}{self._workspace.arm_id}"
            found += [
                web.route("*", f"{base}/api/2.0/mlflow-artifacts/{{tail:.*}}", self._artifacts),
                web.route("*", f"{base}/api/2.0/mlflow/{{tail:.*}}", self._api),
                web.get(f"{base}/version", self._version),
                web.get(f"{base}/health", self._health),
                web.route("*", f"{base}/{{tail:.*}}", self._unsupported),
            ]
        return found

    def ui_routes(self) -> list[web.RouteDef]:
        """MLflow's UI and its calls, with the registry's answered from the workspace."""
        return [
            web.route("*", "/{api:api|ajax-api}/2.0/mlflow/{tail:.*}", self._ui_api),
            web.route("*", "/{tail:.*}", self._forward_as_is),
        ]

    async def _version(self, request: web.Request) -> web.StreamResponse:
        return await self._forward(request, "/version", query={}, body=None)

    async def _health(self, _: web.Request) -> web.StreamResponse:
        return web.Response(text="OK")

    async def _unsupported(self, request: web.Request) -> web.StreamResponse:
        return refuse(
            404, "ENDPOINT_NOT_FOUND", f"Azure ML has no {request.method} /{_tail(request)}"
        )

    async def _api(self, request: web.Request) -> web.StreamResponse:
        tail = _tail(request)
        if self._registry.has(tail):
            return await self._of_registry(request, tail)
        if not tail.startswith(_SUPPORTED):
            hint = (
                ": it has no logged models; use save_model, log_artifacts, create_model_version"
                if tail.startswith("logged-models")
                else ""
            )
            return refuse(404, "ENDPOINT_NOT_FOUND", f"Azure ML's MLflow API has no {tail}{hint}")
        body = await request.read()
        if request.content_type == "application/json" and body:
            body = self._with_run_ids(body)
        query = {key: self._run_id(key, value) for key, value in request.query.items()}
        return await self._forward(request, f"/api/2.0/mlflow/{tail}", query=query, body=body)

    async def _of_registry(self, request: web.Request, tail: str) -> web.StreamResponse:
        try:
            return await self._registry.answer(request, tail)
        except MlflowUnavailableError as exc:
            return refuse(503, "TEMPORARILY_UNAVAILABLE", str(exc))

    async def _artifacts(self, request: web.Request) -> web.StreamResponse:
        tail = _tail(request)
        if request.method == "GET" and f"{DATASTORES}/" in f"{tail}/{request.query.get('path')}/":
            return await self._datastore_artifacts(request, tail)
        return await self._forward(
            request,
            f"/api/2.0/mlflow-artifacts/{tail}",
            query=dict(request.query),
            body=request.content if request.can_read_body else None,
        )

    async def _datastore_artifacts(self, request: web.Request, tail: str) -> web.StreamResponse:
        """Files of a model that was registered from a datastore and not from a run."""
        path = request.query.get("path") or tail.removeprefix("artifacts").lstrip("/")
        _, container, name = f"{path}//".split("/", 2)
        name = name.strip("/")
        if container not in self._workspace.datastores.values():
            return refuse(404, "RESOURCE_DOES_NOT_EXIST", f"no datastore on container {container}")
        items = await self._workspace.blobs.list(container, name)
        if tail == "artifacts":
            return web.json_response({"files": _listing(items, name)})
        if not any(item.name == name for item in items):
            return refuse(404, "RESOURCE_DOES_NOT_EXIST", f"no file {path}")
        response = web.StreamResponse()
        await response.prepare(request)
        async for chunk in self._workspace.blobs.chunks(container, name):
            await response.write(chunk)
        await response.write_eof()
        return response

    async def _ui_api(self, request: web.Request) -> web.StreamResponse:
        tail = _tail(request)
        if self._registry.has(tail):
            return await self._of_registry(request, tail)
        return await self._forward_as_is(request)

    async def _forward_as_is(self, request: web.Request) -> web.StreamResponse:
        body = request.content if request.can_read_body else None
        return await self._forward(request, request.path, query=dict(request.query), body=body)

    async def _forward(
        self,
        request: web.Request,
        path: str,
        *,
        query: Mapping[str, str],
        body: bytes | aiohttp.StreamReader | None,
    ) -> web.StreamResponse:
        headers = CIMultiDict(
            (key, value)
            for key, value in request.headers.items()
            if key.lower() not in _NOT_FORWARDED
        )
        try:
            async with self._mlflow.session.request(
                request.method,
                f"{self._mlflow.url}{path}",
                params=query,
                headers=headers,
                data=body,
                allow_redirects=False,
                timeout=_FILE_TIMEOUT,
            ) as answer:
                return await _relay(request, answer)
        except (aiohttp.ClientConnectionError, MlflowUnavailableError, TimeoutError) as exc:
            return refuse(503, "TEMPORARILY_UNAVAILABLE", f"mlflow does not answer: {exc}")

    def _with_run_ids(self, body: bytes) -> bytes:
        try:
            given: Any = json.loads(body)
        except ValueError:
            return body  # MLflow words this error itself
        if not isinstance(given, dict):
            return body
        for key in _RUN_ID_KEYS:
            if isinstance(given.get(key), str):
                given[key] = self._run_id(key, given[key])
        return json.dumps(given).encode()

    def _run_id(self, key: str, value: str) -> str:
        return (self._run_of_job(value) or value) if key in _RUN_ID_KEYS else value


async def _relay(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    """Small JSON whole (so that it can be traced), everything else streamed."""
    headers = CIMultiDict(
        (key, value)
        for key, value in answer.headers.items()
        # The client has unpacked the body already.
        if key.lower() not in _HOP_BY_HOP | {"content-length", "content-encoding", "server", "date"}
    )
    length = answer.headers.get(hdrs.CONTENT_LENGTH)
    is_small = length is not None and int(length) <= _SMALL_BYTES
    if answer.content_type == "application/json" and is_small:
        try:
            body = await answer.read()
        except aiohttp.ClientPayloadError as exc:
            raise MlflowUnavailableError(f"its answer broke off: {exc}") from exc
        return web.Response(status=answer.status, headers=headers, body=body)
    response = web.StreamResponse(status=answer.status, headers=headers)
    if length is not None and hdrs.CONTENT_ENCODING not in answer.headers:
        response.content_length = int(length)
    await response.prepare(request)
    async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
        await response.write(chunk)
    await response.write_eof()
    return response


def _listing(items: list[Any], folder: str) -> list[dict[str, Any]]:
    """Direct members of a folder as MLflow lists artefacts."""
    found: dict[str, dict[str, Any]] = {}
    prefix = f"{folder}/" if folder else ""
    for item in items:
        if not item.name.startswith(prefix):
            continue
        first, slash, _ = item.name[len(prefix) :].partition("/")
        entry = {"path": first, "is_dir": bool(slash)}
        found[first] = entry if slash else {**entry, "file_size": item.bytes}
    return list(found.values())


def _tail(request: web.Request) -> str:
    return request.match_info["tail"]

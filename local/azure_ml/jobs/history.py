"""Run history: what the SDK's stream, list of children and download ask for."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Any

from aiohttp import web

from local.azure_ml.answers import error, not_found, user_error
from local.azure_ml.jobs.execution import PIPELINE_LOG
from local.azure_ml.jobs.records import PRIVATE
from local.azure_ml.jobs.step_run import LOG_NAME
from local.azure_ml.requests import read_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.azure_ml.jobs.context import JobContext


class HistoryRoutes:
    """Run details, children and data; logs by URLs that carry their own signature."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._workspace = context.workspace
        self._key = secrets.token_bytes(16)

    def routes(self) -> list[web.RouteDef]:
        """The routes, to be mounted at the server's root."""
        history = f"/history/v1.0{self._workspace.arm_id}"
        return [
            web.get(f"{history}/runs/{{name}}", self._run),
            web.get(f"{history}/runs/{{name}}/details", self._details),
            web.get(f"{history}/runs/{{name}}/children", self._children),
            web.post(f"{history}/rundata", self._run_data),
            web.post(
                f"/data/v1.0{self._workspace.arm_id}/dataversion/batchGetResolvedUris",
                self._resolved_uris,
            ),
            web.get("/logs/{name}/{file:.+}", self._log),
        ]

    async def _run(self, request: web.Request) -> web.Response:
        job = self._context.records.get(request.match_info["name"])
        if job is None:
            return not_found(f"run {request.match_info['name']}")
        return web.json_response(_run(job))

    async def _details(self, request: web.Request) -> web.Response:
        job = self._context.records.get(request.match_info["name"])
        if job is None:
            return not_found(f"run {request.match_info['name']}")
        name = job["name"]
        files = [LOG_NAME] if _is_step(job) else [PIPELINE_LOG]
        present = [file for file in files if (self._context.folder(name) / file).exists()]
        return web.json_response(
            {
                **_run(job),
                "target": "local",
                "logFiles": {file: self._log_url(name, file) for file in present},
                "inputDatasets": [],
                "outputDatasets": [],
                "warnings": [],
            }
        )

    async def _children(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if self._context.records.get(name) is None:
            return not_found(f"run {name}")
        children = self._context.records.children(name)
        return web.json_response({"value": [_run(job) for job in children]})

    async def _run_data(self, request: web.Request) -> web.Response:
        body = await read_object(request)
        job = self._context.records.get(str(body.get("runId")))
        if job is None:
            return not_found(f"run {body.get('runId')}")
        outputs = {
            name: {"assetId": output["uri"], "type": _ASSET_TYPE}
            for name, output in (job["properties"].get("outputs") or {}).items()
            if output.get("uri")
        }
        return web.json_response({"runMetadata": {**_run(job), "outputs": outputs}})

    async def _resolved_uris(self, request: web.Request) -> web.Response:
        # Unregistered outputs have no asset of their own here: their URI is their id.
        body = await read_object(request)
        asked = body.get("values") or []
        if not isinstance(asked, list) or not all(isinstance(uri, str) for uri in asked):
            return user_error("values must be a list of texts")
        values = {uri: {"uri": uri, "type": _ASSET_TYPE} for uri in asked}
        return web.json_response({"values": values})

    async def _log(self, request: web.Request) -> web.StreamResponse:
        name, file = request.match_info["name"], request.match_info["file"]
        given = request.query.get("sig", "")
        if not hmac.compare_digest(given.encode(), self._signature(name, file).encode()):
            return error(403, "AuthenticationFailed", "this log's URL is not signed for it")
        path = self._context.folder(name) / file
        if not path.exists():
            return not_found(f"log {file} of {name}")
        return web.FileResponse(path, headers={"Content-Type": "text/plain; charset=utf-8"})

    def _log_url(self, name: str, file: str) -> str:
        return f"{self._workspace.base_url}/logs/{name}/{file}?sig={self._signature(name, file)}"

    def _signature(self, name: str, file: str) -> str:
        return hmac.new(self._key, f"{name}\n{file}".encode(), hashlib.sha256).hexdigest()


_ASSET_TYPE = "uri_folder"


def _is_step(job: Mapping[str, Any]) -> bool:
    return bool(job["properties"].get("jobType") == "Command")


def _run(job: Mapping[str, Any]) -> dict[str, Any]:
    properties, notes = job["properties"], job[PRIVATE]
    found = {
        "runId": job["name"],
        "parentRunId": notes.get("parent"),
        "rootRunId": notes.get("parent", job["name"]),
        "experimentId": notes.get("experimentId"),
        "status": properties["status"],
        "displayName": properties.get("displayName"),
        "createdUtc": notes["createdUtc"],
        "createdTimeUtc": notes["createdUtc"],
        "startTimeUtc": notes.get("startedUtc"),
        "endTimeUtc": notes.get("endedUtc"),
        "runType": "azureml.StepRun" if "parent" in notes else "azureml.PipelineRun",
        "tags": properties.get("tags") or {},
        "properties": properties.get("properties") or {},
        "error": _error(notes.get("error")),
    }
    return {key: value for key, value in found.items() if value is not None}


def _error(text: str | None) -> dict[str, Any] | None:
    return {"error": {"code": "UserError", "message": text}} if text is not None else None

"""ARM routes of jobs: submit, get, list, cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from local.azure_ml.answers import not_found, user_error
from local.azure_ml.jobs.plan import InvalidJobError
from local.azure_ml.jobs.planner import make_plan
from local.azure_ml.jobs.records import EDITABLE, PRIVATE, definition, public
from local.azure_ml.mlflow.server import MlflowRefusedError
from local.azure_ml.workspace.assets import page
from local.azure_ml.workspace.resources import InvalidNameError
from local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.azure_ml.jobs.runner import Runner


class JobRoutes:
    """PUT is idempotent by name: the same definition returns the job, another is refused."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._workspace = runner.context.workspace
        self._records = runner.context.records

    def routes(self) -> list[web.RouteDef]:
        """The routes, to be mounted at the server's root."""
        base = f"{self._workspace.arm_id}/jobs"
        return [
            web.get(base, self._list),
            web.get(f"{base}/{{name}}", self._get),
            web.put(f"{base}/{{name}}", self._put),
            web.post(f"{base}/{{name}}/cancel", self._cancel),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        jobs = [job for job in self._records.all() if "parent" not in job[PRIVATE]]
        newest_first = page(jobs, request.query)[::-1]
        return web.json_response({"value": [public(job) for job in newest_first]})

    async def _get(self, request: web.Request) -> web.Response:
        job = self._records.get(request.match_info["name"])
        if job is None:
            return not_found(f"job {request.match_info['name']}")
        return web.json_response(public(job))

    async def _put(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        body: dict[str, Any] = await request.json()
        properties = body.get("properties") or {}
        before = self._records.get(name)
        if before is not None:
            return self._again(before, properties)
        try:
            plan = make_plan(self._workspace, name, properties)
            self._records.create(name, properties, {"submitted": definition(properties)})
        except (InvalidJobError, InvalidNameError) as exc:
            return user_error(str(exc))
        try:
            await self._runner.submit(name, plan)
        except MlflowRefusedError as exc:
            self._workspace.resources.delete(f"jobs/{name}")
            return user_error(str(exc))
        except LocalStackError:
            self._workspace.resources.delete(f"jobs/{name}")
            raise
        stored = self._records.get(name)
        return web.json_response(public(stored or {}), status=201)

    def _again(self, before: Mapping[str, Any], properties: Mapping[str, Any]) -> web.Response:
        name = before["name"]
        submitted = before[PRIVATE].get("submitted")
        now = definition(properties)
        if submitted is None:
            # A child's definition is its pipeline's; only its labels can change.
            submitted = now
        keys = submitted.keys() | now.keys()
        differing = sorted(key for key in keys if submitted.get(key) != now.get(key))
        if differing:
            return user_error(
                f"A job with name {name} already exists and its {', '.join(differing)} cannot be "
                f"changed: only {', '.join(EDITABLE)} can. Use another name."
            )
        edits = {key: properties[key] for key in EDITABLE if key in properties}
        if any(before["properties"].get(key) != value for key, value in edits.items()):
            self._records.update(name, edits)
        return web.json_response(public(self._records.get(name) or {}), status=200)

    async def _cancel(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if self._records.get(name) is None:
            return not_found(f"job {name}")
        await self._runner.cancel(name)
        return web.Response(status=200)

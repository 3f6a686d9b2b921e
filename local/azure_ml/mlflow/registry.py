"""MLflow's REST API of registered models and versions, on the workspace's own registry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from local.azure_ml.mlflow.filters import FilterError, matches, parse_filter
from local.azure_ml.mlflow.forms import flat, milliseconds, paged, pairs, present, tags
from local.azure_ml.mlflow.server import MlflowRefusedError
from local.azure_ml.workspace.model_registry import PRIVATE, ModelExistsError, NoSuchModelError
from local.azure_ml.workspace.resources import InvalidNameError
from local.azure_ml.workspace.uris import UnknownUriError
from local.azure_ml.workspace.workspace import ARTIFACT_ROOT, ARTIFACT_STORE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from local.azure_ml.mlflow.server import MlflowServer
    from local.azure_ml.workspace.model_registry import Registry
    from local.azure_ml.workspace.workspace import Workspace

    Call = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]

# Artefacts of models that did not come from a run are served under this MLflow path.
DATASTORES = "datastores"


class RefusedError(Exception):
    """An error answer in MLflow's format."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def refuse(status: int, code: str, message: str) -> web.Response:
    """MLflow's error body."""
    return web.json_response({"error_code": code, "message": message}, status=status)


class MlflowRegistry:
    """Answers `registered-models/*` and `model-versions/*`; aliases are refused as on Azure."""

    def __init__(self, workspace: Workspace, registry: Registry, mlflow: MlflowServer) -> None:
        self._workspace = workspace
        self._registry = registry
        self._mlflow = mlflow
        self._calls: dict[tuple[str, str], Call] = {
            ("POST", "registered-models/create"): self._create_model,
            ("GET", "registered-models/get"): self._get_model,
            ("PATCH", "registered-models/update"): self._update_model,
            ("DELETE", "registered-models/delete"): self._delete_model,
            ("GET", "registered-models/search"): self._search_models,
            ("GET", "registered-models/get-latest-versions"): self._latest,
            ("POST", "registered-models/get-latest-versions"): self._latest,
            ("POST", "registered-models/set-tag"): self._set_model_tag,
            ("DELETE", "registered-models/delete-tag"): self._delete_model_tag,
            ("POST", "model-versions/create"): self._create_version,
            ("GET", "model-versions/get"): self._get_version,
            ("PATCH", "model-versions/update"): self._update_version,
            ("DELETE", "model-versions/delete"): self._delete_version,
            ("GET", "model-versions/search"): self._search_versions,
            ("GET", "model-versions/get-download-uri"): self._download_uri,
            ("POST", "model-versions/set-tag"): self._set_version_tag,
            ("DELETE", "model-versions/delete-tag"): self._delete_version_tag,
        }

    def has(self, route: str) -> bool:
        """Whether `route` belongs to the registry."""
        return route.startswith(("registered-models/", "model-versions/"))

    async def answer(self, request: web.Request, route: str) -> web.Response:
        """Perform one call; errors are answered in MLflow's format."""
        call = self._calls.get((request.method, route))
        if call is None:
            return refuse(
                404,
                "ENDPOINT_NOT_FOUND",
                f"Azure ML's MLflow registry has no {request.method} {route}"
                + (": aliases are not supported there, use tags" if "alias" in route else ""),
            )
        try:
            given = dict(request.query) if request.method == "GET" else await request.json()
            return web.json_response(await call(given))
        except RefusedError as exc:
            return refuse(exc.status, exc.code, str(exc))
        except NoSuchModelError as exc:
            return refuse(404, "RESOURCE_DOES_NOT_EXIST", str(exc))
        except ModelExistsError as exc:
            return refuse(400, "RESOURCE_ALREADY_EXISTS", str(exc))
        except KeyError as exc:
            text = f"Missing value for parameter {exc}"
        except json.JSONDecodeError as exc:
            text = f"the body is not JSON: {exc}"
        except (InvalidNameError, UnknownUriError, FilterError, MlflowRefusedError) as exc:
            text = str(exc)
        return refuse(400, "INVALID_PARAMETER_VALUE", text)

    async def _create_model(self, given: Mapping[str, Any]) -> dict[str, Any]:
        properties = {"description": given.get("description"), "tags": tags(given)}
        self._registry.create_container(given["name"], present(properties))
        return {"registered_model": self._model(given["name"])}

    async def _get_model(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"registered_model": self._model(given["name"])}

    async def _update_model(self, given: Mapping[str, Any]) -> dict[str, Any]:
        self._change_model(given["name"], {"description": given.get("description")})
        return {"registered_model": self._model(given["name"])}

    async def _delete_model(self, given: Mapping[str, Any]) -> dict[str, Any]:
        self._registry.delete(given["name"])
        return {}

    async def _search_models(self, given: Mapping[str, Any]) -> dict[str, Any]:
        conditions = parse_filter(given.get("filter", ""))
        found = [self._model(name) for name in self._registry.names() if self._listed(name)]
        kept = [model for model in found if matches(flat(model), conditions)]
        kept.sort(key=lambda model: str(model["name"]))
        return paged("registered_models", kept, given, {"name": "name"})

    async def _latest(self, given: Mapping[str, Any]) -> dict[str, Any]:
        self._registry.container(given["name"])
        stages = given.get("stages") or ["None"]
        if "None" not in ([stages] if isinstance(stages, str) else stages):
            return {"model_versions": []}
        return {"model_versions": self._latest_of(given["name"])}

    async def _set_model_tag(self, given: Mapping[str, Any]) -> dict[str, Any]:
        tags = self._registry.container(given["name"])["properties"].get("tags") or {}
        self._change_model(given["name"], {"tags": {**tags, given["key"]: str(given["value"])}})
        return {}

    async def _delete_model_tag(self, given: Mapping[str, Any]) -> dict[str, Any]:
        tags = dict(self._registry.container(given["name"])["properties"].get("tags") or {})
        tags.pop(given["key"], None)
        self._change_model(given["name"], {"tags": tags})
        return {}

    async def _create_version(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name, source = given["name"], given["source"]
        self._registry.container(name)
        if given.get("model_id"):
            raise RefusedError(
                400, "INVALID_PARAMETER_VALUE", "Azure ML has no logged models: leave out model_id"
            )
        run_id = given.get("run_id") or None
        artifacts = await self._run_artifacts(run_id) if run_id else None
        version = self._registry.next_version(name)
        uri = self._registry.uri_of_source(source, artifacts)
        if run_id is not None and "/../" in f"{uri}/":
            raise RefusedError(400, "INVALID_PARAMETER_VALUE", f"invalid model source '{source}'")
        stored = await self._registry.put_version(
            name,
            version,
            present(
                {
                    "modelUri": uri,
                    "modelType": "mlflow_model",
                    "description": given.get("description"),
                    "tags": tags(given),
                    "properties": {},
                    "isAnonymous": False,
                    "isArchived": False,
                    "jobName": run_id,
                }
            ),
            notes={"source": source, "run_id": run_id, "run_link": given.get("run_link")},
        )
        return {"model_version": self._version(name, stored)}

    async def _get_version(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name, version = given["name"], str(given["version"])
        return {"model_version": self._version(name, self._registry.version(name, version))}

    async def _update_version(self, given: Mapping[str, Any]) -> dict[str, Any]:
        stored = await self._change(given, {"description": given.get("description")})
        return {"model_version": self._version(given["name"], stored)}

    async def _delete_version(self, given: Mapping[str, Any]) -> dict[str, Any]:
        self._registry.delete_version(given["name"], str(given["version"]))
        return {}

    async def _search_versions(self, given: Mapping[str, Any]) -> dict[str, Any]:
        conditions = parse_filter(given.get("filter", ""))
        found = [
            self._version(name, item)
            for name in self._registry.names()
            for item in self._registry.versions(name)
            if not item["properties"].get("isAnonymous")
        ]
        kept = [version for version in found if matches(flat(version), conditions)]
        kept.sort(key=lambda version: (str(version["name"]), -version["creation_timestamp"]))
        keys = {
            "name": "name",
            "version_number": "version",
            "creation_timestamp": "creation_timestamp",
            "last_updated_timestamp": "last_updated_timestamp",
        }
        return paged("model_versions", kept, given, keys)

    async def _download_uri(self, given: Mapping[str, Any]) -> dict[str, Any]:
        stored = self._registry.version(given["name"], str(given["version"]))
        return {"artifact_uri": self._artifact_uri(stored)}

    async def _set_version_tag(self, given: Mapping[str, Any]) -> dict[str, Any]:
        tags = self._version_tags(given)
        await self._change(given, {"tags": {**tags, given["key"]: str(given["value"])}})
        return {}

    async def _delete_version_tag(self, given: Mapping[str, Any]) -> dict[str, Any]:
        tags = self._version_tags(given)
        tags.pop(given["key"], None)
        await self._change(given, {"tags": tags})
        return {}

    def _version_tags(self, given: Mapping[str, Any]) -> dict[str, str]:
        stored = self._registry.version(given["name"], str(given["version"]))
        return dict(stored["properties"].get("tags") or {})

    async def _change(
        self, given: Mapping[str, Any], properties: Mapping[str, Any]
    ) -> dict[str, Any]:
        name, version = given["name"], str(given["version"])
        before = self._registry.version(name, version)["properties"]
        return await self._registry.put_version(name, version, {**before, **present(properties)})

    def _change_model(self, name: str, properties: Mapping[str, Any]) -> None:
        before = self._registry.container(name)["properties"]
        self._registry.put_container(name, {**before, **present(properties)})

    async def _run_artifacts(self, run_id: str) -> str:
        found = await self._mlflow.call("GET", "runs/get", {"run_id": run_id})
        return str(found["run"]["info"]["artifact_uri"])

    def _listed(self, name: str) -> bool:
        versions = self._registry.versions(name)
        return not versions or any(not v["properties"].get("isAnonymous") for v in versions)

    def _latest_of(self, name: str) -> list[dict[str, Any]]:
        versions = self._registry.versions(name)
        return [self._version(name, versions[-1])] if versions else []

    def _model(self, name: str) -> dict[str, Any]:
        container = self._registry.container(name)
        return present(
            {
                "name": name,
                "creation_timestamp": milliseconds(container["systemData"]["createdAt"]),
                "last_updated_timestamp": milliseconds(container["systemData"]["lastModifiedAt"]),
                "description": container["properties"].get("description"),
                "tags": pairs(container["properties"].get("tags")),
                "latest_versions": self._latest_of(name),
            }
        )

    def _version(self, name: str, stored: Mapping[str, Any]) -> dict[str, Any]:
        properties, notes = stored["properties"], stored.get(PRIVATE) or {}
        return present(
            {
                "name": name,
                "version": stored["name"],
                "creation_timestamp": milliseconds(stored["systemData"]["createdAt"]),
                "last_updated_timestamp": milliseconds(stored["systemData"]["lastModifiedAt"]),
                "current_stage": "None",
                "description": properties.get("description"),
                "source": notes.get("source") or self._artifact_uri(stored),
                "run_id": notes.get("run_id") or "",
                "run_link": notes.get("run_link"),
                "status": "READY",
                "tags": pairs(properties.get("tags")),
            }
        )

    def _artifact_uri(self, stored: Mapping[str, Any]) -> str:
        """Where MLflow's client can download the version from: through our own server."""
        blob = self._workspace.locate(stored["properties"]["modelUri"], kind="models")
        if blob.container == self._workspace.datastores[ARTIFACT_STORE]:
            relative = blob.path.removeprefix(f"{ARTIFACT_ROOT}/")
            if relative != blob.path:
                return f"mlflow-artifacts:/{relative}"
        return f"mlflow-artifacts:/{DATASTORES}/{blob.container}/{blob.path}"

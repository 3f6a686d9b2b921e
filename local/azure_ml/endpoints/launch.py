"""Brings up one deployment on this machine: its files, its collector, its server."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.azure_ml.endpoints.collector import CollectionTarget
from local.azure_ml.endpoints.router import Target
from local.azure_ml.endpoints.rules import request_limits
from local.azure_ml.endpoints.scoring_process import ScoringProcess, ServerSpec
from local.azure_ml.workspace.uris import AssetId, parse
from local.azure_ml.workspace.workspace import DEFAULT_STORE
from local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from local.azure_ml.endpoints.collector import Collector
    from local.azure_ml.workspace.workspace import Workspace

_DEFAULT_MDC_PREFIX = "modelDataCollector"


@dataclass(slots=True)
class Running:
    """A running deployment. A revision is one state of its code, model and settings."""

    process: ScoringProcess
    target: Target
    revision: str
    collector_port: int | None


class Launcher:
    """Turns a deployment's resource into a running server.

    Args:
        root: for code and models, a folder a revision.
        logs: for the servers' logs.
    """

    def __init__(
        self, workspace: Workspace, *, root: Path, logs: Path, collector: Collector
    ) -> None:
        self._workspace = workspace
        self._root = root
        self._logs = logs
        self._collector = collector

    def log_file(self, endpoint: str, name: str) -> Path:
        """What the server writes, over all revisions."""
        return self._logs / f"endpoint-{endpoint}-{name}.log"

    def folder(self, endpoint: str, name: str, revision: str) -> Path:
        """Folder of one revision's code and model."""
        return self._root / endpoint / name / revision

    def forget(self, endpoint: str, name: str, revision: str = "") -> None:
        """Remove a revision's files, or a deployment's."""
        shutil.rmtree(self.folder(endpoint, name, revision), ignore_errors=True)

    def forget_others(self, endpoint: str, name: str, revision: str) -> None:
        """Remove the files of all revisions of a deployment but one."""
        for folder in self.folder(endpoint, name, "").glob("*"):
            if folder.name != revision:
                shutil.rmtree(folder, ignore_errors=True)

    async def materialise(
        self, endpoint: str, name: str, wanted: Mapping[str, Any], revision: str
    ) -> None:
        """Fetch code and model into the revision's folder.

        Raises:
            LocalStackError: an asset does not exist or holds no files.
        """
        properties, folder = wanted["properties"], self.folder(endpoint, name, revision)
        await self._workspace.code_files(properties["codeConfiguration"]["codeId"], folder / "code")
        model_dir = _model_dir(folder, properties)
        if model_dir is not None:
            await self._workspace.model_files(properties["model"], model_dir)

    async def launch(
        self, endpoint: str, name: str, wanted: Mapping[str, Any], revision: str
    ) -> Running:
        """Start a materialised revision and wait until it answers.

        Raises:
            LocalStackError: no such script or environment, or the server does not come up.
        """
        properties, folder = wanted["properties"], self.folder(endpoint, name, revision)
        script = properties["codeConfiguration"]["scoringScript"]
        if not (folder / "code" / script).is_file():
            raise LocalStackError(f"scoring_script '{script}' is not in the code folder")
        python = await self._workspace.environment_python(properties["environmentId"])
        instances = (wanted.get("sku") or {}).get("capacity", 1)
        variables = {
            key: value
            for key, value in (properties.get("environmentVariables") or {}).items()
            if value is not None
        }
        collecting, port = await self._collect(endpoint, name, properties, variables, folder)
        process = ScoringProcess(
            ServerSpec(
                name=f"{endpoint}/{name}",
                python=python,
                folder=folder,
                code=folder / "code",
                script=script,
                model_dir=_model_dir(folder, properties),
                environ={**self._workspace.tls.environ(), **collecting, **variables},
                workers=int(variables.get("WORKER_COUNT", "1")) * instances,
                log=self.log_file(endpoint, name),
            )
        )
        try:
            await process.start()
        except BaseException:
            if port is not None:
                await self._collector.close(port)
            raise
        limits = request_limits(properties, instances=instances)
        return Running(process, Target(name, process.url, limits), revision, port)

    async def _collect(
        self,
        endpoint: str,
        name: str,
        properties: Mapping[str, Any],
        variables: Mapping[str, str],
        folder: Path,
    ) -> tuple[dict[str, str], int | None]:
        """Open this deployment's collector; returns its settings as variables, and its port."""
        settings = properties.get("dataCollector") or {}
        collections = settings.get("collections") or {}
        on = {
            key: one
            for key, one in collections.items()
            if (one or {}).get("dataCollectionMode") == "Enabled"
        }
        if not on and variables.get("AZUREML_MDC_ENABLED", "false").lower() != "true":
            return {}, None
        prefixes = {
            key: self._workspace.locate(one["dataId"]).path
            for key, one in on.items()
            if one.get("dataId")
        }
        target = CollectionTarget(
            source=f"{self._workspace.arm_id}/onlineEndpoints/{endpoint}/deployments/{name}",
            container=self._workspace.datastores[DEFAULT_STORE],
            prefixes=prefixes,
            default_prefix=f"{_DEFAULT_MDC_PREFIX}/{endpoint}/{name}",
            rolling_rate=settings.get("rollingRate") or "Hour",
        )
        port = await self._collector.open(target)
        environ = {"AZUREML_MDC_HOST": "127.0.0.1", "AZUREML_MDC_PORT": str(port)}
        if not on:
            return environ, port
        config = folder / "mdc.json"
        sampled = {
            key: {
                "enabled": True,
                "sampleRatePercentage": round(100 * (one.get("samplingRate") or 1)),
            }
            for key, one in on.items()
        }
        config.write_text(json.dumps({"runMode": "cloud", "collections": sampled}), "utf-8")
        return {
            **environ,
            "AZUREML_MDC_ENABLED": "true",
            "AZUREML_MDC_CONFIG_PATH": str(config),
        }, port

    async def end(self, running: Running) -> None:
        """Stop the server, then its collector, which takes the server's last rows."""
        await running.process.stop()
        if running.collector_port is not None:
            await self._collector.close(running.collector_port)


def _model_dir(folder: Path, properties: Mapping[str, Any]) -> Path | None:
    """Where Azure mounts a model: below the application folder, by name and version."""
    if not properties.get("model"):
        return None
    model = parse(properties["model"])
    if not isinstance(model, AssetId) or model.version is None:
        raise LocalStackError(f"'{properties['model']}' names no registered model version")
    return folder / "azureml-models" / model.name / model.version

"""A real local Azure ML with endpoints, in a thread of its own, and the adapters on it."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import threading
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.azure_ml.endpoints.endpoints import OnlineEndpoints
from local.azure_ml.identity import Identity
from local.azure_ml.mlflow.server import MlflowServer
from local.azure_ml.server import AzureMl
from local.azure_ml.workspace.workspace import WorkspaceNames
from local.environments.builds import Environments
from shared.adapters.azure_ml import AzureMlWorkspace, WorkspaceAddress
from shared.adapters.azure_ml_endpoints import AzureMlEndpoints, EndpointSettings
from shared.adapters.azure_ml_jobs import AzureMlJobs
from shared.adapters.azure_ml_pipeline import PipelineSettings
from shared.adapters.azure_ml_registry import AzureMlRegistry
from shared.adapters.blob_data import BlobEvidence
from shared.adapters.identity import app_identity
from shared.adapters.storage_account import StorageAccount

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from local.serving.tls import LocalTls

_ROOT = Path(__file__).resolve().parents[3]
_HERE = Path(__file__).resolve().parent
_TRAINING = """\
name: steps
dependencies:
  - python>=3.11
  - pip
  - pip:
      - mlflow-skinny==3.15.0
"""
_SCORING = """\
name: plain-server
dependencies:
  - python>=3.11
  - pip
  - pip:
      - azureml-inference-server-http==1.5.1
      - setuptools<81
"""


def make_code(folder: Path) -> Path:
    """A folder with an `ml/` whose components are ours by name, inputs and outputs only."""
    ml = folder / "ml"
    for part in ("jobs", "environments", "scoring", "steps"):
        (ml / part).mkdir(parents=True)
    for component in (_ROOT / "ml" / "jobs").glob("*.yml"):
        content = component.read_text("utf-8")
        if "type: command" not in content:
            continue  # Spark's is not submitted by the app
        text, count = re.subn(
            r"python -m ml\.\w+\.(\w+)_job", r"python -m ml.steps.step \1", content
        )
        assert count == 1, f"{component.name} runs something else than one module"
        (ml / "jobs" / component.name).write_text(text)
    (ml / "environments" / "training.yml").write_text(_TRAINING)
    (ml / "environments" / "scoring.yml").write_text(_SCORING)
    shutil.copy(_HERE / "step.py", ml / "steps" / "step.py")
    shutil.copy(_HERE / "score.py", ml / "scoring" / "score.py")
    for package in (ml, ml / "steps", ml / "scoring"):
        (package / "__init__.py").touch()
    return folder


class RealAzureMl:
    """The adapters under test, with helpers for their tests."""

    def __init__(self, connection_string: str, folder: Path, tls: LocalTls) -> None:
        self._folder = folder
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._identity = Identity()
        self._storage = StorageAccount(connection_string=connection_string)
        self._mlflow = MlflowServer(
            state=folder / "mlflow",
            log=folder / "mlflow.log",
            cache=_ROOT / ".local" / "cache" / "mlflow",
            storage_connection_string=connection_string,
        )
        self._server = AzureMl(
            names=WorkspaceNames(),
            datastores={"retrain_data": "data"},
            storage_connection_string=connection_string,
            # Kept between sessions: an environment is named by its content.
            environments=Environments(_ROOT / ".local" / "cache" / "environments"),
            identity=self._identity,
            mlflow=self._mlflow,
            tls=tls,
            state=folder / "state",
            publish=self._published,
            parts=[lambda workspace: OnlineEndpoints(workspace, logs=folder / "logs")],
        )

    def start(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._thread.start()
        self._run(self._identity.start())
        self._run(self._mlflow.start())
        self._run(self._server.start())
        for key, value in self._server.environ().items():
            monkeypatch.setenv(key, value)
        monkeypatch.delenv("CONTAINER_NAME", raising=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the SDK uses deprecated parts of marshmallow
            import azure.ai.ml  # noqa: F401, PLC0415 - once, here
        names = WorkspaceNames()
        self._workspace = workspace = AzureMlWorkspace(
            WorkspaceAddress(names.subscription, names.resource_group, names.name),
            credential=app_identity,
        )
        code = make_code(self._folder / "code")
        self.registry = AzureMlRegistry(workspace, datastore="retrain_data")
        self.endpoints = AzureMlEndpoints(
            workspace,
            settings=EndpointSettings(code=code, prefix="t", instance_type="Standard_DS3_v2"),
        )
        self.jobs = AzureMlJobs(
            workspace,
            settings=PipelineSettings(code=code, compute="serverless", datastore="retrain_data"),
            endpoint_name=self.endpoints.endpoint_name,
        )
        self.evidence = BlobEvidence(self._storage, container="azureml-blobstore")

    def stop(self) -> None:
        self._run(self._server.stop())
        self._run(self._mlflow.stop())
        self._run(self._identity.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def steer(self, model: str, cycle_id: str, how: str) -> str:
        """Pins of a job with the given outcome; their path in the data container."""
        data = self._storage.blobs().get_container_client("data")
        pins = f"{model}/pins/{cycle_id}.json"
        data.upload_blob(pins, json.dumps({"how": how}), overwrite=True)
        data.upload_blob(f"{model}/files/a.csv", b"x,y\n1,2\n", overwrite=True)
        return pins

    def steer_drift(self, model: str, how: str) -> str:
        """Reference profile of a drift job with the given outcome, with collected rows."""
        workspace = self._storage.blobs().get_container_client("azureml-blobstore")
        profile = f"evidence/{model}/reference.profile"
        workspace.upload_blob(profile, json.dumps({"how": how}), overwrite=True)
        collected = f"modelDataCollector/t-{model}/version-7/model_inputs/2026/03/14/11/a.jsonl"
        workspace.upload_blob(collected, b"{}", overwrite=True)
        return profile

    def steer_file(self, model: str, how: str) -> str:
        """A file whose test has the given outcome; its path in the data container."""
        path = f"{model}/untested/{how}"
        data = self._storage.blobs().get_container_client("data")
        data.upload_blob(path, json.dumps({"how": how}), overwrite=True)
        return path

    def written(self, path: str) -> dict[str, Any]:
        """A JSON blob of the workspace."""
        workspace = self._storage.blobs().get_container_client("azureml-blobstore")
        found: dict[str, Any] = json.loads(workspace.download_blob(path).readall())
        return found

    def run_tags(self, job: str) -> dict[str, str]:
        """Tags of the job's run, as the MLflow behind the workspace has them."""
        found = self._run(self._server._mlflow.call("GET", "runs/get", self._run_of(job)))
        return {tag["key"]: tag["value"] for tag in found["run"]["data"]["tags"]}

    def delete_run(self, job: str) -> None:
        self._run(self._server._mlflow.call("POST", "runs/delete", self._run_of(job)))

    def _run_of(self, job: str) -> dict[str, str | None]:
        return {"run_id": self._server._run_of_job(job)}

    def register(self, model: str, tags: dict[str, str]) -> str:
        """A version that no job registered."""
        from azure.ai.ml.entities import Model  # noqa: PLC0415 - imported by `start`

        path = f"azureml://datastores/workspaceblobstore/paths/{model}/"
        version = Model(name=model, type="custom_model", path=path, tags=tags)
        return str(self._workspace.client.models.create_or_update(version).version)

    def until(self, reached: Callable[[], Any], *, seconds: float = 90) -> Any:
        """What `reached` returns, once it is true."""
        deadline = time.monotonic() + seconds
        while not (value := reached()):
            assert time.monotonic() < deadline, f"not reached in {seconds} s"
            time.sleep(0.2)
        return value

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(180)

    async def _published(self, *_event: Any) -> None:
        return

"""A real MLflow server as a child: tracking in sqlite, artefacts in the workspace's storage."""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import aiohttp

from local.azure_ml.mlflow import database as mlflow_database
from local.azure_ml.workspace.workspace import ARTIFACT_CONTAINER, ARTIFACT_ROOT
from local.errors import LocalStackError, ProcessFailedError
from local.supervision.health_check import until_answering
from local.supervision.port_allocation import free_port
from local.supervision.processes import Command, ManagedProcess

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_START_SECONDS = 90.0
_CALL_SECONDS = 60.0
_KEEP_ALIVE_SECONDS = 75  # aiohttp's client: 15


class MlflowRefusedError(LocalStackError):
    """MLflow answered with an error; the text is its own."""


class MlflowUnavailableError(LocalStackError):
    """MLflow did not answer."""


class MlflowServer:
    """`mlflow.server` under gunicorn with one worker: 260 MB PSS, against 570 of `mlflow server`.

    That leaves out the command line's parent process and its job runners. Artefacts go
    through it to `azureml/ExperimentRun/…` of the storage account, where Azure keeps them.

    Args:
        state: folder of its database.
        log: file for what it prints.
        cache: folder for the empty database that new ones begin as; the first start fills it.
        storage_connection_string: of the account that holds artefacts.
    """

    def __init__(
        self, *, state: Path, log: Path, cache: Path, storage_connection_string: str
    ) -> None:
        self._state = state
        self._log = log
        self._empty = cache / f"empty-{version('mlflow')}.db"
        self._storage = storage_connection_string
        self._process: ManagedProcess | None = None
        self._session: aiohttp.ClientSession | None = None
        self.url = ""

    async def start(self) -> None:
        """Start and wait until it answers.

        Raises:
            ProcessFailedError: it ended or stayed silent; with the log's end.
            LocalStackError: its database is damaged.
        """
        database = self._state / "mlflow.db"
        is_new = not database.exists()
        is_first = is_new and not mlflow_database.begin(database, empty=self._empty)
        mlflow_database.refuse_damage(database)
        port = free_port()
        settings = dict(part.split("=", 1) for part in self._storage.strip(";").split(";"))
        account = settings["AccountName"]
        server = ["-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "1"]
        # A worker that is still importing does not react to gunicorn's SIGTERM.
        server += ["--graceful-timeout", "2"]
        # Longer than our client keeps a connection, so that it never reuses one being closed.
        server += ["--keep-alive", str(_KEEP_ALIVE_SECONDS)]
        self._process = await ManagedProcess.start(
            Command(
                name="mlflow",
                argv=[sys.executable, *server, "--threads", "4", "mlflow.server:app"],
                log=self._log,
                environ={
                    "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{database}",
                    "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
                    "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
                    "_MLFLOW_SERVER_ARTIFACT_DESTINATION": (
                        f"wasbs://{ARTIFACT_CONTAINER}@{account}.blob.core.windows.net/{ARTIFACT_ROOT}"
                    ),
                    "AZURE_STORAGE_CONNECTION_STRING": self._storage,
                    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
                    "MLFLOW_DISABLE_TELEMETRY": "true",
                    # a registry does not need numpy's and scipy's thread pools
                    "OPENBLAS_NUM_THREADS": "1",
                    "OMP_NUM_THREADS": "1",
                },
            )
        )
        self.url = f"http://127.0.0.1:{port}"
        timeout = aiohttp.ClientTimeout(total=_CALL_SECONDS)
        self._session = aiohttp.ClientSession(timeout=timeout)
        # gunicorn's parent listens before its worker has imported MLflow: one probe waits for that.
        await until_answering(
            self._process,
            f"{self.url}/health",
            timeout_seconds=_START_SECONDS,
            probe_seconds=_START_SECONDS,
        )
        if is_first:
            await self.call("POST", "experiments/search", {"max_results": 1})  # makes the tables
            mlflow_database.keep(database, empty=self._empty)

    async def stop(self) -> None:
        """End it. Harmless when it never started."""
        # First, so that no caller uses one that is being closed.
        session, self._session = self._session, None
        if session is not None:
            await session.close()
        if self._process is not None:
            await self._process.stop()
            self._process = None

    async def ended(self) -> int:
        """Wait until it has ended without `stop`; its exit code.

        Raises:
            ProcessFailedError: it does not run.
        """
        if self._process is None:
            raise ProcessFailedError("mlflow does not run")
        return await self._process.wait()

    @property
    def session(self) -> aiohttp.ClientSession:
        """The client session to it, while it runs.

        Raises:
            MlflowUnavailableError: it is not started, or is being started again.
        """
        if self._session is None:
            raise MlflowUnavailableError("mlflow is not running; try again in some seconds")
        return self._session

    async def call(
        self, method: str, route: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """One REST call below `/api/2.0/mlflow/`.

        Raises:
            MlflowRefusedError: it answered with an error.
            MlflowUnavailableError: it did not answer, or not in JSON.
        """
        url = f"{self.url}/api/2.0/mlflow/{route}"
        given: dict[str, Any] = {"params": body} if method == "GET" else {"json": body}
        try:
            async with self.session.request(method, url, **given) as answer:
                text, failed = await answer.text(), not answer.ok
            content: dict[str, Any] = json.loads(text)
        except (aiohttp.ClientError, TimeoutError, ValueError) as exc:
            raise MlflowUnavailableError(
                f"mlflow {route}: no usable answer ({type(exc).__name__}: {exc}). Log: {self._log}"
            ) from exc
        if failed:
            raise MlflowRefusedError(f"mlflow {route}: {content.get('message', content)}")
        return content

    async def experiment_id(self, name: str) -> str:
        """The experiment of that name, created on first use."""
        found = await self.call(
            "POST",
            "experiments/search",
            {"max_results": 1, "filter": f"name = {_quoted(name)}", "view_type": "ACTIVE_ONLY"},
        )
        if found.get("experiments"):
            return str(found["experiments"][0]["experiment_id"])
        created = await self.call("POST", "experiments/create", {"name": name})
        return str(created["experiment_id"])

    async def create_run(
        self, experiment_id: str, *, name: str, tags: Mapping[str, str], parent: str | None = None
    ) -> str:
        """Create a run with status RUNNING; returns its id."""
        every = {**tags, "mlflow.source.type": "JOB", "mlflow.user": "local"}
        if parent is not None:
            every["mlflow.parentRunId"] = parent
        created = await self.call(
            "POST",
            "runs/create",
            {
                "experiment_id": experiment_id,
                "run_name": name,
                "start_time": int(time.time() * 1000),
                "tags": [{"key": key, "value": value} for key, value in every.items()],
            },
        )
        return str(created["run"]["info"]["run_id"])

    async def restart_run(self, run_id: str) -> None:
        """Set a run to RUNNING again; what it has logged stays.

        Raises:
            MlflowRefusedError: it was deleted.
            MlflowUnavailableError: MLflow did not answer.
        """
        await self.call("POST", "runs/update", {"run_id": run_id, "status": "RUNNING"})

    async def end_run(self, run_id: str, status: str) -> None:
        """End a run as FINISHED, FAILED or KILLED."""
        await self.call(
            "POST",
            "runs/update",
            {"run_id": run_id, "status": status, "end_time": int(time.time() * 1000)},
        )


def _quoted(text: str) -> str:
    quote = "'" if "'" not in text else '"'
    return f"{quote}{text}{quote}"

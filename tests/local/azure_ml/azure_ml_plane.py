"""A real control plane in a thread, and the SDK's client pointed at it."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local.azure_ml.identity import Identity
from local.azure_ml.mlflow.server import MlflowServer
from local.azure_ml.server import AzureMl
from local.azure_ml.workspace.workspace import WorkspaceNames

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from local.environments.builds import Environments
    from local.serving.tls import LocalTls

# Kept between sessions: what is in it is named by its content or version.
CACHE = Path(__file__).resolve().parents[3] / ".local" / "cache"
TERMINAL = {"Completed", "Failed", "Canceled"}


class LoopThread:
    """An event loop of its own, so that synchronous clients can talk to what runs in it."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Any], *, seconds: float = 180) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(seconds)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@dataclass
class ControlPlane:
    """A running control plane, with what tests inspect."""

    server: AzureMl
    identity: Identity
    loop: LoopThread
    trace: Path
    state: Path
    connection_string: str
    events: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    @property
    def workspace(self):
        return self.server._runner.context.workspace

    def events_of(self, run: str) -> list[tuple[str, dict[str, Any]]]:
        return [
            (kind.rsplit(".", 1)[-1], data)
            for kind, _, data in self.events
            if data.get("runId") == run
        ]


@dataclass(frozen=True)
class Parts:
    """How to make a control plane on a storage account; a second one for restarts."""

    storage: str
    environments: Environments
    mlflow: MlflowServer
    tls: LocalTls

    def make(
        self, loop: LoopThread, folder: Path, *, mlflow: MlflowServer | None = None
    ) -> ControlPlane:
        identity = Identity()
        events: list[tuple[str, str, dict[str, Any]]] = []

        async def publish(kind: str, subject: str, data: dict[str, Any]) -> None:
            events.append((kind, subject, data))

        trace = folder / "trace.jsonl"
        server = AzureMl(
            names=WorkspaceNames(),
            datastores={"retrain_data": "data"},
            storage_connection_string=self.storage,
            environments=self.environments,
            identity=identity,
            tls=self.tls,
            mlflow=mlflow or self.mlflow,
            state=folder / "state",
            publish=publish,
            trace=trace,
        )
        return ControlPlane(server, identity, loop, trace, folder / "state", self.storage, events)


def mlflow_in(folder: Path, storage: str, *, cache: Path = CACHE / "mlflow") -> MlflowServer:
    """An MLflow server to be started; its artefacts go to the account of `storage`."""
    return MlflowServer(
        state=folder,
        log=folder / "mlflow.log",
        cache=cache,
        storage_connection_string=storage,
    )


async def start(plane: ControlPlane) -> None:
    await plane.identity.start()
    await plane.server.start()


async def stop(plane: ControlPlane) -> None:
    await plane.server.stop()
    await plane.identity.stop()


def client_of(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The SDK's own client, finding everything by environment variables alone."""
    for key, value in plane.server.environ().items():
        monkeypatch.setenv(key, value)
    monkeypatch.delenv("CONTAINER_NAME", raising=False)
    from azure_sdk import DefaultAzureCredential, MLClient  # noqa: PLC0415 - seconds to import

    names = WorkspaceNames()
    return MLClient(DefaultAzureCredential(), names.subscription, names.resource_group, names.name)


def wait_for(client: Any, name: str, *statuses: str, seconds: float = 90) -> Any:
    """The job once it has one of the statuses (default: any terminal one)."""
    wanted = set(statuses) or TERMINAL
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        job = client.jobs.get(name)
        if job.status in wanted:
            return job
        if job.status in TERMINAL:
            break
        time.sleep(0.1)
    pytest.fail(f"job {name} is {job.status}, not {wanted}: {job.properties}")

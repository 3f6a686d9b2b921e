"""A real control plane for the session, used by the unmodified SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from azure_ml_plane import (
    CACHE,
    ControlPlane,
    LoopThread,
    Parts,
    client_of,
    mlflow_in,
    start,
    stop,
)

from local.environments.builds import Environments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.azure_ml.mlflow.server import MlflowServer


@pytest.fixture(scope="session")
def loop_thread() -> Iterator[LoopThread]:
    thread = LoopThread()
    yield thread
    thread.close()


@pytest.fixture(scope="session")
def mlflow_server(azurite, loop_thread, tmp_path_factory) -> Iterator[MlflowServer]:
    server = mlflow_in(tmp_path_factory.mktemp("mlflow"), azurite.connection_string())
    try:
        loop_thread.run(server.start())
        yield server
    finally:
        loop_thread.run(server.stop())


@pytest.fixture(scope="session")
def parts(azurite, mlflow_server, tls) -> Parts:
    return Parts(
        storage=azurite.connection_string(),
        # Kept between sessions: an environment is named by its content.
        environments=Environments(CACHE / "environments"),
        mlflow=mlflow_server,
        tls=tls,
    )


@pytest.fixture(scope="session")
def plane(parts, loop_thread, tmp_path_factory) -> Iterator[ControlPlane]:
    """One control plane for the session: use names of your own for jobs and assets."""
    made = parts.make(loop_thread, tmp_path_factory.mktemp("azure_ml"))
    try:
        loop_thread.run(start(made))
        yield made
    finally:
        loop_thread.run(stop(made))


@pytest.fixture
def ml_client(plane, monkeypatch) -> Any:
    return client_of(plane, monkeypatch)

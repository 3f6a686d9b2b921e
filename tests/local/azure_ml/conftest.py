"""A real control plane for the session, spoken to by the unmodified SDK."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from azure_ml_plane import ControlPlane, LoopThread, Parts, client_of, start, stop

from local.environments import Environments

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def loop_thread() -> Iterator[LoopThread]:
    thread = LoopThread()
    yield thread
    thread.close()


@pytest.fixture(scope="session")
def parts(azurite, tls) -> Parts:
    return Parts(
        storage=azurite.connection_string(),
        # Kept between sessions: an environment is named by its content.
        environments=Environments(_ROOT / ".local" / "cache" / "environments"),
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

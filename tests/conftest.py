"""Fixtures for every suite. Imports little: every process that runs tests loads it."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from local.azurite import Azurite
    from local.serving.tls import LocalTls

# Without a deadline: the first example waits for imports, and machines are busy at times.
# `--hypothesis-profile=thorough` tries more examples.
settings.register_profile("quick", max_examples=30, deadline=None)
settings.register_profile("thorough", max_examples=300, deadline=None)
settings.load_profile("quick")

_ROOT = Path(__file__).resolve().parent.parent


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """The garbage collector leaves out what exists when the tests begin: imported libraries.

    It would go through all of them again and again: a seventh of the CPU time of the unit tests.
    What tests make is still collected, so that `filterwarnings = error` sees what they leave open.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start journeys on the whole stack first: they take longest, and would otherwise run alone."""
    items.sort(key=lambda item: item.get_closest_marker("stack") is None)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Coroutine tests marked `anyio` run on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> LocalTls:
    """One authority for the session, the only one that `requests` trusts.

    It reads all it trusts at every new connection: 45 ms of CPU for the public authorities.
    Whatever else is started, as uv is, still trusts those.
    """
    from local.serving.tls import LocalTls  # noqa: PLC0415 - see the module's docstring

    class OursAlone(LocalTls):
        def environ(self) -> dict[str, str]:
            ours = self.bundle.with_name("ours.pem")
            if not ours.exists():
                begin = b"-----BEGIN CERTIFICATE-----"
                ours.write_bytes(begin + self.bundle.read_bytes().rpartition(begin)[2])
            return {**super().environ(), "REQUESTS_CA_BUNDLE": str(ours)}

    return OursAlone.create(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def azurite_program() -> Sequence[str]:
    """How to run Azurite; installed on first use."""
    from local.azurite import install_azurite  # noqa: PLC0415 - see the module's docstring

    return asyncio.run(install_azurite(_ROOT / ".local" / "cache" / "azurite"))


@pytest.fixture(scope="session")
def azurite(
    azurite_program: Sequence[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Azurite]:
    """One real Azurite for the session: use names of your own for containers, queues, tables."""
    from local.azurite import Azurite  # noqa: PLC0415 - see the module's docstring

    folder = tmp_path_factory.mktemp("azurite")
    with asyncio.Runner() as runner:
        server = Azurite(program=azurite_program, data=folder / "data", log=folder / "azurite.log")
        runner.run(server.start())
        try:
            yield server
        finally:
            runner.run(server.stop())

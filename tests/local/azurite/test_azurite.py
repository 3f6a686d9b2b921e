import asyncio
import json
import shutil
import socket
from pathlib import Path

import psutil
import pytest
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from local.azurite import Azurite, create_resources, install_azurite
from local.errors import ProcessFailedError

pytestmark = [pytest.mark.azurite, pytest.mark.anyio]

CLOSED_PORT = "http://127.0.0.1:9"


@pytest.fixture
def own(azurite_program, tmp_path):
    """An Azurite of the test's own, not started."""

    def make(**options):
        usual = {
            "program": azurite_program,
            "data": tmp_path / "data",
            "log": tmp_path / "azurite.log",
        }
        return Azurite(**(usual | options))

    return make


@pytest.fixture
def without_node(monkeypatch, tmp_path):
    """The machine's programs, less node."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for program in ("sh", "env", "uname"):
        (programs / program).symlink_to(shutil.which(program))
    monkeypatch.setenv("PATH", str(programs))


@pytest.fixture
def cache_with_azurite(azurite_program, tmp_path):
    """A cache folder that has Azurite already, by a link to the shared one."""
    installed = next(
        parent for parent in Path(azurite_program[1]).parents if parent.name.startswith("azurite-")
    )
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / installed.name).symlink_to(installed)
    return cache


async def test_existing_containers_queues_and_tables_are_kept(azurite):
    connection = azurite.connection_string()
    wanted = {"containers": ["created-once"], "queues": ["created-once"], "tables": ["createdonce"]}

    await create_resources(connection, **wanted)
    await create_resources(connection, **wanted)

    with BlobServiceClient.from_connection_string(connection) as blobs:
        assert "created-once" in [c.name for c in blobs.list_containers()]
    with QueueServiceClient.from_connection_string(connection) as queues:
        assert "created-once" in [q.name for q in queues.list_queues()]
    with TableServiceClient.from_connection_string(connection) as tables:
        assert "createdonce" in [t.name for t in tables.list_tables()]


async def test_state_and_ports_survive_a_restart_and_the_process_ends(own):
    first = own()
    await first.start()
    await create_resources(first.connection_string(), containers=["kept"])
    process = psutil.Process(first.pid)
    await first.stop()
    assert not process.is_running()

    second = own(
        blob_port=first.blob_port, queue_port=first.queue_port, table_port=first.table_port
    )
    await second.start()
    try:
        assert second.connection_string() == first.connection_string()
        with BlobServiceClient.from_connection_string(second.connection_string()) as blobs:
            assert [container.name for container in blobs.list_containers()] == ["kept"]
    finally:
        await second.stop()
        await second.stop()


async def test_azurite_listens_on_loopback_only(azurite):
    listening = [
        connection.laddr.ip
        for connection in psutil.Process(azurite.pid).net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]

    assert listening == ["127.0.0.1"] * 3


@pytest.mark.parametrize("content", ["", '{"half'])
async def test_damaged_state_is_named_and_kept(own, tmp_path, content):
    database = tmp_path / "data" / "__azurite_db_blob__.json"
    database.parent.mkdir()
    database.write_text(content)

    with pytest.raises(ProcessFailedError, match=r"data is damaged: __azurite_db_blob__\.json.*D"):
        await own().start()

    assert database.read_text() == content


async def test_state_folder_that_is_a_file_is_named(own, tmp_path):
    (tmp_path / "data").write_text("in the way")

    with pytest.raises(ProcessFailedError, match="data cannot be used"):
        await own().start()


async def test_taken_port_is_named_and_no_process_is_left(own):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        mine = own(table_port=port)

        with pytest.raises(ProcessFailedError, match=f"port.* taken .*Table {port}"):
            await mine.start()

    assert mine.pid is None


async def test_without_node_azurite_runs_on_node_from_the_package_index(
    without_node, cache_with_azurite, own
):
    del without_node
    said = []

    programs = await asyncio.gather(
        *(install_azurite(cache_with_azurite, progress=said.append) for _ in range(2))
    )

    assert said == ["Node, from the Python package index"]
    assert programs[0] == programs[1]
    assert Path(programs[0][0]).is_relative_to(cache_with_azurite)
    server = own(program=programs[0])
    await server.start()
    await server.stop()


async def test_package_index_that_is_down_is_named_and_leaves_no_partial_installation(
    without_node, cache_with_azurite, monkeypatch
):
    del without_node
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{CLOSED_PORT}/simple")
    monkeypatch.setenv("UV_NO_CACHE", "1")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")

    with pytest.raises(
        ProcessFailedError, match=r"index http://127.0.0.1:9/simple reachable\?.*Node 20"
    ):
        await install_azurite(cache_with_azurite)

    assert not list(cache_with_azurite.glob("node-*"))


async def test_npm_registry_that_is_down_is_named_and_leaves_no_partial_installation(
    tmp_path, monkeypatch
):
    if shutil.which("npm") is None:
        pytest.skip("there is no npm on PATH; the Node from the package index has its own test")
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", CLOSED_PORT)
    monkeypatch.setenv("NPM_CONFIG_CACHE", str(tmp_path / "npm"))
    cache = tmp_path / "cache"

    said = []
    with pytest.raises(
        ProcessFailedError,
        match=rf"registry reachable\? It is {CLOSED_PORT}/?;.*NPM_CONFIG_REGISTRY",
    ):
        await install_azurite(cache, progress=said.append)

    assert len(said) < 5  # a second says nothing new: what is said may go into a file
    assert not list(cache.glob("azurite-*"))


def test_npm_lock_file_pins_everything_without_addresses():
    here = Path(__file__).resolve().parents[3] / "local" / "azurite"
    text = (here / "package-lock.json").read_text(encoding="utf-8")

    assert "://" not in text
    assert text.count('"integrity"') == text.count('    "node_modules/')
    packages = json.loads(text)["packages"]
    assert not [path for path in packages if "opentelemetry" in path or "identity" in path]
    for never_used in ("applicationinsights", "mysql2", "tedious"):
        assert packages[f"node_modules/{never_used}"]["name"] == "tslib"


async def test_installation_without_its_program_is_repeated(azurite_program, tmp_path, monkeypatch):
    # given: what is named as complete holds nothing
    home = next(p for p in Path(azurite_program[1]).parents if p.name.startswith("azurite-"))
    cache = tmp_path / "cache"
    (cache / home.name / "node_modules").mkdir(parents=True)
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", CLOSED_PORT)
    monkeypatch.setenv("NPM_CONFIG_CACHE", str(tmp_path / "npm"))

    # when, then: it is not believed
    with pytest.raises(ProcessFailedError, match="npm ci"):
        await install_azurite(cache)

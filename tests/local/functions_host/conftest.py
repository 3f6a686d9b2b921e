from __future__ import annotations

import asyncio
import base64
import sys
import time
import uuid
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

from local.functions_host import FunctionsHost

APPS = Path(__file__).parent / "apps"


class Shop:
    """One storage account's worth of names, and hosts over it."""

    def __init__(self, azurite, folder):
        self.connection = azurite.connection_string()
        self.folder = folder
        self.names = {
            name: f"{name.lower()}-{uuid.uuid4().hex[:10]}" for name in ("ORDERS", "PACKED")
        }
        self.names["REPORTS"] = f"reports-{uuid.uuid4().hex[:10]}"
        self.hosts = []

    @property
    def settings(self):
        own = {"SHOP_NAME": "corner", "AzureFunctionsWebHost__hostid": self.names["REPORTS"]}
        return self.names | own

    def host(self, app="shop", *, name="host", settings=None, **options):
        """A host that is stopped at the end of the test."""
        host = FunctionsHost(
            app_dir=app if isinstance(app, Path) else APPS / app,
            python=Path(sys.executable),
            settings=self.settings | (settings or {}),
            state=self.folder / name,
            log=self.folder / f"{name}.log",
            storage_connection_string=self.connection,
            **options,
        )
        self.hosts.append(host)
        return host

    async def started(self, app="shop", **options):
        host = self.host(app, **options)
        await host.start()
        return host

    def log(self, name="host"):
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")

    def app(self, code, *, host_json='{"version": "2.0"}'):
        """An app written for one test."""
        folder = self.folder / f"app-{uuid.uuid4().hex[:6]}"
        folder.mkdir()
        (folder / "host.json").write_text(host_json, encoding="utf-8")
        (folder / "function_app.py").write_text(code, encoding="utf-8")
        return folder

    @asynccontextmanager
    async def queue(self, name):
        async with QueueServiceClient.from_connection_string(self.connection) as service:
            client = service.get_queue_client(self.names.get(name, name))
            try:
                await client.get_queue_properties()
            except ResourceNotFoundError:
                with suppress(ResourceExistsError):  # the host made it meanwhile
                    await client.create_queue()
            yield client

    async def send(self, name, *texts):
        async with self.queue(name) as queue:
            for text in texts:
                await queue.send_message(base64.b64encode(text.encode()).decode())

    async def received(self, name, count, *, within=15.0):
        """Wait for that many messages and take them out of the queue."""
        found = []
        deadline = time.monotonic() + within
        async with self.queue(name) as queue:
            while len(found) < count:
                assert time.monotonic() < deadline, f"{found} of {count} messages in {name}"
                async for message in queue.receive_messages(messages_per_page=32):
                    found.append(base64.b64decode(message.content).decode())
                    await queue.delete_message(message)
                await asyncio.sleep(0.05)
        return sorted(found)

    async def left(self, name):
        """How many messages are in a queue, hidden ones too."""
        async with self.queue(name) as queue:
            return (await queue.get_queue_properties()).approximate_message_count

    async def blob(self, container, name, *, within=10.0):
        """Wait for a blob and read it."""
        deadline = time.monotonic() + within
        async with BlobServiceClient.from_connection_string(self.connection) as service:
            client = service.get_blob_client(self.names.get(container, container), name)
            while True:
                try:
                    return await (await client.download_blob()).readall()
                except ResourceNotFoundError:
                    assert time.monotonic() < deadline, f"no blob {container}/{name}"
                    await asyncio.sleep(0.05)


async def until(condition, *, within=10.0):
    """Wait until a condition holds, by looking at it."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        await asyncio.sleep(0.02)


@pytest.fixture(name="until")
def until_fixture():
    return until


@pytest.fixture
async def shop(azurite, tmp_path):
    shop = Shop(azurite, tmp_path)
    yield shop
    for host in shop.hosts:
        await host.stop()


@pytest.fixture
async def http():
    async with aiohttp.ClientSession() as session:

        async def ask(method, url, **options):
            async with session.request(method, url, **options) as response:
                await response.read()
                return response, await response.text()

        yield ask

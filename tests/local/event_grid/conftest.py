"""An Event Grid on the shared Azurite, with the destinations of its deliveries."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial

import pytest
from aiohttp import web
from azure.eventgrid import EventGridPublisherClient
from azure.storage.queue.aio import QueueClient
from grid_bench import TOKEN, Webhook

from local.azurite import create_resources
from local.event_grid import EventGrid
from local.event_grid.models import SubscriptionEntry, TopicEntry
from local.serving.http_server import close_server


@pytest.fixture(scope="module")
async def one_loop():
    """One event loop for the module: closing TLS takes some turns of it, after the test's end."""
    yield "for all its tests"
    await asyncio.sleep(0.2)


@pytest.fixture
async def storage(azurite, name, one_loop):
    """A queue and a dead-letter container of the test's own name."""
    assert one_loop
    connection = azurite.connection_string()
    await create_resources(connection, containers=[name], queues=[name])
    return connection


@pytest.fixture
async def queue(storage, name):
    async with QueueClient.from_connection_string(storage, name) as client:
        yield client


@pytest.fixture
def started(tmp_path, tls, storage):
    @asynccontextmanager
    async def start(*subscriptions, topics=(), **options):
        grid = EventGrid(
            **{
                "state": tmp_path / "grid",
                "subscriptions": [SubscriptionEntry.model_validate(one) for one in subscriptions],
                "topics": [TopicEntry.model_validate(one) for one in topics],
                "storage_connection_string": storage,
                "tls": tls,
                "authorize": TOKEN.__eq__,
                **options,
            }
        )
        await grid.start()
        try:
            yield grid
        finally:
            await grid.stop()

    return start


@pytest.fixture
async def webhook(tls):
    hook = Webhook()
    runner = web.ServerRunner(web.Server(hook.handle, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls.server_context).start()
    hook.url = f"https://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield hook
    await close_server(runner)


@pytest.fixture
def send(tls, monkeypatch):
    """Publish with the real client, which trusts the stack as every program does it starts."""
    for variable, value in tls.environ().items():
        monkeypatch.setenv(variable, value)

    def blocking(endpoint, credential, events):
        with EventGridPublisherClient(endpoint, credential, retry_total=0) as client:
            client.send(events)

    return partial(asyncio.to_thread, blocking)

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
from azure.storage.blob.aio import BlobServiceClient as AsyncBlobServiceClient

from local.storage_events import StorageEventsProxy


class Published:
    """A double of Event Grid: records the events it is given, and can refuse them."""

    def __init__(self):
        self.events = []
        self.refuse_with = None
        self.subscriptions = ["to-queue"]

    async def __call__(self, event):
        if self.refuse_with is not None:
            raise self.refuse_with
        self.events.append(event)
        return self.subscriptions

    def told(self):
        """Event type, API name and subject of each event, in order."""
        return [
            (event["eventType"].rpartition(".")[2], event["data"]["api"], event["subject"])
            for event in self.events
        ]


@pytest.fixture
def topic():
    return "/subscriptions/0/resourceGroups/local/providers/Microsoft.Storage/storageAccounts/a"


@pytest.fixture
def published():
    return Published()


@pytest.fixture
def started_proxy(azurite, tmp_path, published, topic):
    """A context manager that starts a proxy on the shared Azurite; the scan is left to the test.

    What other tests left in the account is told to `published` by the first scan: forgotten.
    """

    @asynccontextmanager
    async def start(**options):
        options = {"state": tmp_path / "proxy", "scan_seconds": 0} | options
        proxy = StorageEventsProxy(
            upstream=f"http://127.0.0.1:{azurite.blob_port}",
            publish=published,
            topic=topic,
            **options,
        )
        await proxy.start()
        try:
            yield proxy
        finally:
            await proxy.stop()

    return start


@pytest.fixture
async def proxy(started_proxy, published):
    async with started_proxy() as proxy:
        published.events.clear()
        yield proxy


@pytest.fixture
def connection(azurite, proxy):
    """A connection string whose blob traffic goes through the proxy."""
    return azurite.connection_string(blob_endpoint=proxy.blob_endpoint)


@pytest.fixture
async def container(connection, name):
    """A container seen through the proxy by the real client."""
    async with AsyncBlobServiceClient.from_connection_string(connection) as service:
        yield await service.create_container(name)


@pytest.fixture
async def behind(azurite, name, container):  # noqa: ARG001  # the container has to be there
    """The same container, past the proxy."""
    async with AsyncBlobServiceClient.from_connection_string(azurite.connection_string()) as past:
        yield past.get_container_client(name)

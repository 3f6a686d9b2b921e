import pytest
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from local.azurite import create_resources

pytestmark = [pytest.mark.azurite, pytest.mark.anyio]


async def test_resources_are_created_once_and_then_left_alone(azurite):
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

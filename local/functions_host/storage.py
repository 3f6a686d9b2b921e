"""Clients of the storage accounts that an app's settings name, one per connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

from local.functions_host.errors import FunctionAppError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azure.storage.blob.aio import ContainerClient
    from azure.storage.queue.aio import QueueClient

DEFAULT_CONNECTION = "AzureWebJobsStorage"
# The SDK's own waits begin at 15 s and would hold up a stop for a minute.
_BRIEF_RETRIES: dict[str, Any] = {
    "retry_total": 2,
    "initial_backoff": 0,
    "increment_base": 1,
    "random_jitter_range": 1,
}


def connection_string(settings: Mapping[str, str], name: str) -> str:
    """The connection string of an app's `connection="…"`, by Azure's rules.

    Raises:
        FunctionAppError: no such setting, or one in a form that needs an identity.
    """
    wanted = name or DEFAULT_CONNECTION
    for key in (f"AzureWebJobs{wanted}", wanted):
        if key in settings:
            return settings[key]
    if any(key.startswith(f"{wanted}__") for key in settings):
        raise FunctionAppError(
            f"connection {wanted!r} is given by identity ({wanted}__…), which the local storage "
            "does not take; set it to a connection string"
        )
    raise FunctionAppError(
        f"connection {wanted!r} is not an app setting; set {wanted} to a connection string"
    )


class Storage:
    """Queue and blob clients by connection string. Close it on the loop that used it."""

    def __init__(self) -> None:
        self._queues: dict[str, QueueServiceClient] = {}
        self._blobs: dict[str, BlobServiceClient] = {}

    def queue(self, connection: str, name: str) -> QueueClient:
        """A queue, as raw text: the host encodes messages itself.

        Raises:
            FunctionAppError: the connection string has no queue endpoint.
        """
        if connection not in self._queues:
            try:
                self._queues[connection] = QueueServiceClient.from_connection_string(
                    connection, **_BRIEF_RETRIES
                )
            except ValueError as exc:
                raise FunctionAppError(f"not a storage connection string: {exc}") from exc
        return self._queues[connection].get_queue_client(name)

    def container(self, connection: str, name: str) -> ContainerClient:
        """A blob container.

        Raises:
            FunctionAppError: the connection string has no blob endpoint.
        """
        if connection not in self._blobs:
            try:
                self._blobs[connection] = BlobServiceClient.from_connection_string(
                    connection, **_BRIEF_RETRIES
                )
            except ValueError as exc:
                raise FunctionAppError(f"not a storage connection string: {exc}") from exc
        return self._blobs[connection].get_container_client(name)

    async def close(self) -> None:
        """Close all connections. Harmless when repeated."""
        queues, self._queues = self._queues, {}
        blobs, self._blobs = self._blobs, {}
        for queue_client in queues.values():
            await queue_client.close()
        for blob_client in blobs.values():
            await blob_client.close()

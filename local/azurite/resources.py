"""Containers, queues and tables that an application expects to exist."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError, ResourceExistsError
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Iterable


async def create_resources(
    connection_string: str,
    *,
    containers: Iterable[str] = (),
    queues: Iterable[str] = (),
    tables: Iterable[str] = (),
) -> None:
    """Create what is missing; what exists is left as it is.

    Raises:
        LocalStackError: storage did not answer, or refused a name.
    """
    try:
        await asyncio.to_thread(
            _create, connection_string, tuple(containers), tuple(queues), tuple(tables)
        )
    except AzureError as exc:
        raise LocalStackError(f"containers, queues and tables cannot be made: {exc}") from exc


def _create(
    connection_string: str,
    containers: tuple[str, ...],
    queues: tuple[str, ...],
    tables: tuple[str, ...],
) -> None:
    with BlobServiceClient.from_connection_string(connection_string) as blobs:
        for container in containers:
            with contextlib.suppress(ResourceExistsError):
                blobs.create_container(container)
    with QueueServiceClient.from_connection_string(connection_string) as queue_service:
        for queue in queues:
            with contextlib.suppress(ResourceExistsError):
                queue_service.create_queue(queue)
    with TableServiceClient.from_connection_string(connection_string) as table_service:
        for table in tables:
            with contextlib.suppress(ResourceExistsError):
                table_service.create_table(table)

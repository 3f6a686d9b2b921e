"""A lease that at most one host holds, on a blob, as Azure's host uses for timers."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.storage.blob.aio import BlobLeaseClient

if TYPE_CHECKING:
    from azure.storage.blob.aio import ContainerClient

# The shortest that storage allows, so that a killed host is replaced soon.
_LEASE_SECONDS = 15
_RENEW_SECONDS = 5.0
_POLL_SECONDS = 3.0


class BlobLock:
    """One named lock in a container."""

    def __init__(self, container: ContainerClient, name: str) -> None:
        self._container = container
        self._blob = container.get_blob_client(name)
        self._lease: BlobLeaseClient | None = None
        self._held_until = 0.0

    @property
    def is_held(self) -> bool:
        """Whether the lease is certainly ours now."""
        return self._lease is not None and time.monotonic() < self._held_until

    async def acquire(self) -> None:
        """Wait until the lease is ours."""
        while True:
            if await self._try():
                return
            await asyncio.sleep(_POLL_SECONDS)

    async def _try(self) -> bool:
        asked = time.monotonic()
        lease = BlobLeaseClient(self._blob)
        try:
            try:
                await lease.acquire(lease_duration=_LEASE_SECONDS)
            except ResourceNotFoundError:
                await self._create()
                await lease.acquire(lease_duration=_LEASE_SECONDS)
        except AzureError:
            return False  # held by another host, or storage is away: asked again soon
        self._lease, self._held_until = lease, asked + _LEASE_SECONDS
        return True

    async def _create(self) -> None:
        with contextlib.suppress(ResourceExistsError):
            await self._container.create_container()
        # 412: another host made it and leased it in between.
        with contextlib.suppress(ResourceExistsError, HttpResponseError):
            await self._blob.upload_blob(b"", overwrite=False)

    async def keep(self) -> None:
        """Renew it; returns when it is lost."""
        while self.is_held and self._lease is not None:
            asked = time.monotonic()
            try:
                await self._lease.renew()
            except AzureError:
                if not self.is_held:
                    return
            else:
                self._held_until = asked + _LEASE_SECONDS
            await asyncio.sleep(_RENEW_SECONDS)

    async def release(self) -> None:
        """Release it for other hosts. Harmless when it is not ours."""
        lease, self._lease = self._lease, None
        if lease is not None:
            with contextlib.suppress(AzureError):  # it lapses by itself
                await lease.release()

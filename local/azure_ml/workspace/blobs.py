"""The workspace's storage account: files to and from containers, SAS for the SDK's uploads."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError, ResourceExistsError
from azure.storage.blob import ContainerSasPermissions, generate_container_sas
from azure.storage.blob.aio import BlobServiceClient, LinearRetry

from local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator
    from pathlib import Path

_PARALLEL = 4
_SAS_LIFETIME = timedelta(hours=12)
_CLOCK_SKEW = timedelta(minutes=5)


class StorageFailedError(LocalStackError):
    """The storage account refused a call or did not answer."""


@dataclass(frozen=True, slots=True)
class BlobItem:
    """One blob as a listing shows it; `digest` changes whenever the content may have."""

    name: str
    bytes: int
    digest: str


_BLOCK_BYTES = 1 << 20


class BlobStore:
    """Blobs of one account, by its connection string. Close it when done."""

    def __init__(self, connection_string: str) -> None:
        self._service = BlobServiceClient.from_connection_string(
            connection_string,
            # On one machine an answer comes at once or not at all; the default waits 15 s first.
            retry_policy=LinearRetry(backoff=1, retry_total=3, random_jitter_range=0),
            # Larger bodies would hold up the loop that everything here shares; aiohttp warns.
            max_single_put_size=_BLOCK_BYTES,
            max_block_size=_BLOCK_BYTES,
        )
        settings = dict(
            part.split("=", 1) for part in connection_string.strip(";").split(";") if part
        )
        self.account_name: str = settings["AccountName"]
        self._account_key = settings["AccountKey"]
        self.endpoint: str = str(self._service.url).rstrip("/")

    async def close(self) -> None:
        """Close the connections."""
        await self._service.close()

    async def ensure_container(self, container: str) -> None:
        """Create the container unless it exists."""
        with _translated(container), contextlib.suppress(ResourceExistsError):
            await self._service.create_container(container)

    def container_sas(self, container: str) -> str:
        """A token (no `?`) to read, list, write and delete in `container` for twelve hours."""
        now = datetime.now(UTC)
        return generate_container_sas(
            self.account_name,
            container,
            account_key=self._account_key,
            permission=ContainerSasPermissions(
                read=True, add=True, create=True, write=True, delete=True, list=True
            ),
            start=now - _CLOCK_SKEW,
            expiry=now + _SAS_LIFETIME,
        )

    def sas_url(self, container: str, name: str = "") -> str:
        """URL of the container, or of a blob in it, with a token."""
        path = f"{container}/{name}" if name else container
        return f"{self.endpoint}/{path}?{self.container_sas(container)}"

    async def list(self, container: str, prefix: str) -> list[BlobItem]:
        """The blob called `prefix` itself, or all blobs below the folder `prefix`, by name."""
        folder = prefix.rstrip("/")
        found = []
        client = self._service.get_container_client(container)
        with _translated(f"{container}/{prefix}"):
            async for blob in client.list_blobs(name_starts_with=folder):
                if folder and blob.name != folder and not blob.name.startswith(f"{folder}/"):
                    continue
                md5 = blob.content_settings.content_md5
                digest = bytes(md5).hex() if md5 else str(blob.etag)
                found.append(BlobItem(blob.name, int(blob.size), digest))
        return sorted(found, key=lambda item: item.name)

    async def download_file(self, container: str, name: str, to: Path) -> None:
        """Write one blob to the file `to`, in chunks, with the blob's time, as in a mount."""
        to.parent.mkdir(parents=True, exist_ok=True)
        with _translated(f"{container}/{name}"):
            stream = await self._service.get_blob_client(container, name).download_blob()
            with to.open("wb") as out:
                async for chunk in stream.chunks():
                    out.write(chunk)
        moment = stream.properties.last_modified.timestamp()
        os.utime(to, (moment, moment))

    async def chunks(self, container: str, name: str) -> AsyncIterator[bytes]:
        """The blob's content, piece by piece."""
        with _translated(f"{container}/{name}"):
            stream = await self._service.get_blob_client(container, name).download_blob()
            async for chunk in stream.chunks():
                yield chunk

    async def download_prefix(self, container: str, prefix: str, to: Path) -> int:
        """Write everything below the folder `prefix` under `to`; returns the number of files.

        Raises:
            LocalStackError: a blob's name would leave `to`.
        """
        folder = prefix.rstrip("/")
        items = await self.list(container, folder)
        to.mkdir(parents=True, exist_ok=True)
        limit = asyncio.Semaphore(_PARALLEL)

        async def fetch(name: str) -> None:
            relative = name[len(folder) :].lstrip("/") or name.rsplit("/", 1)[-1]
            target = (to / relative).resolve()
            if not target.is_relative_to(to.resolve()):
                raise LocalStackError(f"blob {container}/{name} would be written outside {to}")
            async with limit:
                await self.download_file(container, name, target)

        await _all(fetch(item.name) for item in items)
        return len(items)

    async def upload_file(self, file: Path, container: str, name: str) -> None:
        """Write the file's content to the blob, replacing it."""
        client = self._service.get_blob_client(container, name)
        with _translated(f"{container}/{name}"), file.open("rb") as data:
            await client.upload_blob(data, overwrite=True)

    async def upload_bytes(self, data: bytes, container: str, name: str) -> None:
        """Write `data` to the blob, replacing it."""
        with _translated(f"{container}/{name}"):
            await self._service.get_blob_client(container, name).upload_blob(data, overwrite=True)

    async def upload_folder(self, folder: Path, container: str, prefix: str) -> int:
        """Write every file under `folder` below `prefix`; returns the number of files."""
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        limit = asyncio.Semaphore(_PARALLEL)
        base = prefix.rstrip("/")

        async def send(file: Path) -> None:
            async with limit:
                name = file.relative_to(folder).as_posix()
                await self.upload_file(file, container, f"{base}/{name}" if base else name)

        await _all(send(file) for file in files)
        return len(files)


@contextlib.contextmanager
def _translated(place: str) -> Iterator[None]:
    """Translate SDK errors to ours."""
    try:
        yield
    except AzureError as exc:
        raise StorageFailedError(f"storage, {place}: {exc.message}") from exc


async def _all(works: Iterable[Coroutine[None, None, None]]) -> None:
    """Run all at once; the first error cancels the others and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except ExceptionGroup as several:
        raise several.exceptions[0] from several


def content_digest(items: list[BlobItem], prefix: str) -> str:
    """One hash of names below `prefix`, sizes and contents: equal when nothing changed."""
    total = hashlib.sha256()
    for item in items:
        total.update(f"{item.name[len(prefix) :]}\0{item.bytes}\0{item.digest}\n".encode())
    return total.hexdigest()

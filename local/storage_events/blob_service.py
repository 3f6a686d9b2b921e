"""The few requests that the proxy itself sends to the blob service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.etree import ElementTree as ET  # what it reads comes from our own Azurite

from azure.storage.blob import AccountSasPermissions, ResourceTypes, generate_account_sas
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    import aiohttp

    from local.storage_events.operations import BlobName

_PAGE_SIZE = 1000
_SAS_LIFE = timedelta(days=3650)
_NOT_FOUND = 404


class ContainerGoneError(LookupError):
    """A container was deleted, perhaps while it was listed."""


@dataclass(frozen=True, slots=True)
class BlobState:
    """A blob as the service describes it; the ETag without its quotes."""

    name: str
    etag: str
    content_length: int
    content_type: str
    blob_type: str


class BlobService:
    """Lists and inspects blobs, with a shared access signature and the proxy's own connections.

    The SDK's client takes ten times the CPU per request, and these requests are sent for every
    upload in blocks and every scan, in the event loop that everything shares.

    Every method raises aiohttp.ClientError when the service does not answer or refuses.
    """

    def __init__(
        self, session: aiohttp.ClientSession, upstream: str, *, account: str, key: str
    ) -> None:
        self._session = session
        self._base = f"{upstream}/{account}"
        self._signature = generate_account_sas(
            account,
            key,
            ResourceTypes(service=True, container=True, object=True),
            AccountSasPermissions(read=True, list=True),
            datetime.now(UTC) + _SAS_LIFE,
        )

    async def blob(self, blob: BlobName) -> BlobState | None:
        """The current state of a blob; None if it does not exist."""
        url = self._url(f"/{quote(blob.container)}/{quote(blob.name, safe='/~')}", {})
        async with self._session.head(url) as answer:
            if answer.status == _NOT_FOUND:
                return None
            answer.raise_for_status()
            return BlobState(
                name=blob.name,
                etag=answer.headers["ETag"].strip('"'),
                content_length=int(answer.headers["Content-Length"]),
                content_type=answer.headers.get("Content-Type", ""),
                blob_type=answer.headers["x-ms-blob-type"],
            )

    async def containers(self) -> list[str]:
        """Names of all containers."""
        pages = self._pages("", {"comp": "list"})
        return [_text(found, "Name") async for page in pages for found in page.iter("Container")]

    async def blobs(self, container: str) -> AsyncIterator[BlobState]:
        """Every blob of a container, without snapshots.

        Raises:
            ContainerGoneError: the container does not exist, or was deleted meanwhile.
        """
        query = {"restype": "container", "comp": "list"}
        async for page in self._pages(f"/{quote(container)}", query):
            for found in page.iter("Blob"):
                yield BlobState(
                    name=_text(found, "Name"),
                    etag=_text(found, "Properties/Etag").strip('"'),
                    content_length=int(_text(found, "Properties/Content-Length") or 0),
                    content_type=_text(found, "Properties/Content-Type"),
                    blob_type=_text(found, "Properties/BlobType"),
                )

    async def _pages(self, path: str, query: Mapping[str, str]) -> AsyncIterator[ET.Element]:
        marker = ""
        while True:
            page_query = {**query, "maxresults": str(_PAGE_SIZE), "marker": marker}
            async with self._session.get(self._url(path, page_query)) as answer:
                if answer.status == _NOT_FOUND:
                    raise ContainerGoneError(path)
                answer.raise_for_status()
                page = ET.fromstring(await answer.read())  # noqa: S314  # see the import
            yield page
            marker = _text(page, "NextMarker")
            if not marker:
                return

    def _url(self, path: str, query: Mapping[str, str]) -> URL:
        own = "".join(f"{key}={quote(value, safe='')}&" for key, value in query.items() if value)
        return URL(f"{self._base}{path}?{own}{self._signature}", encoded=True)


def _text(element: ET.Element, path: str) -> str:
    return element.findtext(path) or ""

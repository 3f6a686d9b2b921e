"""The proxy in front of Azurite's blob service."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from typing import TYPE_CHECKING, assert_never

import aiohttp
from aiohttp import web
from yarl import URL

from local.azurite import ACCOUNT_KEY, ACCOUNT_NAME
from local.errors import LocalStackError
from local.serving.http_server import SHUTDOWN_SECONDS, has_utf8_headers
from local.storage_events.blob_service import BlobService, BlobState
from local.storage_events.events import EventFactory
from local.storage_events.forwarding import (
    answer_expect,
    forwarding_server,
    forwarding_session,
    relay,
    send_on,
    storage_error,
)
from local.storage_events.known_blobs import KnownBlobs
from local.storage_events.operations import (
    Batch,
    Changed,
    ContainerDeleted,
    Created,
    Deleted,
    Operation,
    operation_of,
)
from local.storage_events.publisher import BlobEvents, Published
from local.supervision.tasks import running

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from local.storage_events.publisher import Publish

_log = logging.getLogger(__name__)

_FAILED = 300


class StorageEventsProxy:
    """Forwards blob traffic and publishes an event for each change before it is acknowledged.

    Bodies stream through in both directions in constant memory; the Host header stays the
    client's, so signatures and copy sources stay valid. When an event cannot be published, the
    client gets a 500: repeating the request is safe, and the scan finds writes that are not
    repeated.

    Args:
        upstream: Azurite's blob service, `http://127.0.0.1:10000`.
        publish: makes an event durable before it returns; an event is an EventGridEvent as a dict.
        topic: resource id of the storage account, the events' topic.
        state: folder for what must survive a restart.
        port: 0 takes any free port. A fixed one keeps the URLs in events the same over restarts.
        listener: a bound socket to listen on instead, for a port that others know already.
        scan_seconds: how often everything is listed to find writes that bypassed the proxy;
            0 leaves it to `scan()`.
    """

    def __init__(
        self,
        *,
        upstream: str,
        publish: Publish,
        topic: str,
        state: Path,
        port: int = 0,
        listener: socket.socket | None = None,
        scan_seconds: float = 30.0,
        account: str = ACCOUNT_NAME,
        key: str = ACCOUNT_KEY,
    ) -> None:
        self._upstream = str(URL(upstream).origin())
        self._publish = publish
        self._topic = topic
        self._state = state
        self._port = port
        self._listener = listener
        self._scan_seconds = scan_seconds
        self._account = account
        self._key = key
        self._resources: contextlib.AsyncExitStack | None = None
        self._session: aiohttp.ClientSession
        self._service: BlobService
        self._events: BlobEvents
        self._scan_lock = asyncio.Lock()
        # While set, clients are told to retry, and nothing is scanned: Azurite may answer before
        # its containers exist again.
        self.held = False

    @property
    def port(self) -> int:
        """The port, once started."""
        return self._port

    @property
    def url(self) -> str:
        """Where clients go instead of Azurite's blob service, without the account."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def blob_endpoint(self) -> str:
        """For connection strings: the URL with the account."""
        return f"{self.url}/{self._account}"

    async def start(self) -> None:
        """Listen, publish what was written while the proxy was away, keep scanning.

        Raises:
            LocalStackError: the port is taken, the state is damaged or in use, or Azurite does
                not answer.
        """
        if self._resources is not None:
            return
        async with contextlib.AsyncExitStack() as resources:
            known = KnownBlobs(self._state / "storage-events.sqlite")
            resources.callback(known.close)
            self._session = await resources.enter_async_context(forwarding_session())
            self._service = BlobService(
                self._session, self._upstream, account=self._account, key=self._key
            )
            await resources.enter_async_context(self._listening())
            self._events = BlobEvents(
                known=known,
                service=self._service,
                factory=EventFactory(topic=self._topic, blob_endpoint=self.blob_endpoint),
                publish=self._publish,
            )
            try:
                await self.scan()
            except aiohttp.ClientError as exc:
                raise LocalStackError(
                    f"Azurite's blob service at {self._upstream} does not answer: {exc!r}. "
                    "Start it before the storage events proxy"
                ) from exc
            if self._scan_seconds:
                await resources.enter_async_context(
                    running(self._keep_scanning(), name="storage scan")
                )
            self._resources = resources.pop_all()

    async def stop(self) -> None:
        """Stop listening, then close everything. Harmless when it does not run."""
        resources, self._resources = self._resources, None
        if resources is not None:
            await resources.aclose()

    async def scan(self, container: str | None = None) -> None:
        """Publish what was written, changed or deleted without the proxy.

        Raises:
            aiohttp.ClientError: Azurite did not answer.
        """
        async with self._scan_lock:
            await self._events.scan(container)

    async def _keep_scanning(self) -> None:
        while True:
            await asyncio.sleep(self._scan_seconds)
            if self.held:
                continue
            try:
                await self.scan()
            except (aiohttp.ClientError, LocalStackError) as exc:
                _log.warning("the scan for bypassing writes failed and is tried again: %s", exc)

    @contextlib.asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        runner = web.ServerRunner(
            forwarding_server(self._handle), shutdown_timeout=SHUTDOWN_SECONDS
        )
        await runner.setup()
        try:
            await self._site(runner).start()
        except OSError as exc:
            await runner.cleanup()
            raise LocalStackError(
                f"the storage events proxy cannot listen on port {self._port}: {exc}. "
                "Stop what uses it or choose another port"
            ) from exc
        try:
            self._port = int(runner.addresses[0][1])
            yield
        finally:
            await runner.cleanup()

    def _site(self, runner: web.ServerRunner) -> web.BaseSite:
        if self._listener is not None:
            return web.SockSite(runner, self._listener)
        return web.TCPSite(runner, "127.0.0.1", self._port)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if self.held:
            return storage_error(503, "ServerBusy", "The service is being started again.")
        if not has_utf8_headers(request):
            return storage_error(400, "InvalidHeaderValue", "A header is not UTF-8.")
        await answer_expect(request)
        operation = operation_of(request.method, request.raw_path, request.headers)
        try:
            answer, published = await self._carry_out(operation, request)
        except aiohttp.ClientError as exc:
            return storage_error(503, "ServerBusy", f"Azurite at {self._upstream} failed: {exc!r}")
        except LocalStackError as exc:
            _log.exception("event not stored, the client is told to try again")
            return storage_error(500, "InternalError", f"The event could not be stored: {exc}")
        async with answer:
            return await relay(request, answer, added=_told(published))

    async def _carry_out(
        self, operation: Operation | None, request: web.BaseRequest
    ) -> tuple[aiohttp.ClientResponse, Published | None]:
        """Azurite's answer, once what it did is published."""
        published = None
        if operation is None:
            return await send_on(self._session, self._upstream, request), None
        async with contextlib.AsyncExitStack() as undo:
            async with self._events.writing(operation):
                answer = await send_on(self._session, self._upstream, request)
                undo.callback(answer.close)
                if answer.status < _FAILED:
                    published = await self._publish_for(operation, request, answer.headers)
            undo.pop_all()
        return answer, published

    async def _publish_for(
        self, operation: Operation, request: web.BaseRequest, answer: Mapping[str, str]
    ) -> Published | None:
        ids = {
            "clientRequestId": request.headers.get("x-ms-client-request-id", ""),
            "requestId": answer.get("x-ms-request-id", str(uuid.uuid4())),
        }
        match operation:
            case Created(blob, api):
                if answer.get("x-ms-copy-status", "success") != "success":
                    return None  # still copying: there is no content yet; the scan will find it
                state = await self._state_after(operation, request, answer["ETag"].strip('"'))
                return await self._events.created(blob, state, api=api, ids=ids)
            case Deleted(blob):
                return await self._events.deleted(blob, ids=ids)
            case Changed(blob):
                if "ETag" in answer:
                    self._events.changed(blob, answer["ETag"].strip('"'))
            case ContainerDeleted(container):
                self._events.container_deleted(container)
            case Batch(container):
                await self.scan(container)
            case _:
                assert_never(operation)
        return None

    async def _state_after(
        self, operation: Created, request: web.BaseRequest, etag: str
    ) -> BlobState:
        headers = request.headers
        if operation.api == "PutBlob" and "x-ms-copy-source" not in headers:
            content_type = headers.get("x-ms-blob-content-type", headers.get("Content-Type", ""))
            return BlobState(
                name=operation.blob.name,
                etag=etag,
                content_length=int(
                    headers.get("x-ms-blob-content-length", headers.get("Content-Length", "0"))
                ),
                content_type=content_type or "application/octet-stream",
                blob_type=headers.get("x-ms-blob-type", "BlockBlob"),
            )
        found = await self._service.blob(operation.blob)
        # Replaced or deleted since: size and type of what is there now, if anything is; the ETag
        # says whose event it is, and the next event of this blob is on its way.
        return BlobState(
            name=operation.blob.name,
            etag=etag,
            content_length=found.content_length if found else 0,
            content_type=found.content_type if found else "application/octet-stream",
            blob_type=found.blob_type if found else "BlockBlob",
        )


def _told(published: Published | None) -> dict[str, str]:
    """Headers that Azure does not send: with them a client can follow the event of a write."""
    if published is None:
        return {}
    return {
        "x-local-event-id": published.event_id,
        "x-local-event-subscriptions": ",".join(published.subscriptions),
    }

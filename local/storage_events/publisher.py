"""Publishes blob events, remembers them, and finds changes that had no event."""

from __future__ import annotations

import contextlib
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.storage_events.blob_service import ContainerGoneError
from local.storage_events.known_blobs import KnownBlob
from local.storage_events.operations import BlobName, Changed, Created, Deleted, Operation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from local.storage_events.blob_service import BlobService, BlobState
    from local.storage_events.events import EventFactory
    from local.storage_events.known_blobs import KnownBlobs

    # Returns the names of the subscriptions that take the event.
    Publish = Callable[[Mapping[str, Any]], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Published:
    """An accepted event, and the subscriptions that take it."""

    event_id: str
    subscriptions: Sequence[str]


class BlobEvents:
    """All events are published here, in one order, and remembered.

    An event is remembered after it was published: a crash between the two repeats it, which
    at-least-once delivery allows.
    """

    def __init__(
        self, *, known: KnownBlobs, service: BlobService, factory: EventFactory, publish: Publish
    ) -> None:
        self._known = known
        self._service = service
        self._factory = factory
        self._publish = publish
        self._writing: Counter[BlobName] = Counter()
        self._contested: set[BlobName] = set()
        self._touched_during_scan: set[BlobName] | None = None  # None: no scan is under way

    # --- writes that pass through the proxy

    @contextlib.asynccontextmanager
    async def writing(self, operation: Operation) -> AsyncIterator[None]:
        """Surrounds a write and the publishing of its event.

        Of several concurrent writes to a blob, the one that answered last may not be the one that
        won: the last to end compares, and if needed publishes the winner with the highest
        sequencer.
        """
        if not isinstance(operation, Created | Changed | Deleted):
            yield
            return
        blob = operation.blob
        if blob in self._writing:
            self._contested.add(blob)
        self._writing[blob] += 1
        # From here on a listing may or may not show what this write does.
        if self._touched_during_scan is not None:
            self._touched_during_scan.add(blob)
        try:
            yield
        finally:
            self._writing[blob] -= 1
            if not self._writing[blob]:
                del self._writing[blob]
                if blob in self._contested:
                    self._contested.discard(blob)
                    await self._settle(blob)

    async def _settle(self, blob: BlobName) -> None:
        state = await self._service.blob(blob)
        if state is None:
            await self.deleted_unless_known(blob)
        else:
            await self.created_unless_known(blob, state)

    # --- events

    async def created(
        self, blob: BlobName, state: BlobState, *, api: str, ids: Mapping[str, str]
    ) -> Published:
        """Publish BlobCreated; durable when it returns."""
        sequencer = self._known.next_sequencer()
        event = self._factory.created(blob, state, api=api, sequencer=sequencer, ids=ids)
        subscriptions = await self._publish(event)
        self._known.remember(blob, KnownBlob(state.etag, state.content_type, state.blob_type))
        return Published(event["id"], subscriptions)

    async def deleted(self, blob: BlobName, *, ids: Mapping[str, str]) -> Published:
        """Publish BlobDeleted; durable when it returns."""
        known = self._known.get(blob)
        event = self._factory.deleted(
            blob,
            content_type=known.content_type if known else "",
            blob_type=known.blob_type if known else "BlockBlob",
            sequencer=self._known.next_sequencer(),
            ids=ids,
        )
        subscriptions = await self._publish(event)
        self._known.forget(blob)
        return Published(event["id"], subscriptions)

    def changed(self, blob: BlobName, etag: str) -> None:
        """Record a new ETag for which Azure sends no event."""
        self._known.changed(blob, etag)

    def container_deleted(self, container: str) -> None:
        """Forget the blobs of a deleted container; Azure sends no events for them."""
        self._known.forget_container(container)

    # --- changes that bypassed the proxy

    async def created_unless_known(self, blob: BlobName, state: BlobState) -> None:
        """Publish BlobCreated for content that no event was sent for."""
        known = self._known.get(blob)
        if known is None or known.etag != state.etag:
            # How it was written is not known any more; a single request is the most common way.
            await self.created(blob, state, api="PutBlob", ids=_invented_ids())

    async def deleted_unless_known(self, blob: BlobName) -> None:
        """Publish BlobDeleted for a name that is gone without an event."""
        if self._known.get(blob) is not None:
            await self.deleted(blob, ids=_invented_ids())

    async def scan(self, only_container: str | None = None) -> None:
        """Publish what is new, changed or gone without an event.

        A blob that is written through the proxy meanwhile is left to the next scan: the listing
        may be older than that write.

        Raises:
            aiohttp.ClientError: the blob service did not answer.
        """
        touched = self._touched_during_scan = set(self._writing)
        known_before = self._known.containers()
        try:
            existing = await self._service.containers()
            for container in existing if only_container is None else [only_container]:
                try:
                    await self._scan_container(container, touched)
                except ContainerGoneError:  # Azure sends no event for the blobs that went with it
                    self._known.forget_container(container)
            for container in set(known_before) - set(existing):
                self._known.forget_container(container)
        finally:
            self._touched_during_scan = None

    async def _scan_container(self, container: str, touched: set[BlobName]) -> None:
        gone = self._known.etags_in(container)
        async for state in self._service.blobs(container):
            known_etag = gone.pop(state.name, None)
            blob = BlobName(container, state.name)
            if known_etag != state.etag and blob not in touched:
                await self.created_unless_known(blob, state)
        for name in gone:
            blob = BlobName(container, name)
            if blob not in touched:
                await self.deleted_unless_known(blob)


def _invented_ids() -> dict[str, str]:
    return {"clientRequestId": str(uuid.uuid4()), "requestId": str(uuid.uuid4())}

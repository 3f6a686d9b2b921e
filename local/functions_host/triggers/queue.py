"""Listens to one queue for one function: at least once, and a poison queue at the end."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError

from local.functions_host.errors import HostStoppingError, InvocationError
from local.functions_host.triggers.queue_values import decode_body, trigger_metadata
from local.functions_host.worker.functions_host_worker import wire

if TYPE_CHECKING:
    import logging

    from azure.storage.queue import QueueMessage
    from azure.storage.queue.aio import QueueClient

    from local.functions_host.configuration.definitions import FunctionDefinition, QueueTrigger
    from local.functions_host.configuration.host_json import QueueSettings
    from local.functions_host.storage import Storage
    from local.functions_host.triggers.invoker import Invoker

_LARGEST_PAGE = 32
_SHORTEST_PAUSE_SECONDS = 0.05
# Azure waits up to a minute between looks into an idle queue; a person at a laptop does not.
_LONGEST_PAUSE_SECONDS = 1.0
_OUTAGE_PAUSE_SECONDS = 2.0


class QueueListener:
    """Takes messages while there is room and calls the function with each.

    Args:
        lease_seconds: how long a message stays hidden without a renewal, and so how long it takes
            until another host gets it when this one is killed. Renewed at half time.
    """

    def __init__(
        self,
        function: FunctionDefinition,
        trigger: QueueTrigger,
        *,
        settings: QueueSettings,
        storage: Storage,
        invoker: Invoker,
        log: logging.Logger,
        lease_seconds: int = 60,
    ) -> None:
        self._function = function
        self._trigger = trigger
        self._settings = settings
        self._queue = storage.queue(trigger.connection, trigger.queue)
        self._poison = storage.queue(trigger.connection, f"{trigger.queue}-poison")
        self._invoker = invoker
        self._log = log
        self._lease_seconds = lease_seconds
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._room = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen."""
        self._loop = asyncio.create_task(self._listen())
        self._loop.add_done_callback(self._tell_if_broken)

    def _tell_if_broken(self, loop: asyncio.Task[None]) -> None:
        if not loop.cancelled() and (error := loop.exception()) is not None:
            self._log.error("Listener of %s failed", self._trigger.queue, exc_info=error)

    async def stop_listening(self) -> None:
        """Take no more messages; those already taken continue."""
        self._stopping.set()
        self._room.set()
        if self._loop is not None:
            await self._loop

    async def finish(self) -> None:
        """Wait until each message taken is deleted or returned."""
        if self._running:
            await asyncio.wait(self._running)

    async def _listen(self) -> None:
        limit = min(self._settings.poll_interval_limit.total_seconds(), _LONGEST_PAUSE_SECONDS)
        pause = _SHORTEST_PAUSE_SECONDS
        outage = False
        while not self._stopping.is_set():
            await self._until_room()
            if self._stopping.is_set():
                return
            try:
                messages = await self._receive()
            except ResourceNotFoundError:
                messages = []  # Azure waits for the queue to appear as well
            except AzureError as exc:
                if not outage:
                    self._log.warning("Queue %s does not answer: %s", self._trigger.queue, exc)
                outage = True
                await self._rest(_OUTAGE_PAUSE_SECONDS)
                continue
            outage = False
            if messages:
                for message in messages:
                    self._take(message)
                pause = _SHORTEST_PAUSE_SECONDS
            else:
                await self._rest(pause)
                pause = min(pause * 2, limit)

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _until_room(self) -> None:
        while len(self._running) > self._settings.new_batch_threshold:
            if self._stopping.is_set():
                return
            self._room.clear()
            await self._room.wait()

    async def _receive(self) -> list[QueueMessage]:
        count = min(self._settings.batch_size, _LARGEST_PAGE)
        pages = self._queue.receive_messages(
            messages_per_page=count, visibility_timeout=self._lease_seconds
        ).by_page()
        async for page in pages:
            return [message async for message in page]
        return []

    def _take(self, message: QueueMessage) -> None:
        task = asyncio.create_task(self._process(message))
        self._running.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._room.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error("A message of %s was not settled", self._trigger.queue, exc_info=error)

    async def _process(self, message: QueueMessage) -> None:
        held = _HeldMessage(self._queue, message, lease_seconds=self._lease_seconds)
        try:
            await self._settle(message, held)
        except AzureError as exc:
            # It becomes visible again by itself: late, but not lost.
            self._log.warning(
                "Message %s of %s was not settled: %s", message.id, self._trigger.queue, exc
            )
        finally:
            await held.release()

    async def _settle(self, message: QueueMessage, held: _HeldMessage) -> None:
        limit = self._settings.max_dequeue_count
        tries = message.dequeue_count or 1
        if tries > limit:
            await self._to_poison(message, held)
            return
        try:
            await self._call(message)
        except HostStoppingError:
            await held.give_back(after_seconds=0)
        except (InvocationError, ValueError) as exc:
            if isinstance(exc, ValueError):
                self._log.error("Message %s of %s: %s", message.id, self._trigger.queue, exc)
            if tries >= limit:
                await self._to_poison(message, held)
            else:
                delay = self._settings.visibility_timeout.total_seconds()
                await held.give_back(after_seconds=int(delay))
        else:
            await held.delete()

    async def _call(self, message: QueueMessage) -> None:
        body = decode_body(str(message.content), is_base64=self._settings.base64)
        text = body.decode(errors="replace") if self._trigger.binary else body.decode()
        value = wire.datum("bytes", body) if self._trigger.binary else wire.datum("string", text)
        metadata = trigger_metadata(message, text)
        await self._invoker.invoke(
            self._function,
            value,
            metadata=metadata,
            reason=f"New queue message detected on '{self._trigger.queue}'.",
            # An event's own id takes the place of the message's in the metadata.
            details=f"MessageId={message.id}, DequeueCount={message.dequeue_count}, "
            f"EventId={metadata['Id']['value']}",
        )

    async def _to_poison(self, message: QueueMessage, held: _HeldMessage) -> None:
        self._log.error(
            "Message has reached MaxDequeueCount of %d. Moving message %s to queue '%s-poison'.",
            self._settings.max_dequeue_count,
            message.id,
            self._trigger.queue,
        )
        try:
            await self._poison.send_message(message.content)
        except ResourceNotFoundError:
            with contextlib.suppress(ResourceExistsError):  # another message was faster
                await self._poison.create_queue()
            await self._poison.send_message(message.content)
        await held.delete()


class _HeldMessage:
    """A message hidden from others: renewed until it is deleted or given back."""

    def __init__(self, queue: QueueClient, message: QueueMessage, *, lease_seconds: int) -> None:
        self._queue = queue
        self._id = str(message.id)
        self._receipt = str(message.pop_receipt)
        self._lease_seconds = lease_seconds
        self._over = asyncio.Event()
        self._renewer = asyncio.create_task(self._renew())

    async def _renew(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), self._lease_seconds / 2)
            if self._over.is_set():
                return
            try:
                renewed = await self._queue.update_message(
                    self._id, self._receipt, visibility_timeout=self._lease_seconds
                )
            except ResourceNotFoundError:
                return  # another host has it; delete and give_back then do nothing
            except AzureError:
                continue  # storage is away: the next renewal may be in time
            self._receipt = str(renewed.pop_receipt)

    async def release(self) -> None:
        """Stop renewing. A renewal under way is waited for: it changes the receipt."""
        self._over.set()
        await self._renewer

    async def delete(self) -> None:
        await self.release()
        with contextlib.suppress(ResourceNotFoundError):  # its lease was lost: it comes again
            await self._queue.delete_message(self._id, self._receipt)

    async def give_back(self, *, after_seconds: int) -> None:
        await self.release()
        with contextlib.suppress(ResourceNotFoundError):  # its lease was lost: it comes again
            await self._queue.update_message(
                self._id, self._receipt, visibility_timeout=after_seconds
            )

"""Accepts events, finds who wants them, and delivers at least once on Azure's schedule."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError

from local.errors import StackFileError
from local.event_grid.dead_letters import DeadLetters
from local.event_grid.destinations import (
    DeliveryFailedError,
    Destination,
    QueueDestination,
    WebhookDestination,
)
from local.event_grid.faults import Faults
from local.event_grid.filters import unknown_operators, wants
from local.event_grid.journal import Delivery, Journal, NewDelivery
from local.event_grid.schemas import Schema, in_schema
from local.event_grid.topics import TopicServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from local.stack_file import SubscriptionEntry, TopicEntry
    from local.tls import LocalTls

_log = logging.getLogger(__name__)

# Seconds before the next attempt; the last one repeats (Event Grid message delivery and retry).
_SCHEDULE = (10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0)
_JITTER = 0.1
_AT_ONCE = 16
_STORAGE_DOWN_SECONDS = 2.0


class EventGrid:
    """Topics and subscriptions of one stack.

    Args:
        state: folder for deliveries that are still owed; they survive a restart.
        subscriptions: from the stack file.
        topics: custom topics, same.
        storage_connection_string: account of queues and dead letters.
        tls: for the custom topics.
        authorize: whether an Authorization header may publish to a custom topic.
        speed: how much faster than Azure deliveries are retried and expire.
        faults: what goes wrong on purpose.
    """

    def __init__(
        self,
        *,
        state: Path,
        subscriptions: Sequence[SubscriptionEntry],
        topics: Sequence[TopicEntry],
        storage_connection_string: str,
        tls: LocalTls,
        authorize: Callable[[str], bool],
        speed: float = 1.0,
        faults: Faults | None = None,
        port: int = 0,
    ) -> None:
        self._state = state
        self._subscriptions = {one.name: one for one in subscriptions}
        self._schemas: dict[str, Schema] = {topic.name: topic.schema_ for topic in topics}
        self._storage = storage_connection_string
        self._speed = speed
        self._faults = faults or Faults()
        self._rng = random.Random(self._faults.seed)  # noqa: S311 - faults and jitter, no secret
        self._topics = TopicServer(
            topics, tls=tls, accept=self.publish, authorize=authorize, port=port
        )
        self._destinations: dict[str, Destination] = {}
        self._in_flight: dict[int, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._resources: contextlib.AsyncExitStack | None = None
        self._journal: Journal
        self._dead_letters: DeadLetters
        self.outcomes: Counter[tuple[str, str]] = Counter()

    def topic_endpoint(self, name: str) -> str:
        """What a publisher's client is given for a custom topic."""
        return self._topics.endpoint(name)

    def topic_key(self, name: str) -> str:
        """Access key of a custom topic."""
        return self._topics.key(name)

    async def start(self) -> None:
        """Take up what is still owed, and listen for custom topics.

        Raises:
            StackFileError: a subscription uses an operator that does not exist.
            LocalStackError: the journal is damaged or in use, or the port is taken.
        """
        for entry in self._subscriptions.values():
            if unknown := unknown_operators(entry.filter):
                raise StackFileError(
                    f"subscription {entry.name}: no operator {', '.join(unknown)} in Event Grid"
                )
        async with contextlib.AsyncExitStack() as resources:
            self._journal = Journal(self._state / "event-grid.sqlite")
            resources.callback(self._journal.close)
            self._dead_letters = DeadLetters(self._storage)
            resources.push_async_callback(self._dead_letters.close)
            resources.push_async_callback(self._close_destinations)
            resources.push_async_callback(self._stop_deliveries)
            pump = asyncio.create_task(self._pump(), name="event grid")
            resources.push_async_callback(_cancelled, pump)
            await self._topics.start()
            resources.push_async_callback(self._topics.stop)
            self._resources = resources.pop_all()

    async def stop(self) -> None:
        """Stop; what is owed stays owed. Harmless when it does not run."""
        resources, self._resources = self._resources, None
        if resources is not None:
            await resources.aclose()

    async def publish(self, source: str, events: Sequence[Mapping[str, Any]]) -> None:
        """Accept events; they are durable when this returns.

        Args:
            source: `storage`, `workspace` or a custom topic's name.
            events: EventGridEvents, or CloudEvents where the topic has that schema.
        """
        now = time.time()
        new: list[NewDelivery] = []
        for event in events:
            complete = _complete(event)
            new.extend(
                NewDelivery(entry.name, in_schema(complete, self._schema(entry)), now + delay)
                for entry in self._subscriptions.values()
                if entry.source == source and wants(entry.filter, complete)
                for delay in self._faults.delays(self._rng)
            )
        if new:
            self._journal.accept(new, now=now)
            self._wake.set()

    def waiting(self) -> dict[str, int]:
        """Deliveries still owed by subscription."""
        return self._journal.waiting()

    def _schema(self, entry: SubscriptionEntry) -> Schema:
        return entry.delivery_schema or self._schemas.get(entry.source, "EventGridSchema")

    async def _pump(self) -> None:
        while True:
            self._wake.clear()
            busy = set(self._in_flight)
            room = _AT_ONCE - len(busy)
            if room > 0:
                for delivery in self._journal.due(now=time.time(), but=busy, most=room):
                    task = asyncio.create_task(self._deliver(delivery))
                    self._in_flight[delivery.id] = task
                    task.add_done_callback(partial(self._ended, delivery.id))
            await self._until_due()

    def _ended(self, number: int, _: asyncio.Task[None]) -> None:
        self._in_flight.pop(number, None)
        self._wake.set()

    async def _until_due(self) -> None:
        due = self._journal.next_due(but=set(self._in_flight))
        full = len(self._in_flight) >= _AT_ONCE
        wait = None if due is None or full else max(0.0, due - time.time())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), wait)

    async def _deliver(self, delivery: Delivery) -> None:
        entry = self._subscriptions.get(delivery.subscription)
        if entry is None:  # it was taken out of the stack file since
            self._journal.end(delivery)
            return
        try:
            await self._destination(entry).deliver(delivery.event)
        except DeliveryFailedError as exc:
            await self._failed(delivery, entry, exc)
            return
        self.outcomes[entry.name, "delivered"] += 1
        self._journal.end(delivery)

    def _destination(self, entry: SubscriptionEntry) -> Destination:
        found = self._destinations.get(entry.name)
        if found is None:
            if entry.destination.queue is not None:
                found = QueueDestination(self._storage, entry.destination.queue)
            else:
                found = WebhookDestination(
                    str(entry.destination.webhook),
                    schema=self._schema(entry),
                    subscription=entry.name,
                )
            self._destinations[entry.name] = found
        return found

    async def _failed(
        self, delivery: Delivery, entry: SubscriptionEntry, error: DeliveryFailedError
    ) -> None:
        self.outcomes[entry.name, "failed"] += 1
        attempts = delivery.attempts + 1
        pause = _SCHEDULE[min(attempts, len(_SCHEDULE)) - 1] / self._speed
        due = time.time() + pause * self._rng.uniform(1 - _JITTER, 1 + _JITTER)
        expires = delivery.accepted + entry.retry.ttl_minutes * 60 / self._speed
        if error.final:
            reason = "UndeliverableDueToError"
        elif attempts >= entry.retry.max_attempts:
            reason = "MaxDeliveryAttemptsExceeded"
        elif due > expires:
            reason = "TimeToLiveExceeded"
        else:
            self._journal.retry(delivery, due=due, outcome=error.outcome)
            return
        last = Delivery(
            delivery.id,
            delivery.subscription,
            delivery.event,
            delivery.accepted,
            attempts,
            error.outcome,
        )
        await self._give_up(last, entry, reason)

    async def _give_up(self, delivery: Delivery, entry: SubscriptionEntry, reason: str) -> None:
        if entry.dead_letter is None:
            _log.warning("event dropped: %s, last %s", reason, delivery.outcome)
            self.outcomes[entry.name, "dropped"] += 1
        else:
            try:
                await self._dead_letters.keep(
                    delivery,
                    container=entry.dead_letter.container,
                    source=entry.source,
                    reason=reason,
                )
            except AzureError as exc:
                _log.warning("dead letter not written, tried again", exc_info=exc)
                due = time.time() + _STORAGE_DOWN_SECONDS
                self._journal.retry(delivery, due=due, outcome=delivery.outcome)
                return
            self.outcomes[entry.name, "dead-lettered"] += 1
        self._journal.end(delivery)

    async def _stop_deliveries(self) -> None:
        for task in list(self._in_flight.values()):
            await _cancelled(task)

    async def _close_destinations(self) -> None:
        while self._destinations:
            _, destination = self._destinations.popitem()
            await destination.close()


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _complete(event: Mapping[str, Any]) -> dict[str, Any]:
    """With the time it happened, where its maker left that to us."""
    name = "time" if "specversion" in event else "eventTime"
    return {name: datetime.now(UTC).isoformat().replace("+00:00", "Z"), **event}

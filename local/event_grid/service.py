"""Accepts events, finds the subscriptions that want them, and wakes their couriers."""

from __future__ import annotations

import contextlib
import logging
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from local.errors import LocalStackError, StackFileError
from local.event_grid.courier import Courier, Pace
from local.event_grid.dead_letters import DeadLetters
from local.event_grid.destinations import QueueDestination, WebhookDestination
from local.event_grid.faults import Faults
from local.event_grid.filters import filter_problems, wants
from local.event_grid.handshake import Handshake
from local.event_grid.journal import Delivery, Journal, NewDelivery
from local.event_grid.schemas import Schema, in_schema
from local.event_grid.topics import TopicServer
from local.supervision.tasks import running

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from local.event_grid.models import SubscriptionEntry, TopicEntry
    from local.serving.tls import LocalTls

_log = logging.getLogger(__name__)

_SYSTEM_SOURCES = ("storage", "workspace")
_RESOURCE_GROUP = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/local"


@dataclass(frozen=True, slots=True)
class SubscriptionStatus:
    """Counters of a subscription; all but `waiting` count from the start of the stack.

    `ready` is False while a webhook has not agreed yet. `failed` counts attempts, the others
    deliveries.
    """

    ready: bool
    waiting: int
    delivered: int
    failed: int
    dead_lettered: int
    dropped: int


class EventGrid:
    """Topics and subscriptions of one stack.

    Args:
        state: folder for open deliveries; they survive a restart.
        subscriptions: from the stack file.
        topics: custom topics, same.
        storage_connection_string: account of queues and dead letters.
        tls: for the custom topics and for webhooks of this stack.
        authorize: whether an Authorization header may publish to a custom topic.
        speed: how much faster than Azure deliveries are retried and expire.
        faults: what goes wrong on purpose.
        port: of the custom topics; 0 takes a free one.
        resource_group: id of the resource group that the custom topics are in.
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
        resource_group: str = _RESOURCE_GROUP,
    ) -> None:
        self._state = state
        self._subscriptions = {one.name: one for one in subscriptions}
        self._schemas: dict[str, Schema] = {topic.name: topic.schema_ for topic in topics}
        self._storage = storage_connection_string
        self._tls = tls
        self._faults = faults or Faults()
        self._rng = random.Random(self._faults.seed)  # noqa: S311 - faults and jitter, no secret
        self._pace = Pace(speed, self._rng)
        self._resource_group = resource_group
        self._server = TopicServer(
            topics,
            tls=tls,
            accept=self.publish,
            authorize=authorize,
            agree=self._agree,
            topic_id=self._topic_id,
            port=port,
        )
        self._couriers: dict[str, Courier] = {}
        self._handshakes: dict[str, Handshake] = {}
        self._resources: contextlib.AsyncExitStack | None = None
        self._journal: Journal

    @property
    def port(self) -> int:
        """Port of the custom topics, once started."""
        return self._server.port

    def topic_endpoint(self, name: str) -> str:
        """What a publisher's client is given for a custom topic."""
        return self._server.endpoint(name)

    def topic_key(self, name: str) -> str:
        """Access key of a custom topic; the same after a restart."""
        return self._journal.topic_key(name)

    async def start(self) -> None:
        """Resume deliveries that are still due, and listen for custom topics.

        Raises:
            StackFileError: Azure would refuse a subscription; all problems are listed.
            LocalStackError: the journal is damaged or in use, or the port is taken.
        """
        if self._resources is not None:
            return
        self._refuse_what_azure_refuses()
        async with contextlib.AsyncExitStack() as resources:
            self._journal = Journal(self._state / "event-grid.sqlite")
            resources.callback(self._journal.close)
            dropped = self._journal.end_all_but(self._subscriptions)
            if dropped:
                _log.warning("%d deliveries dropped: their subscription is gone", dropped)
            keys = {name: self._journal.topic_key(name) for name in self._schemas}
            await self._server.start(keys)
            resources.push_async_callback(self._server.stop)
            dead_letters = DeadLetters(self._storage)
            resources.push_async_callback(dead_letters.close)
            for entry in self._subscriptions.values():
                courier = self._courier(entry, dead_letters)
                self._couriers[entry.name] = courier
                await resources.enter_async_context(running(courier.run(), name=entry.name))
            self._resources = resources.pop_all()

    async def stop(self) -> None:
        """Stop; open deliveries are resumed at the next start. Harmless when it does not run."""
        resources, self._resources = self._resources, None
        if resources is not None:
            await resources.aclose()

    async def publish(self, source: str, events: Sequence[Mapping[str, Any]]) -> list[str]:
        """Accept events; they are durable when this returns.

        Args:
            source: `storage`, `workspace` or a custom topic's name.
            events: EventGridEvents, or CloudEvents where the topic has that schema.

        Returns:
            Names of the subscriptions that take at least one of them.

        Raises:
            LocalStackError: there is no such source, or the events could not be kept.
        """
        if source not in self._schemas and source not in _SYSTEM_SOURCES:
            known = ", ".join([*_SYSTEM_SOURCES, *self._schemas])
            raise LocalStackError(f"no source {source} of events; there are: {known}")
        now = time.time()
        new: list[NewDelivery] = []
        takers: set[str] = set()
        for event in events:
            complete = _complete(event)
            for entry in self._subscriptions.values():
                if entry.source == source and wants(entry.filter, complete):
                    takers.add(entry.name)
                    wanted = in_schema(complete, self._schema(entry))
                    delays = self._faults.delays(self._rng)
                    new.extend(NewDelivery(entry.name, wanted, now + delay) for delay in delays)
        if new:
            self._journal.accept(new, now=now)
        for name in {delivery.subscription for delivery in new}:
            self._couriers[name].wake()
        return sorted(takers)

    def waiting(self) -> dict[str, int]:
        """Number of open deliveries by subscription."""
        return self._journal.waiting()

    def deliveries(self, most: int = 100) -> list[Delivery]:
        """Open deliveries, the next due first."""
        return self._journal.first(most)

    def status(self) -> dict[str, SubscriptionStatus]:
        """The counters of each subscription."""
        waiting = self._journal.waiting()
        return {
            name: SubscriptionStatus(
                ready=courier.is_ready,
                waiting=waiting.get(name, 0),
                delivered=courier.outcomes["delivered"],
                failed=courier.outcomes["failed"],
                dead_lettered=courier.outcomes["dead_lettered"],
                dropped=courier.outcomes["dropped"],
            )
            for name, courier in self._couriers.items()
        }

    def _refuse_what_azure_refuses(self) -> None:
        found: list[str] = []
        for entry in self._subscriptions.values():
            wrong = filter_problems(entry.filter)
            if self._given(entry) == "CloudEventSchemaV1_0" and self._schema(entry) != self._given(
                entry
            ):
                wrong.append("a topic of CloudEvents cannot deliver EventGridSchema")
            found.extend(f"subscription {entry.name}: {problem}" for problem in wrong)
        if found:
            raise StackFileError("\n".join(found))

    def _given(self, entry: SubscriptionEntry) -> Schema:
        return self._schemas.get(entry.source, "EventGridSchema")

    def _schema(self, entry: SubscriptionEntry) -> Schema:
        return entry.delivery_schema or self._given(entry)

    def _topic_id(self, name: str) -> str:
        return f"{self._resource_group}/providers/Microsoft.EventGrid/topics/{name}"

    def _courier(self, entry: SubscriptionEntry, dead_letters: DeadLetters) -> Courier:
        shared: dict[str, Any] = {
            "journal": self._journal,
            "dead_letters": dead_letters,
            "pace": self._pace,
        }
        queue, url = entry.destination.queue, entry.destination.webhook
        if queue is not None:
            return Courier(
                entry, destination=QueueDestination(self._storage, queue), ready=_at_once, **shared
            )
        schema = self._schema(entry)
        webhook = WebhookDestination(
            str(url), schema=schema, subscription=entry.name, tls=self._tls.client_context
        )
        handshake = Handshake(
            webhook,
            schema=schema,
            subscription=entry.name,
            topic=self._topic_id(entry.source),
            callback=lambda code: self._server.validation_url(entry.name, code),
            speed=self._pace.speed,
        )
        self._handshakes[entry.name] = handshake

        async def ready() -> None:
            if not self._journal.is_validated(entry.name, str(url), schema):
                await handshake.until_agreed()
                self._journal.validated(entry.name, str(url), schema)

        return Courier(entry, destination=webhook, ready=ready, **shared)

    def _agree(self, subscription: str, code: str) -> bool:
        handshake = self._handshakes.get(subscription)
        return handshake is not None and handshake.called_back(code)


async def _at_once() -> None:
    """Return at once: a queue needs no handshake."""


def _complete(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event with its time, which publishers may leave out."""
    name = "time" if "specversion" in event else "eventTime"
    return {name: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z"), **event}

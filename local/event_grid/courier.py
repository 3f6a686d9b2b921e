"""Delivers the events of one subscription, at least once, on Azure's retry schedule."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError

from local.event_grid.destinations import DeliveryFailedError

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from local.event_grid.dead_letters import DeadLetters
    from local.event_grid.destinations import Destination
    from local.event_grid.journal import Delivery, Journal
    from local.event_grid.models import SubscriptionEntry

_log = logging.getLogger(__name__)

# Seconds before the next attempt; the last one repeats (Event Grid message delivery and retry).
_SCHEDULE = (10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0)
_JITTER = 0.1  # at most that share longer, so that a schedule is never undercut
_AT_ONCE = 16
_DEAD_LETTER_AGAIN_SECONDS = 10.0
_DEAD_LETTER_LIMIT_SECONDS = 4 * 3600.0
_UNEXPECTED = "GenericError"


@dataclass(frozen=True, slots=True)
class Pace:
    """Speed of retries relative to Azure, and the source of jitter."""

    speed: float
    rng: random.Random

    def seconds(self, azure_seconds: float) -> float:
        """A pause of Azure, divided by the speed."""
        return azure_seconds / self.speed

    def before_attempt(self, attempts: int, *, at_least: float) -> float:
        """Seconds to wait after so many failed attempts (1 or more)."""
        scheduled = _SCHEDULE[min(attempts, len(_SCHEDULE)) - 1]
        return self.seconds(max(scheduled, at_least) * self.rng.uniform(1.0, 1.0 + _JITTER))


class Courier:
    """The deliveries of one subscription; a slow destination delays only its own events.

    Args:
        entry: the subscription.
        journal: where its deliveries are kept.
        destination: where they go; closed by the courier.
        ready: returns once the destination may be given events.
        dead_letters: for what cannot be delivered, where the subscription has a container.
        pace: of retries.
    """

    def __init__(
        self,
        entry: SubscriptionEntry,
        *,
        journal: Journal,
        destination: Destination,
        ready: Callable[[], Awaitable[None]],
        dead_letters: DeadLetters,
        pace: Pace,
    ) -> None:
        self._entry = entry
        self._journal = journal
        self._destination = destination
        self._ready = ready
        self._dead_letters = dead_letters
        self._pace = pace
        self._in_flight: dict[int, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._began = time.time()
        self.is_ready = False
        self.outcomes: Counter[str] = Counter()

    def wake(self) -> None:
        """Look for new deliveries."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled; deliveries in flight are then due again."""
        try:
            await self._ready()
            self.is_ready = True
            while True:
                self._wake.clear()
                self._take_what_is_due()
                await self._until_something_is_due()
        finally:
            for task in self._in_flight.values():
                task.cancel()
            await asyncio.gather(*self._in_flight.values(), return_exceptions=True)
            await self._destination.close()

    def _take_what_is_due(self) -> None:
        room = _AT_ONCE - len(self._in_flight)
        if room <= 0:
            return
        for delivery in self._journal.due(
            self._entry.name, now=time.time(), but=self._in_flight.keys(), most=room
        ):
            task = asyncio.create_task(self._serve(delivery))
            self._in_flight[delivery.id] = task
            task.add_done_callback(partial(self._ended, delivery))

    def _ended(self, delivery: Delivery, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            # A bug of ours: logged, and tried later rather than at once and for ever.
            _log.error("delivery to %s failed unexpectedly", self._entry.name, exc_info=error)
            try:
                self._try_later(delivery, outcome=_UNEXPECTED, at_least=0.0)
            except sqlite3.Error as exc:
                # The journal itself fails, on a full disk for instance, so it cannot delay the
                # delivery either.
                _log.error("journal of %s cannot be written: %s", self._entry.name, exc)
                pause = self._pace.before_attempt(1, at_least=0.0)
                asyncio.get_running_loop().call_later(pause, self._release, delivery)
                return
        self._release(delivery)

    def _release(self, delivery: Delivery) -> None:
        self._in_flight.pop(delivery.id, None)
        self._wake.set()

    async def _until_something_is_due(self) -> None:
        full = len(self._in_flight) >= _AT_ONCE
        due = None
        if not full:
            due = self._journal.next_due(self._entry.name, but=self._in_flight.keys())
        wait = None if due is None else max(0.0, due - time.time())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), wait)

    async def _serve(self, delivery: Delivery) -> None:
        # What expired while the stack was off is attempted once more: on Azure nothing is off.
        expires = delivery.accepted + self._pace.seconds(self._entry.retry.ttl_minutes * 60.0)
        if delivery.given_up:
            await self._dead_letter_or_drop(delivery, delivery.given_up)
        elif (delivery.attempted or 0.0) >= self._began and time.time() > expires:
            await self._dead_letter_or_drop(delivery, "TimeToLiveExceeded")
        else:
            await self._attempt(delivery)

    async def _attempt(self, delivery: Delivery) -> None:
        try:
            await self._destination.deliver(delivery.event, earlier_attempts=delivery.attempts)
        except DeliveryFailedError as exc:
            self.outcomes["failed"] += 1
            attempts = self._try_later(delivery, outcome=exc.outcome, at_least=exc.at_least_seconds)
            last = replace(delivery, attempts=attempts, attempted=time.time(), outcome=exc.outcome)
            if exc.final:
                await self._dead_letter_or_drop(last, "UndeliverableDueToError")
            elif attempts >= self._entry.retry.max_attempts:
                await self._dead_letter_or_drop(last, "MaxDeliveryAttemptsExceeded")
            return
        self.outcomes["delivered"] += 1
        self._journal.end(delivery)

    def _try_later(self, delivery: Delivery, *, outcome: str, at_least: float) -> int:
        attempts = delivery.attempts + 1
        now = time.time()
        due = now + self._pace.before_attempt(attempts, at_least=at_least)
        self._journal.retry(delivery, attempted=now, due=due, outcome=outcome)
        return attempts

    async def _dead_letter_or_drop(self, delivery: Delivery, reason: str) -> None:
        """Write the dead letter, or drop the event when the subscription has no container."""
        name, where = self._entry.name, self._entry.dead_letter
        if where is None:
            _log.warning("event for %s dropped: %s, last %s", name, reason, delivery.outcome)
            self.outcomes["dropped"] += 1
            self._journal.end(delivery)
            return
        try:
            await self._dead_letters.keep(
                replace(delivery, given_up=reason), container=where.container
            )
        except AzureError as exc:
            since = time.time() - (delivery.attempted or delivery.accepted)
            if since > self._pace.seconds(_DEAD_LETTER_LIMIT_SECONDS):
                _log.warning("event for %s dropped: its dead letter failed", name, exc_info=exc)
                self.outcomes["dropped"] += 1
                self._journal.end(delivery)
                return
            again = time.time() + self._pace.seconds(_DEAD_LETTER_AGAIN_SECONDS)
            self._journal.give_up(delivery, reason=reason, due=again)
            return
        self.outcomes["dead_lettered"] += 1
        self._journal.end(delivery)

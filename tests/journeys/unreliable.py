"""Ledger and queue with faults: other hosts commit in between, and hosts crash before sending."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.adapters.in_memory import InMemoryLedger
from shared.domain.data import DataArrived
from shared.domain.retraining import CycleEnded
from shared.ports.ledger import ArrivalMark
from shared.ports.queues import WorkMessage

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from shared.adapters.in_memory import InMemoryQueue
    from shared.domain.facts import Entry
    from shared.domain.state import State
    from shared.ports.ledger import DueEffect, Head


class Crash(BaseException):
    """A crash of the host: nothing in the app may catch it."""


class CountingLedger(InMemoryLedger):
    """Counts the cycles that ended."""

    ended = 0

    def commit(self, head: Head, entries: Sequence[Entry], **changes: Any) -> Head:
        after = super().commit(head, entries, **changes)
        self.ended += sum(isinstance(entry.fact, CycleEnded) for entry in entries)
        return after


class CrashingQueue:
    """The work queue as seen by a host that may crash before the message is sent."""

    def __init__(self, queue: InMemoryQueue, chance: random.Random, share: float) -> None:
        self._queue = queue
        self._chance = chance
        self.share = share

    def send(self, message: WorkMessage, *, delay: timedelta = timedelta(0)) -> None:
        if self._chance.random() < self.share:
            raise Crash
        self._queue.send(message, delay=delay)


class ContestedLedger:
    """Lets other hosts work between a host's read and its write, then checks what was written.

    `others_work` is given the message whose effect is passed on: a queue may deliver it twice.
    Whatever the ledger is, a write that succeeds was decided on the newest state, and all of it is
    there to be read.
    """

    def __init__(self, ledger: Any, others_work: Callable[[WorkMessage | None], None]) -> None:
        self._ledger = ledger
        self._others_work = others_work

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def commit(
        self,
        head: Head,
        entries: Sequence[Entry],
        *,
        state: State,
        due: Sequence[DueEffect],
        undue: Sequence[str],
    ) -> Head:
        self._others_work(None)
        model = state.model
        newest = self._ledger.head(model).etag
        after: Head = self._ledger.commit(head, entries, state=state, due=due, undue=undue)
        assert head.etag == newest, f"{model}: committed on an old head"
        assert self._ledger.head(model) == after
        assert list(self._ledger.entries(model, after=state.count - len(entries))) == list(entries)
        for entry in entries:
            assert self._ledger.knows(model, entry.fact.key), f"{entry.fact.key} is not known"
            if isinstance(entry.fact, DataArrived):
                self._check_arrival(model, entry.fact)
        if entries:
            assert self._ledger.find(model, entries[0].fact.key) == entries[0]
        for row in due:
            assert self._ledger.due_effect(model, row.effect) == row
        for effect in undue:
            assert self._ledger.due_effect(model, effect) is None, f"{effect} is still due"
        return after

    def update_due(self, model: str, old: DueEffect, new: DueEffect) -> bool:
        self._others_work(WorkMessage(model, old.effect, old.turn))
        current = self._ledger.due_effect(model, old.effect)
        updated: bool = self._ledger.update_due(model, old, new)
        assert updated == (current == old), f"{old} was passed on from {current}"
        assert self._ledger.due_effect(model, old.effect) == (new if updated else current)
        return updated

    def _check_arrival(self, model: str, fact: DataArrived) -> None:
        mark = self._ledger.arrival(model, fact.blob.place)
        newest = ArrivalMark(fact.blob.etag, fact.sequencer)
        assert (mark == newest) is not fact.stale, f"{fact.blob.place} is known as {mark}"

"""Appends one fact and everything that follows from it, and queues the due effects."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.domain.data import DataArrived
from shared.domain.decide import end_cycle, next_step, outbox
from shared.domain.declared import FactBase
from shared.domain.evolve import evolve
from shared.domain.facts import Entry, Fact
from shared.domain.retraining import CycleEnded, Outcome
from shared.domain.value import Value, value
from shared.domain.wording import ended
from shared.errors import (
    FactConflictError,
    LedgerConflictError,
    ModelConfigError,
    UnknownModelError,
)
from shared.ports.ledger import DueEffect
from shared.ports.queues import WorkMessage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime
    from random import Random

    from shared.domain.effects import Effect
    from shared.domain.policy import Policy
    from shared.domain.state import State
    from shared.ports.catalog import ModelCatalog
    from shared.ports.clock import Clock
    from shared.ports.ledger import Head, Ledger
    from shared.ports.queues import WorkQueue

_TRIES = 8
_FIRST_PAUSE = timedelta(milliseconds=20)
_MOST_FOLLOWING = 20  # facts in one transaction, which takes a hundred rows
_MOST_ROUNDS = 100  # far beyond any number of decisions that wait: a loop must end in an error


@dataclass(frozen=True, slots=True)
class Decisions:
    """The core's decisions, with the policies read on demand."""

    catalog: ModelCatalog

    def next_step(self, state: State, now_utc: datetime) -> Fact | Effect | None:
        """The next step for a model; see `decide.next_step`.

        A broken model.yml fails the cycle that needs it, not the message.
        """

        def policy() -> Policy:
            return self.catalog.policy(state.model)

        try:
            return next_step(state, policy, now_utc)
        except (ModelConfigError, UnknownModelError) as exc:
            return _end_by(state, exc)

    def outbox(self, state: State, now_utc: datetime) -> tuple[Effect, ...]:
        """All effects that are due."""
        return outbox(state, self.next_step(state, now_utc))


@value
class Recorded(Value):
    """The result of recording a fact; `new` is False if it was known already."""

    new: bool
    state: State
    entries: tuple[Entry, ...] = ()


class RecordFact:
    """The only writer of the ledger.

    One lock per model serialises the messages of one process; between processes the ledger's
    transaction decides, and the loser reloads.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        work: WorkQueue,
        catalog: ModelCatalog,
        clock: Clock,
        random: Random,
    ) -> None:
        self.decisions = Decisions(catalog)
        self.ledger = ledger
        self._work = work
        self._catalog = catalog
        self._clock = clock
        self._random = random
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def __call__(self, model: str, fact: Fact) -> Recorded:
        """Record `fact` in the model's stream; idempotent by its key.

        Raises:
            UnknownModelError: no model folder has that name.
            FactConflictError: the fact contradicts what is known.
            LedgerConflictError: lost the race eight times; nothing was written.
        """
        require_model(self._catalog, model)
        with self._locks[model]:
            recorded, due = self._commit(model, fact)
        self._send(model, due)
        if not recorded.new:
            return recorded
        return replace(recorded, state=self._all_decided(model, recorded.state))

    def go_on(self, model: str) -> bool:
        """Record what follows from the state; True if a crashed writer had left something undone.

        Raises:
            LedgerConflictError: lost the race eight times; the winner continues.
        """
        state = self.ledger.head(model).state
        return self._all_decided(model, state).count > state.count

    def _all_decided(self, model: str, state: State) -> State:
        """Commit transaction after transaction until nothing more follows."""
        for _ in range(_MOST_ROUNDS):
            if not isinstance(self.decisions.next_step(state, self._clock.now_utc()), FactBase):
                return state
            with self._locks[model]:
                recorded, due = self._commit(model, None)
            self._send(model, due)
            state = recorded.state
        raise FactConflictError(
            f"{model}: facts follow from fact {state.count} without end; the decisions are at fault"
        )

    def _send(self, model: str, due: Iterable[DueEffect]) -> None:
        for effect in due:
            delay = max(effect.due_utc - self._clock.now_utc(), timedelta(0))
            self._work.send(WorkMessage(model, effect.effect), delay=delay)

    def _commit(self, model: str, fact: Fact | None) -> tuple[Recorded, list[DueEffect]]:
        """Commit a fact and what follows from it; without a fact, only what follows."""
        for attempt in range(_TRIES):
            head = self.ledger.head(model)
            now_utc = self._clock.now_utc()
            try:
                entries, state, step = self._decide(head, self._placed(model, fact), now_utc)
                if not entries:
                    return Recorded(new=False, state=state), []
                before = {effect.key for effect in self.decisions.outbox(head.state, now_utc)}
                begin, end = outbox_change(before, outbox(state, step), now_utc)
                self.ledger.commit(head, entries, state=state, due=begin, undue=end)
            except (LedgerConflictError, FactConflictError) as exc:
                if fact is not None and self.ledger.knows(model, fact.key):
                    return Recorded(new=False, state=self.ledger.head(model).state), []
                if isinstance(exc, FactConflictError):
                    raise
            else:
                return Recorded(new=True, state=state, entries=tuple(entries)), begin
            # Full jitter: without it, racing writers meet again at every try.
            self._clock.sleep(_FIRST_PAUSE * (2**attempt) * self._random.random())
        raise LedgerConflictError(
            f"{model}: {fact.key if fact else 'a decision'} lost {_TRIES} races against other "
            "writers; its message is sent again with a delay"
        )

    def _placed(self, model: str, fact: Fact | None) -> Fact | None:
        """Mark an arrival as stale if it is about older content than the known one."""
        if not isinstance(fact, DataArrived):
            return fact
        mark = self.ledger.arrival(model, fact.blob.place)
        if mark is None or mark.etag == fact.blob.etag:
            return fact
        stale = is_older(fact.sequencer, mark.sequencer)
        return replace(fact, stale=stale)

    def _decide(
        self, head: Head, fact: Fact | None, now_utc: datetime
    ) -> tuple[list[Entry], State, Fact | Effect | None]:
        """The fact and those that follow from it, the state after them, and the next step."""
        entries: list[Entry] = []
        state = head.state
        step = fact or self.decisions.next_step(state, now_utc)
        while isinstance(step, FactBase) and len(entries) <= _MOST_FOLLOWING:
            entry = Entry(state.count + 1, now_utc, step)
            entries.append(entry)
            state = evolve(state, entry)
            step = self.decisions.next_step(state, now_utc)
        return entries, state, step


def require_model(catalog: ModelCatalog, model: str) -> None:
    """Check that the model has a folder: nothing is recorded about other models.

    Raises:
        UnknownModelError: no model has that name; the message suggests the nearest one.
    """
    names = catalog.names()
    if model in names:
        return
    import difflib  # noqa: PLC0415 - only on the way to an error; every event passes here

    near = difflib.get_close_matches(model, names, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(names) or 'none'}."
    raise UnknownModelError(f'No model "{model}". {hint}')


def is_older(sequencer: str | None, known: str | None) -> bool:
    """Whether an event's sequencer is lower than the known one; False if either is missing."""
    if sequencer is None or known is None:
        return False
    width = max(len(sequencer), len(known))
    return sequencer.rjust(width, "0") < known.rjust(width, "0")


def outbox_change(
    before: Collection[str], after: Iterable[Effect], now_utc: datetime
) -> tuple[list[DueEffect], list[str]]:
    """The effects that have become due, and the keys of those that no longer are."""
    effects = {effect.key: effect for effect in after}
    begin = [
        DueEffect(key, due_utc=max(effect.not_before_utc or now_utc, now_utc))
        for key, effect in effects.items()
        if key not in before
    ]
    return begin, sorted(set(before) - effects.keys())


def _end_by(state: State, exc: Exception) -> CycleEnded:
    if state.cycle is None:
        raise FactConflictError(f"{state.model}: a policy was asked for without a cycle") from exc
    return end_cycle(state.cycle, Outcome.FAILED, ended(str(exc)))

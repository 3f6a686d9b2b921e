"""Perform the due effect that a message of the work queue names; its result is the next fact."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from shared.domain import sentences
from shared.domain.notices import EffectFailed
from shared.errors import LedgerConflictError, NotThereYetError, TerminalError, TransientError
from shared.ports.queues import WorkMessage
from shared.usecases.performers.performer import Wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.domain.effects import Effect
    from shared.domain.facts import Fact
    from shared.domain.state import State
    from shared.ports.clock import Clock
    from shared.ports.jobs import Jobs
    from shared.ports.ledger import DueEffect, Ledger
    from shared.ports.queues import WorkQueue
    from shared.usecases.performers.performer import E, Performer
    from shared.usecases.record_fact import RecordFact

_FIRST_DELAY = timedelta(seconds=2)
_LONGEST_DELAY = timedelta(minutes=5)
_LATE = timedelta(minutes=30)  # far more than a lost message costs: `reconcile` sends it again
_EARLY = timedelta(seconds=2)  # a queue counts in whole seconds, and clocks differ
# With the delays above: about eight hours of a service that does not answer, and a quarter of an
# hour for something that should be there and is not.
_MOST_FAILURES = 100
_MOST_NOT_THERE_YET = 10


class Performed(Enum):
    """What became of a message; in every case it is acknowledged."""

    DONE = auto()  # its result was recorded
    WAITING = auto()  # sent again with a delay
    OBSOLETE = auto()  # no longer due, or a newer message is on its way
    GIVEN_UP = auto()  # recorded as EffectFailed


class Performers:
    """Which performer performs which type of effect."""

    def __init__(self) -> None:
        self._performers: dict[type, Performer[Any]] = {}

    def register(self, kind: type[E], performer: Performer[E]) -> None:
        """Effects of this type are performed by that performer."""
        self._performers[kind] = performer

    def perform(self, effect: Effect, state: State) -> Fact | Wait:
        """Perform the effect, or poll its progress.

        Args:
            effect: what is due.
            state: of the effect's model, as it was when the effect was found to be due.

        Returns:
            The fact to record, or what to wait for.

        Raises:
            TransientError: try again later.
            TerminalError: it will never work; the effect is given up with this message.
            KeyError: the effect's type has no performer.
        """
        return self._performers[type(effect)](effect, state)

    def registered(self) -> frozenset[type]:
        """The types of effects that have a performer."""
        return frozenset(self._performers)


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformEffect:
    """Handles one message of the queue `work`."""

    ledger: Ledger
    work: WorkQueue
    record: RecordFact
    clock: Clock
    performers: Performers
    jobs: Callable[[], Jobs]  # only where jobs are cancelled, which is rare

    def __call__(self, message: WorkMessage) -> Performed:
        """Perform the effect if the state still asks for it.

        Raises:
            TransientError: the ledger or the queue did not answer; the host redelivers.
        """
        row = self.ledger.due_effect(message.model, message.effect)
        if row is None or row.turn > message.turn:
            return Performed.OBSOLETE
        now_utc = self.clock.now_utc()
        if now_utc + _EARLY < row.due_utc:
            self.work.send(message, delay=row.due_utc - now_utc)
            return Performed.WAITING
        state = self.ledger.head(message.model).state
        effect = self._due(state, message.effect)
        if effect is None:
            return Performed.OBSOLETE
        return self._perform(message.model, row, effect=effect, state=state)

    def _due(self, state: State, key: str) -> Effect | None:
        """The effect of that key if it is due in this state."""
        due = self.record.decisions.outbox(state, self.clock.now_utc())
        return next((effect for effect in due if effect.key == key), None)

    def _perform(self, model: str, row: DueEffect, *, effect: Effect, state: State) -> Performed:
        try:
            result = self.performers.perform(effect, state)
            if isinstance(result, Wait):
                return self._wait(model, row, effect=effect, wait=result)
            recorded = self.record(model, result)
        except LedgerConflictError:
            # Too many writers just now: the effect is harmless to repeat.
            return self._again(model, row, replace(row, turn=row.turn + 1))
        except TransientError as exc:
            return self._failed(model, row, effect=effect, exc=exc)
        except TerminalError as exc:
            return self._give_up(model, effect, str(exc))
        if not recorded.new and self._due(recorded.state, row.effect) is not None:
            # The first fact of that key stands and does not settle the effect: retrying is useless.
            return self._give_up(model, effect, sentences.known_differently(result.key))
        return Performed.DONE

    def _wait(self, model: str, row: DueEffect, *, effect: Effect, wait: Wait) -> Performed:
        limit = effect.longest_wait
        if limit is None:
            raise TypeError(f"{effect.key} waits, and declares no longest wait")
        now_utc = self.clock.now_utc()
        late = now_utc - row.due_utc
        # Time in which the app was stopped does not count: what it waits for may have stopped too.
        # Progress restarts the limit.
        unseen = late if late > _LATE else timedelta(0)
        begun_utc = now_utc if wait.at_once else (row.begun_utc or row.due_utc) + unseen
        if now_utc - begun_utc < limit:
            later = replace(row, turn=row.turn + 1, begun_utc=begun_utc)
            return self._again(model, row, later, at_once=wait.at_once)
        for job in wait.jobs:
            self.jobs().cancel(job)  # it would go on costing money
        return self._give_up(model, effect, sentences.waited_too_long(wait.for_what, limit))

    def _failed(
        self, model: str, row: DueEffect, *, effect: Effect, exc: TransientError
    ) -> Performed:
        failures = row.failures + 1
        most = _MOST_NOT_THERE_YET if isinstance(exc, NotThereYetError) else _MOST_FAILURES
        if failures >= most:
            return self._give_up(model, effect, f"{exc} (tried {failures} times)")
        return self._again(model, row, replace(row, turn=row.turn + 1, failures=failures))

    def _again(
        self, model: str, row: DueEffect, later: DueEffect, *, at_once: bool = False
    ) -> Performed:
        delay = timedelta(0) if at_once else delay_of_turn(later.turn)
        later = replace(later, due_utc=self.clock.now_utc() + delay)
        # One chain of messages continues: a doubled message loses this comparison.
        if not self.ledger.update_due(model, row, later):
            return Performed.OBSOLETE
        self.work.send(WorkMessage(model, row.effect, later.turn), delay=delay)
        return Performed.WAITING

    def _give_up(self, model: str, effect: Effect, sentence: str) -> Performed:
        self.record(model, EffectFailed.of(effect, sentence))
        return Performed.GIVEN_UP


def delay_of_turn(turn: int) -> timedelta:
    """Backoff between polls: 2 s after the first, doubling to 5 minutes."""
    doublings: int = min(max(turn - 1, 0), 10)
    return min(_FIRST_DELAY * (1 << doublings), _LONGEST_DELAY)

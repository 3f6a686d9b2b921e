"""The ledger: facts of each model, the folded state, and the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from shared.domain.value import Value, value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from shared.domain.facts import Entry
    from shared.domain.state import State


@value
class Head(Value):
    """The state of one model as it was read: decide on it, then commit against it."""

    state: State
    etag: str | None = None  # None: the model has no stream yet


@value
class ArrivalMark(Value):
    """The newest known content of one landed blob."""

    etag: str
    sequencer: str | None


@value
class DueEffect(Value):
    """One row of the outbox. `turn` counts its messages; only the newest may send the next one."""

    effect: str  # its key
    due_utc: datetime
    turn: int = 0
    failures: int = 0
    requeued: int = 0  # by reconcile: its message was lost, or its worker crashed
    begun_utc: datetime | None = None  # when it was first due; None until it had to wait


class Ledger(Protocol):
    """Append-only facts, one stream per model; the only mutable state of the system."""

    def head(self, model: str) -> Head:
        """The folded state; an empty one for a model without facts."""

    def commit(
        self,
        head: Head,
        entries: Sequence[Entry],
        *,
        state: State,
        due: Sequence[DueEffect],
        undue: Sequence[str],
    ) -> Head:
        """Append facts and update the outbox in one transaction.

        Args:
            head: what the caller decided on; the commit fails if it is no longer the newest.
            entries: numbers follow `head.state.count` without a gap; empty to correct only the
                outbox.
            state: the state after them.
            due: effects that have become due.
            undue: keys of effects that are no longer due.

        Raises:
            LedgerConflictError: the stream has grown since, or a fact's key is known already;
                nothing was written.
        """

    def knows(self, model: str, fact_key: str) -> bool:
        """Whether a fact of that key is recorded."""

    def find(self, model: str, fact_key: str) -> Entry | None:
        """The fact of that key; None if it is not recorded."""

    def arrival(self, model: str, place: str) -> ArrivalMark | None:
        """The newest known content of a landed blob; `place` is `container/path`."""

    def arrivals(self, model: str) -> Mapping[str, ArrivalMark]:
        """The newest known content of every landed blob, by `container/path`."""

    def entries(self, model: str, *, after: int = 0, to: int | None = None) -> Iterable[Entry]:
        """Facts in (after, to], oldest first."""

    def due(self, model: str) -> Sequence[DueEffect]:
        """All due effects of a model."""

    def due_effect(self, model: str, effect: str) -> DueEffect | None:
        """The due effect of that key; None if it is not due."""

    def update_due(self, model: str, old: DueEffect, new: DueEffect) -> bool:
        """Replace one row if it still equals `old`; False if it changed or is gone."""

"""A person requests a retraining."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from shared.domain import sentences
from shared.domain.retraining import CycleOpened, RetrainRequested
from shared.errors import FactConflictError, NotTheChampionError

if TYPE_CHECKING:
    from shared.domain.state import State
    from shared.ports.ledger import Ledger
    from shared.usecases.record_fact import RecordFact


@dataclass(frozen=True, slots=True)
class RetrainAccepted:
    """An accepted request; `cycle_id` is None while it waits for the open cycle to end."""

    new: bool
    cycle_id: str | None
    sentence: str


@dataclass(frozen=True, slots=True)
class RequestRetrain:
    """Records a person's request; a repeated idempotency key is the same request."""

    record: RecordFact
    ledger: Ledger

    def __call__(
        self, model: str, *, request: str, text: str, by: str = "", unseat: str | None = None
    ) -> RetrainAccepted:
        """Record the request; it opens a cycle now, or when the open one has ended.

        Args:
            model: its name.
            request: idempotency key.
            text: why.
            by: who.
            unseat: version of the champion, if the challenger need not be better than it.

        Raises:
            NotTheChampionError: `unseat` is another version.
            UnknownModelError: no such model.
            FactConflictError: that key was used with another text.
        """
        fact = RetrainRequested(request, text, by, unseat)
        if unseat is not None and not self.ledger.knows(model, fact.key):
            self._check_champion(model, unseat)
        recorded = self.record(model, fact)
        known = None if recorded.new else self.ledger.find(model, fact.key)
        if known is not None and known.fact != fact:
            raise FactConflictError(
                f"key {request} was used before, at {known.at_utc:%Y-%m-%d %H:%M} UTC, with "
                "another reason; send a new key for a new request"
            )
        entry = known or next(iter(recorded.entries), None)
        after = recorded.state.count if entry is None else entry.seq
        cycle_id = self._cycle_with(recorded.state, fact.key, after=after)
        sentence = sentences.retraining_accepted(cycle_id, new=recorded.new)
        return RetrainAccepted(recorded.new, cycle_id, sentence)

    def _check_champion(self, model: str, version: str) -> None:
        champion = self.ledger.head(model).state.champion
        if champion is None or champion.version != version:
            serves = "no version serves" if champion is None else f"{champion.version} serves"
            raise NotTheChampionError(
                f"version {version} is not the champion of {model}: {serves}; name the version "
                "that serves, or leave unseat out"
            )

    def _cycle_with(self, state: State, key: str, *, after: int) -> str | None:
        """The cycle that the request went into; None while it waits for one."""
        openings = [state.cycle.opening] if state.cycle is not None else []
        later = (entry.fact for entry in self.ledger.entries(state.model, after=after))
        found = (
            fact.cycle_id
            for fact in chain(openings, later)
            if isinstance(fact, CycleOpened) and any(item.key == key for item in fact.reasons)
        )
        return next(found, None)

"""A person asks for a retraining."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain.facts import RetrainRequested
from shared.domain.ids import cycle_id_of

if TYPE_CHECKING:
    from shared.domain.state import State
    from shared.usecases.record_fact import RecordFact


@dataclass(frozen=True, slots=True)
class RetrainAccepted:
    """`cycle_id` is None while the request waits for the open cycle to end."""

    new: bool
    cycle_id: str | None
    state: State


@dataclass(frozen=True, slots=True)
class RequestRetrain:
    """The same idempotency key twice is one request."""

    record: RecordFact

    def __call__(self, model: str, *, request: str, text: str, by: str = "") -> RetrainAccepted:
        """Record the wish; it opens a cycle now, or when the open one has ended.

        Raises:
            UnknownModelError: no such model.
        """
        fact = RetrainRequested(request, text, by)
        recorded = self.record(model, fact)
        return RetrainAccepted(recorded.new, _cycle_with(recorded.state, fact.key), recorded.state)


def _cycle_with(state: State, key: str) -> str | None:
    if state.cycle is not None and any(r.key == key for r in state.cycle.opening.reasons):
        return state.cycle.cycle_id
    own = cycle_id_of(state.model, key)
    return own if any(past.cycle_id == own for past in state.past) else None

"""What follows for a model, by the policy that its model.yml states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain.decide import end_cycle, next_step, outbox
from shared.domain.facts.cycles import CycleEnded, Outcome
from shared.domain.wording import ended
from shared.errors import FactConflictError, ModelConfigError, UnknownModelError

if TYPE_CHECKING:
    from datetime import datetime

    from shared.domain.effects import Effect
    from shared.domain.facts import Fact
    from shared.domain.policy import Policy
    from shared.domain.state import State
    from shared.ports.catalog import ModelCatalog


@dataclass(frozen=True, slots=True)
class Decisions:
    """The core's ladder, with the policies that it asks for."""

    catalog: ModelCatalog

    def next_step(self, state: State, now_utc: datetime) -> Fact | Effect | None:
        """The one thing that follows from what is known.

        A broken model.yml ends the cycle that needed it, not the message.
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


def _end_by(state: State, exc: Exception) -> CycleEnded:
    if state.cycle is None:
        raise FactConflictError(f"{state.model}: a policy was asked for without a cycle") from exc
    return end_cycle(state.cycle, Outcome.FAILED, ended(str(exc)))

"""The status of a model, in sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain import file_sentences, sentences
from shared.domain.retraining import ResumeRetraining
from shared.errors import ModelConfigError
from shared.usecases.explain import Explain
from shared.usecases.record_fact import require_model

if TYPE_CHECKING:
    from shared.domain.drift import DriftChecked
    from shared.domain.state import Champion, DataVersion, PastCycle, State
    from shared.ports.catalog import ModelCatalog
    from shared.ports.ledger import Ledger


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """The status of one model; `past` has the newest cycle first."""

    model: str
    sentence: str
    facts: int
    champion: Champion | None
    previous: Champion | None
    data: DataVersion | None
    cycle_id: str | None
    cycle_sentence: str | None
    waiting: str | None
    last_drift: DriftChecked | None
    past: tuple[PastCycle, ...]
    outstanding: int


@dataclass(frozen=True, slots=True)
class Status:
    """Reads statuses from ledger heads: one read per model, one more for an open cycle."""

    ledger: Ledger
    catalog: ModelCatalog

    def all(self) -> tuple[ModelStatus, ...]:
        """The status of every model, sorted by name."""
        return tuple(self(model) for model in sorted(self.catalog.names()))

    def __call__(self, model: str) -> ModelStatus:
        """The status of one model.

        Raises:
            UnknownModelError: no such model.
        """
        require_model(self.catalog, model)
        state = self.ledger.head(model).state
        champion, cycle = state.champion, state.cycle
        explain = Explain(self.ledger, self.catalog)
        explanation = explain.of(state, cycle.cycle_id) if cycle else None
        return ModelStatus(
            model,
            sentence=self._sentence(state),
            facts=state.count,
            champion=champion,
            previous=state.previous_champion,
            data=state.data,
            cycle_id=cycle.cycle_id if cycle else None,
            cycle_sentence=explanation.sentence if explanation else None,
            waiting=_waiting(state),
            last_drift=state.last_drift,
            past=tuple(reversed(state.past)),
            outstanding=len(state.outstanding),
        )

    def _sentence(self, state: State) -> str:
        champion = state.champion
        if champion is not None:
            return sentences.serving(champion.version, champion.since_utc)
        try:
            reasons = self.catalog.policy(state.model).reasons
        except ModelConfigError as exc:
            return sentences.unreadable_settings(exc)
        if state.count == 0:
            return file_sentences.first_drop(state.model, reasons)
        return file_sentences.no_version(reasons)


def _waiting(state: State) -> str | None:
    kinds = [reason.kind for reason in state.waiting]
    arrivals = state.waiting_arrivals + state.returned_arrivals
    withdrawals = state.waiting_withdrawals + state.returned_withdrawals
    parts = []
    if kinds or arrivals or withdrawals:
        parts.append(file_sentences.waiting(kinds, arrivals, withdrawals))
    parts += [
        file_sentences.postponed([reason.kind for reason in effect.reasons], effect.not_before_utc)
        for effect in state.outstanding
        if isinstance(effect, ResumeRetraining) and effect.not_before_utc is not None
    ]
    return " ".join(parts) or None

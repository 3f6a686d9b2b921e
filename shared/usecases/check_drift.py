"""Ask for a drift check of one day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from shared.domain import sentences
from shared.domain.evolve import check_of
from shared.domain.facts import DriftCheckDue, EffectFailed
from shared.usecases.record_fact import require_model

if TYPE_CHECKING:
    from datetime import date

    from shared.ports.catalog import ModelCatalog
    from shared.ports.clock import Clock
    from shared.ports.ledger import Ledger
    from shared.usecases.record_fact import RecordFact


@dataclass(frozen=True, slots=True)
class DriftCheckAsked:
    """`fact_key` is the key of the result to come (or known already); None: nothing to check."""

    sentence: str
    fact_key: str | None = None
    new: bool = False


@dataclass(frozen=True, slots=True)
class CheckDriftOf:
    """Timer and HTTP ask here; the check itself is an effect."""

    ledger: Ledger
    record: RecordFact
    catalog: ModelCatalog
    clock: Clock

    def __call__(self, model: str, day: date | None = None) -> DriftCheckAsked:
        """Ask for the check of `day` (UTC; today when not given) against the champion's reference.

        The window ends with the day, or now if that is earlier.

        Raises:
            UnknownModelError: no such model.
            ModelConfigError: its model.yml has mistakes.
        """
        require_model(self.catalog, model)
        champion = self.ledger.head(model).state.champion
        if champion is None:
            return DriftCheckAsked(sentences.no_champion_to_check())
        now_utc = self.clock.now_utc()
        day = day or now_utc.date()
        midnight_utc = datetime.combine(day + timedelta(days=1), time(), tzinfo=UTC)
        end_utc = min(now_utc, midnight_utc)
        window = timedelta(days=self.catalog.policy(model).drift_window_days)
        due = DriftCheckDue(
            day,
            champion.version,
            window_start_utc=end_utc - window,
            window_end_utc=end_utc,
        )
        while self.ledger.knows(model, EffectFailed(check_of(due).key, "").key):
            due = replace(due, attempt=due.attempt + 1)  # that check was given up: another one
        recorded = self.record(model, due)
        key = f"drift:{day.isoformat()}:{champion.version}"
        return DriftCheckAsked(
            sentences.drift_check_asked(day, champion.version, new=recorded.new),
            fact_key=key,
            new=recorded.new,
        )

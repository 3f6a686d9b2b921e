"""Reads the result of a day's drift check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.usecases.record_fact import require_model

if TYPE_CHECKING:
    from datetime import date

    from shared.ports.catalog import ModelCatalog
    from shared.ports.drift import DriftChecks, DriftReport


@dataclass(frozen=True, slots=True)
class ReadDriftReport:
    """Reads the newest stored result of a day."""

    catalog: ModelCatalog
    checks: DriftChecks

    def __call__(self, model: str, day: date) -> DriftReport | None:
        """The newest result of a UTC day; None if it was not checked.

        On the day of a promotion there may be results for two versions: the later one counts.

        Raises:
            UnknownModelError: no such model.
            TransientError: storage did not answer.
        """
        require_model(self.catalog, model)
        of_day = [stored for stored in self.checks.past(model) if stored.day == day]
        if not of_day:
            return None
        return self.checks.report(max(of_day, key=lambda one: (one.written_utc, one.revision)))

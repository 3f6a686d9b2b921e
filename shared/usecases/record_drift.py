"""Record drift that an event reports: another system's, or our own event coming back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.errors import EventRejectedError

if TYPE_CHECKING:
    from shared.domain.drift import DriftChecked
    from shared.ports.clock import Clock
    from shared.usecases.record_fact import Recorded, RecordFact


@dataclass(frozen=True, slots=True)
class RecordDrift:
    """Records what a check outside found."""

    record: RecordFact
    clock: Clock

    def __call__(self, model: str, found: DriftChecked) -> Recorded:
        """A known key is success: our own event has one.

        A day to come is refused: it would stay the newest one, and hide every check until then.

        Raises:
            EventRejectedError: the day has not begun (UTC).
            UnknownModelError: not one of our models.
            TransientError: the ledger did not answer.
        """
        today = self.clock.now_utc().date()
        if found.day > today:
            raise EventRejectedError(
                f"drift of {found.day.isoformat()} is after today, {today.isoformat()} (UTC); "
                "send the day whose rows were compared"
            )
        return self.record(model, found)

"""Resume a retraining that a cooldown or a budget had postponed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.retraining import RetrainingPossible

if TYPE_CHECKING:
    from shared.domain.retraining import ResumeRetraining


def resume_retraining(effect: ResumeRetraining) -> RetrainingPossible:
    """Nothing but the time was missing: the fact brings the reasons back."""
    return RetrainingPossible(effect.postponed, effect.reasons)

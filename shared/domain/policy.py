"""May this model be retrained now? A pure answer with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.domain.facts import ReasonKind


@dataclass(frozen=True, slots=True)
class Policy:
    """What the core needs of a model's `model.yml`."""

    config_sha256: str
    reasons: frozenset[ReasonKind]
    cooldown: timedelta
    drift_overrides_cooldown: bool
    jobs_per_30_days: int
    max_attempts: int = 2
    soak: timedelta = timedelta(0)
    drift_window_days: int = 1

"""Injected faults: what Event Grid's contract allows to go wrong, from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random


@dataclass(frozen=True, slots=True)
class Faults:
    """Duplicates, delays and losses. All off by default.

    Args:
        duplicates: how many more times each delivery is made.
        longest_delay_seconds: each delivery waits up to that long, which shuffles them too.
        lost_ratio: share of deliveries that never come, 0-1.
        seed: of the random choices.
    """

    duplicates: int = 0
    longest_delay_seconds: float = 0.0
    lost_ratio: float = 0.0
    seed: int = 0

    def delays(self, rng: random.Random) -> list[float]:
        """Delays in seconds, one for each delivery to be made of one event; empty when lost."""
        return [
            rng.uniform(0.0, self.longest_delay_seconds)
            for _ in range(1 + self.duplicates)
            if rng.random() >= self.lost_ratio
        ]

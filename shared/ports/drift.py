"""Production rows against a reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shared.domain.effects import CheckDrift
    from shared.domain.facts import DriftChecked
    from shared.domain.state import Champion


class DriftChecks(Protocol):
    """The comparison of production data with a champion's reference."""

    def check(self, model: str, champion: Champion, effect: CheckDrift) -> DriftChecked:
        """The fact to record, report written."""

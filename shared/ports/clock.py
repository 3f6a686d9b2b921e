"""Time comes from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime, timedelta


class Clock(Protocol):
    """The time, and pauses between tries."""

    def now_utc(self) -> datetime:
        """UTC-aware."""

    def sleep(self, duration: timedelta) -> None:
        """Only for the jitter between two tries of a transaction: milliseconds."""

"""Time comes from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime, timedelta


class Clock(Protocol):
    """The time, and pauses between tries."""

    def now_utc(self) -> datetime:
        """The current time, UTC-aware."""

    def sleep(self, duration: timedelta) -> None:
        """Block for a few milliseconds: the jitter between two tries of a transaction."""

"""A clock that moves only when told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_START = datetime(2026, 3, 14, 6, 0, tzinfo=UTC)


class SimulatedClock:
    """Starts on 14 March 2026, 06:00 UTC."""

    def __init__(self, start_utc: datetime = _START) -> None:
        self._now_utc = start_utc

    def now_utc(self) -> datetime:
        """UTC-aware."""
        return self._now_utc

    def sleep(self, duration: timedelta) -> None:
        """Advance the clock."""
        self.advance(duration)

    def advance(self, duration: timedelta) -> None:
        """Move on; never back."""
        self._now_utc += max(duration, timedelta(0))

    def advance_to(self, moment_utc: datetime) -> None:
        """Move on to that time, if it lies ahead."""
        self._now_utc = max(self._now_utc, moment_utc)

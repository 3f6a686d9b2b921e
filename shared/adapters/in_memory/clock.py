"""A clock that moves only when told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_START = datetime(2026, 3, 14, 6, 0, tzinfo=UTC)


class SimulatedClock:
    """Port `Clock`; starts at 06:00 UTC on 14 March 2026."""

    def __init__(self, start_utc: datetime = _START) -> None:
        self._now_utc = start_utc

    def now_utc(self) -> datetime:
        """The simulated time, UTC-aware."""
        return self._now_utc

    def sleep(self, duration: timedelta) -> None:
        """Advance the clock."""
        self.advance(duration)

    def advance(self, duration: timedelta) -> None:
        """Advance the clock; a negative duration does nothing."""
        self._now_utc += max(duration, timedelta(0))

    def advance_to(self, moment_utc: datetime) -> None:
        """Advance the clock to that time, if it lies ahead."""
        self._now_utc = max(self._now_utc, moment_utc)

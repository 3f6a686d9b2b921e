"""The clock of the machine."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta


class SystemClock:
    """Port `Clock`."""

    def now_utc(self) -> datetime:
        """The machine's time, UTC-aware."""
        return datetime.now(UTC)

    def sleep(self, duration: timedelta) -> None:
        """Block this thread."""
        time.sleep(duration.total_seconds())

"""What the demo says while it runs: one line a step, and a sign of life in between."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

_SILENCE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Activity:
    """What runs at the moment, and since when (UTC)."""

    text: str
    since_utc: datetime


class Narrator:
    """Prints lines with the elapsed time; says what runs when nothing was printed for a while."""

    def __init__(
        self, out: TextIO = sys.stdout, *, silence_seconds: float = _SILENCE_SECONDS
    ) -> None:
        self._out = out
        self._silence_seconds = silence_seconds
        self._started = time.monotonic()
        self._last_line = self._started

    def restart_clock(self) -> None:
        """Count elapsed time from now on: set-up is over, the loop begins."""
        self._started = self._last_line = time.monotonic()

    def say(self, text: str) -> None:
        """One line, with the elapsed time in front."""
        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        self.plain(f"[{minutes:02d}:{seconds:02d}] {text}")

    def plain(self, text: str = "") -> None:
        """One line as it is."""
        self._out.write(f"{text}\n")
        self._out.flush()
        self._last_line = time.monotonic()

    @contextlib.asynccontextmanager
    async def telling(self, activity: Callable[[], Awaitable[Activity]]) -> AsyncIterator[None]:
        """Say what runs and for how long whenever nothing was printed for 5 seconds."""

        async def sign_of_life() -> None:
            while True:
                silent = time.monotonic() - self._last_line
                if silent >= self._silence_seconds:
                    running = await activity()
                    seconds = (datetime.now(UTC) - running.since_utc).total_seconds()
                    self.say(f"  … {running.text}, {max(0.0, seconds):.0f} s")
                else:
                    await asyncio.sleep(self._silence_seconds - silent)

        task = asyncio.create_task(sign_of_life())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

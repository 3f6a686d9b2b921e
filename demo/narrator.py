"""What the demo says while it runs: one line a step, and a sign of life in between."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_SILENCE_SECONDS = 5.0


class Narrator:
    """Prints lines with the elapsed time; says what is awaited after 5 s without news."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._started = time.monotonic()
        self._last_line = self._started

    @property
    def elapsed_seconds(self) -> float:
        """Since the narrator was made."""
        return time.monotonic() - self._started

    def restart_clock(self) -> None:
        """Count elapsed time from now on: set-up is over, the loop begins."""
        self._started = self._last_line = time.monotonic()

    def say(self, text: str) -> None:
        """One line, with the elapsed time in front."""
        minutes, seconds = divmod(int(self.elapsed_seconds), 60)
        self.plain(f"[{minutes:02d}:{seconds:02d}] {text}")

    def plain(self, text: str = "") -> None:
        """One line as it is."""
        self._out.write(f"{text}\n")
        self._out.flush()
        self._last_line = time.monotonic()

    @contextlib.asynccontextmanager
    async def waiting_for(self, what: str) -> AsyncIterator[None]:
        """Say `… what, 12 s` whenever nothing was printed for 5 seconds."""
        started = time.monotonic()

        async def sign_of_life() -> None:
            while True:
                await asyncio.sleep(_SILENCE_SECONDS)
                if time.monotonic() - self._last_line >= _SILENCE_SECONDS:
                    self.say(f"  … {what}, {time.monotonic() - started:.0f} s")

        task = asyncio.create_task(sign_of_life())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

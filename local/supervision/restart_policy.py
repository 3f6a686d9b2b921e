"""Programs of the stack that end by themselves are started again, a few times."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Protocol

from local.errors import ProcessFailedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_log = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS = 0.2
_STEADY_SECONDS = 60.0
_MOST_ENDS = 5


class Program(Protocol):
    """A part of the stack that is a process of its own."""

    async def ended(self) -> int:
        """Wait until it has ended without having been stopped; its exit code."""

    async def start(self) -> None:
        """Start it; raises LocalStackError."""

    async def stop(self) -> None:
        """End what is left of it."""


async def keep_running(
    program: Program,
    *,
    name: str,
    consequence: str,
    afterwards: Callable[[], Awaitable[None]] | None = None,
    clock: Callable[[], float] = time.monotonic,
    first_pause_seconds: float = _FIRST_PAUSE_SECONDS,
) -> None:
    """Start `program` again whenever it has ended, until cancelled.

    Args:
        program: it runs.
        name: for the log.
        consequence: what its end may mean to a person, told in the same line.
        afterwards: done after each new start.
        clock: seconds that only grow.
        first_pause_seconds: before the first new start; doubles while it keeps ending.

    Raises:
        ProcessFailedError: it ended too often in a row, each time within a minute.
        LocalStackError: it cannot be started any more.
    """
    ends = 0
    while True:
        began = clock()
        code = await program.ended()
        ends = 1 if clock() - began > _STEADY_SECONDS else ends + 1
        if ends > _MOST_ENDS:
            raise ProcessFailedError(
                f"{name} ended {ends} times, each time within {_STEADY_SECONDS:.0f} s of its start,"
                f" the last time with code {code}; its log is in the folder logs of the state"
            )
        _log.warning(
            "%s ended by itself (code %d) and is started again. %s", name, code, consequence
        )
        await asyncio.sleep(first_pause_seconds * 2 ** (ends - 1))
        await program.stop()
        await program.start()
        if afterwards is not None:
            await afterwards()

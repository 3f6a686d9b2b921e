"""Restart policy: a program that ends by itself is started again, after growing pauses."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from local.errors import ProcessFailedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_log = logging.getLogger(__name__)
_MAX_DOUBLINGS = 30  # a float does not hold many more than a thousand


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """How long to wait before a restart, and when to give up.

    Args:
        first_pause_seconds: before the first restart; doubles with every further end in a row.
        longest_pause_seconds: where doubling stops.
        steady_seconds: after a run this long, the next end counts as the first in a row.
        max_ends: in a row, before the program is given up; None never gives up.
    """

    first_pause_seconds: float = 0.2
    longest_pause_seconds: float = 30.0
    steady_seconds: float = 60.0
    max_ends: int | None = None


class Restarts:
    """Counts how often one program has ended in a row."""

    def __init__(self, policy: RestartPolicy) -> None:
        self.policy = policy
        self.ends_in_a_row = 0

    def pause_after(self, ran_seconds: float) -> float:
        """Seconds to wait now that the program has ended, or has failed to start (0 s)."""
        if ran_seconds > self.policy.steady_seconds:
            self.ends_in_a_row = 0
        self.ends_in_a_row += 1
        doublings = min(self.ends_in_a_row - 1, _MAX_DOUBLINGS)
        pause: float = self.policy.first_pause_seconds * 2**doublings
        return min(pause, self.policy.longest_pause_seconds)

    @property
    def are_used_up(self) -> bool:
        """Whether the program has ended too often in a row."""
        return self.policy.max_ends is not None and self.ends_in_a_row > self.policy.max_ends


class Program(Protocol):
    """A part of the stack that runs as a separate process."""

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
    policy: RestartPolicy,
    afterwards: Callable[[], Awaitable[None]] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Restart `program` whenever it has ended, until cancelled.

    Args:
        program: it is running.
        name: for the log.
        consequence: what its end may mean to the user, logged in the same line.
        policy: pauses, and when to give up.
        afterwards: done after each restart.
        clock: seconds that only grow.

    Raises:
        ProcessFailedError: it ended too often in a row.
        LocalStackError: it cannot be started any more.
    """
    restarts = Restarts(policy)
    while True:
        began = clock()
        code = await program.ended()
        pause = restarts.pause_after(clock() - began)
        if restarts.are_used_up:
            raise ProcessFailedError(
                f"{name} ended {restarts.ends_in_a_row} times, each time within "
                f"{policy.steady_seconds:.0f} s of its start, the last time with code {code}; its "
                "log is in the folder logs of the state"
            )
        _log.warning("%s ended by itself (code %d) and is restarted. %s", name, code, consequence)
        await asyncio.sleep(pause)
        await program.stop()
        await program.start()
        if afterwards is not None:
            await afterwards()

"""Waiting for what the demo promises: what is looked at, what is said, when it is given up.

It gives up when nothing has changed for a while. The total time is not limited: a slow machine is
not a failure.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from demo.cycle import Cycle
from demo.failures import DemoClientError, StepFailedError
from demo.narrator import Activity

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from demo.client import DemoClient, PipelineProgress
    from demo.narrator import Narrator

_WORK = {
    "retrain": "training",
    "evaluate": "comparing champion and challenger",
    "test": "testing the file",
    "drift": "checking for drift",
}


class Patience:
    """A timeout that restarts whenever something changes."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._seen: object = None
        self._since = time.monotonic()

    def saw(self, what: object) -> None:
        """Restart the timeout if this differs from what was seen last."""
        if what != self._seen:
            self._seen = what
            self._since = time.monotonic()

    @property
    def over(self) -> bool:
        """Whether nothing has changed for too long."""
        return time.monotonic() - self._since > self._seconds


class Watch:
    """Follows cycles and other signs of progress, and says what runs meanwhile.

    Args:
        client: of the running stack.
        narrator: is told each step.
        logs: of the stack, for error messages.
        patience_seconds: how long nothing may change.
        poll_seconds: between two looks.
    """

    def __init__(
        self,
        client: DemoClient,
        narrator: Narrator,
        *,
        logs: Path,
        patience_seconds: float,
        poll_seconds: float,
    ) -> None:
        self._client = client
        self._narrator = narrator
        self._logs = logs
        self._patience_seconds = patience_seconds
        self._poll_seconds = poll_seconds
        self._followed: set[str] = set()

    async def next_cycle(
        self, what: str, *, once_better: Callable[[], Awaitable[None]] | None = None
    ) -> Cycle:
        """Follow the next cycle to its end, saying each step as it is reached.

        Args:
            what: is awaited, in words.
            once_better: called when the challenger has won and its deployment begins.

        Raises:
            StepFailedError: nothing has changed for too long.
        """
        patience = Patience(self._patience_seconds)
        began_utc = datetime.now(UTC)
        said: set[str] = set()
        status: dict[str, Any] = {}
        cycle: Cycle | None = None
        running = Activity(f"waiting for {what}", began_utc)

        async def look() -> Activity:
            nonlocal running
            if cycle is not None:
                running = await self._activity(cycle, began_utc)
            return running

        async with self._narrator.telling(look):
            while not patience.over:
                newest = await self._client.status()
                if newest != status:
                    status = newest
                    cycle = await self._cycle_not_followed(status)
                if cycle is not None:
                    self._say_reached(cycle, said)
                    if once_better is not None and cycle.step("Compared").done:
                        await once_better()
                        once_better = None
                    if cycle.outcome is not None:
                        self._followed.add(cycle.cycle_id)
                        return cycle
                patience.saw((status, running.text))
                await asyncio.sleep(self._poll_seconds)
        raise self._too_long(what, f"{running.text} since {running.since_utc:%H:%M:%S} UTC")

    async def until(
        self, true: Callable[[], Awaitable[bool]], what: str, *, seen: Callable[[], str]
    ) -> None:
        """Wait until something is true.

        Args:
            true: looks.
            what: is awaited, in words.
            seen: what the last look saw, in words.

        Raises:
            StepFailedError: nothing has changed for too long.
        """
        patience = Patience(self._patience_seconds)
        began_utc = datetime.now(UTC)

        async def waiting() -> Activity:
            return Activity(f"waiting for {what}: {seen()}", began_utc)

        async with self._narrator.telling(waiting):
            while not await true():
                patience.saw(seen())
                if patience.over:
                    raise self._too_long(what, seen())
                await asyncio.sleep(self._poll_seconds)

    async def _cycle_not_followed(self, status: dict[str, Any]) -> Cycle | None:
        """The oldest one whose end was not seen yet."""
        ids = [status["open_cycle"]["cycle_id"]] if status["open_cycle"] else []
        ids += [past["cycle_id"] for past in status["cycles"]]
        fresh = [cycle_id for cycle_id in ids if cycle_id not in self._followed]
        return Cycle.of(await self._client.cycle(fresh[-1])) if fresh else None

    async def _activity(self, cycle: Cycle, began_utc: datetime) -> Activity:
        step, job = cycle.running_step, cycle.running_job
        if step is None:
            return Activity(cycle.sentence.rstrip("."), began_utc)
        since_utc = step.at_utc or began_utc
        if job is None:
            return Activity(step.sentence, since_utc)
        try:
            return job_activity(job, await self._client.pipeline(job), since_utc)
        except DemoClientError as exc:
            return Activity(f"{step.sentence} (which step, is not known: {exc})", since_utc)

    def _say_reached(self, cycle: Cycle, said: set[str]) -> None:
        for step in cycle.steps:
            line = f"    {step.sign} {step.title}: {step.sentence}"
            if step.reached and line not in said:
                said.add(line)
                self._narrator.say(line)

    def _too_long(self, what: str, seen: str) -> StepFailedError:
        return StepFailedError(
            f"waited for {what}, and nothing changed for {self._patience_seconds:.0f} s: {seen}. "
            f"Logs: {self._logs}"
        )


def job_activity(job: str, pipeline: PipelineProgress, submitted_utc: datetime) -> Activity:
    """What a pipeline job does: `training, step 2 of 4 (train)`."""
    work = _WORK.get(job.partition("-")[0], f"job {job}")
    if not pipeline.begun:
        return Activity(f"{work}, no step has begun yet", submitted_utc)
    newest = pipeline.begun[-1]
    number = f"step {len(pipeline.begun)} of {pipeline.steps}"
    return Activity(f"{work}, {number} ({newest.name})", newest.since_utc)

"""A steady stream of scoring requests, every answer counted."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

_TIMEOUT = aiohttp.ClientTimeout(total=30)


@dataclass(slots=True)
class Answered:
    """One request: when it was sent (monotonic s), its status, who answered.

    The status is 0 where no answer came or one that does not say who gave it.
    """

    sent: float
    status: int
    version: str


@dataclass(slots=True)
class Tally:
    """What became of the requests in one span of time."""

    requests: int
    failed: int
    seconds: float
    by_version: Counter[str] = field(default_factory=Counter)

    @property
    def per_second(self) -> float:
        """Requests sent a second."""
        return self.requests / self.seconds if self.seconds > 0 else 0.0


class SteadyLoad:
    """Sends one row a request at a fixed rate, whether or not earlier answers have come.

    An open loop: a slow server does not slow the requests, so it cannot hide its failures.
    `ended` is the monotonic time at which sending stopped.
    """

    def __init__(
        self, *, url: str, key: str, rows: Sequence[dict[str, Any]], per_second: float
    ) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"}
        self._rows = rows
        self._interval = 1 / per_second
        self._answers: list[Answered] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self.ended = 0.0

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        self._task = asyncio.create_task(self._send_for_ever())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.ended = time.monotonic()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await asyncio.gather(*self._under_way)
        await self._session.close()

    async def _send_for_ever(self) -> None:
        due = time.monotonic()
        for row in itertools.cycle(self._rows):
            task = asyncio.create_task(self._send(row))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
            due += self._interval
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _send(self, row: dict[str, Any]) -> None:
        answered = Answered(sent=time.monotonic(), status=0, version="")
        try:
            async with self._session.post(
                self._url, json={"data": [row]}, headers=self._headers
            ) as response:
                answered.status = response.status
                if response.status == 200:  # noqa: PLR2004  # HTTP's own number
                    answered.version = str((await response.json())["model_version"])
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError):
            # No answer, or one that is not the scoring script's: a failed request.
            answered.status = 0
        self._answers.append(answered)

    def tally(self, since: float, until: float) -> Tally:
        """Count the requests sent in [since, until], both in monotonic seconds."""
        span = [answer for answer in self._answers if since <= answer.sent <= until]
        good = [answer for answer in span if answer.status == 200]  # noqa: PLR2004
        return Tally(
            requests=len(span),
            failed=len(span) - len(good),
            seconds=until - since,
            by_version=Counter(answer.version for answer in good),
        )

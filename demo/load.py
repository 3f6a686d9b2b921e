"""A steady stream of scoring requests, every answer counted."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

_TIMEOUT = aiohttp.ClientTimeout(total=30)
# Well below what a deployment works on at a time: a slow machine answers late and refuses nothing.
_MOST_IN_FLIGHT = 40
_NO_ANSWER = (aiohttp.ClientError, TimeoutError)
_NOT_THE_SCRIPTS = (ValueError, KeyError, TypeError)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one request, and when that was known (monotonic s).

    Either the model version that answered, or what went wrong: a status other than 200, no answer
    at all, or a body that does not say who answered.
    """

    at: float
    version: str | None = None
    fault: str | None = None


@dataclass(slots=True)
class Tally:
    """The answers that came in one span of time."""

    answers: int
    seconds: float
    by_version: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    @property
    def failed(self) -> int:
        """Requests that failed, for whatever reason."""
        return self.faults.total()

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds if self.seconds > 0 else 0.0


class SteadyLoad:
    """Sends one row a request at a fixed rate, whether or not earlier answers have come.

    An open loop: a slow server does not slow the requests, so it cannot hide its failures. Only
    when `most_in_flight` requests wait for their answers does sending pause.
    """

    def __init__(
        self,
        *,
        url: str,
        key: str,
        rows: Sequence[dict[str, Any]],
        per_second: float,
        most_in_flight: int = _MOST_IN_FLIGHT,
    ) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"}
        self._rows = rows
        self._interval = 1 / per_second
        self._answers: list[Answer] = []
        self._free = asyncio.Semaphore(most_in_flight)
        self._in_flight: set[asyncio.Task[None]] = set()
        self._sending: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        self._sending = asyncio.create_task(self._send_steadily())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._sending is not None:
            self._sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sending
        await asyncio.gather(*self._in_flight)
        await self._session.close()

    async def _send_steadily(self) -> None:
        due = time.monotonic()
        for row in itertools.cycle(self._rows):
            if self._free.locked():
                await self._free.acquire()
                due = time.monotonic()  # what was not sent meanwhile is not caught up
            else:
                await self._free.acquire()
            task = asyncio.create_task(self._send(row))
            self._in_flight.add(task)
            task.add_done_callback(self._landed)
            due += self._interval
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._free.release()

    async def _send(self, row: dict[str, Any]) -> None:
        try:
            async with self._session.post(
                self._url, json={"data": [row]}, headers=self._headers
            ) as response:
                if response.status == HTTPStatus.OK:
                    version = str((await response.json())["model_version"])
                    answer = Answer(time.monotonic(), version=version)
                else:
                    answer = Answer(time.monotonic(), fault=f"status {response.status}")
        except _NO_ANSWER as exc:
            answer = Answer(time.monotonic(), fault=f"no answer, {type(exc).__name__}")
        except _NOT_THE_SCRIPTS:
            answer = Answer(time.monotonic(), fault="an answer without a model version")
        self._answers.append(answer)

    def tally(self, since: float) -> Tally:
        """Count the answers that came at or after a monotonic time, up to the last one."""
        return _tally([answer for answer in self._answers if answer.at >= since], since)

    def latest(self, count: int) -> Tally:
        """Count the newest answers, `count` at most."""
        newest = self._answers[-count:]
        return _tally(newest, newest[0].at if newest else 0.0)


def _tally(answers: Sequence[Answer], since: float) -> Tally:
    return Tally(
        answers=len(answers),
        seconds=answers[-1].at - since if answers else 0.0,
        by_version=Counter(answer.version for answer in answers if answer.version is not None),
        faults=Counter(answer.fault for answer in answers if answer.fault is not None),
    )

"""The load generator counts every answer when it arrives, good or bad."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from demo.load import SteadyLoad

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

pytestmark = pytest.mark.anyio

NO_VERSION = "an answer without a model version"
ANSWERS = {
    "good": (lambda: web.json_response({"model_version": "2"}), None),
    "busy": (lambda: web.Response(status=503), "status 503"),
    "no json": (lambda: web.Response(text="{", content_type="application/json"), NO_VERSION),
    "no version": (lambda: web.json_response({}), NO_VERSION),
    "a list": (lambda: web.json_response([]), NO_VERSION),
}


@contextlib.asynccontextmanager
async def endpoint(
    answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
) -> AsyncIterator[str]:
    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/score"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("kind", ANSWERS)
async def test_every_request_is_counted_as_answered_or_failed(kind):
    # given
    made, fault = ANSWERS[kind]
    asked: list[web.BaseRequest] = []
    enough = asyncio.Event()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request)
        if len(asked) == 5:
            enough.set()
        return made()

    began = time.monotonic()

    # when
    async with (
        endpoint(answer) as url,
        SteadyLoad(url=url, key="k", rows=[{"a": 1}], per_second=100) as load,
    ):
        await asyncio.wait_for(enough.wait(), 10)

    # then
    tally = load.tally(began)
    assert tally.answers == len(asked) >= 5
    assert tally.faults == ({fault: tally.answers} if fault else {})
    assert tally.by_version == ({} if fault else {"2": tally.answers})


async def test_slow_answers_are_counted_when_they_arrive():
    # given
    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        await asyncio.sleep(1.2)
        return web.json_response({"model_version": "2"})

    # when
    async with (
        endpoint(answer) as url,
        SteadyLoad(url=url, key="k", rows=[{"a": 1}], per_second=25) as load,
    ):
        await asyncio.sleep(1.8)
        seen = load.latest(5)
        recent = load.tally(time.monotonic() - 1.0)

    # then
    assert seen.by_version == {"2": 5}
    assert recent.by_version["2"] >= 5


async def test_answers_after_sending_stopped_are_counted():
    # given
    stopping = asyncio.Event()

    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        await stopping.wait()
        await asyncio.sleep(0.2)
        return web.Response(status=503)

    # when
    async with (
        endpoint(answer) as url,
        SteadyLoad(url=url, key="k", rows=[{"a": 1}], per_second=100) as load,
    ):
        await asyncio.sleep(0.1)
        before = load.tally(0.0)
        stopping.set()

    # then
    assert before.answers == 0
    assert load.tally(0.0).failed > 0


async def test_sending_pauses_at_the_limit_of_requests_in_flight():
    # given
    waiting = 0
    most_waiting = 0
    released = asyncio.Event()

    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        nonlocal waiting, most_waiting
        waiting += 1
        most_waiting = max(most_waiting, waiting)
        await released.wait()
        waiting -= 1
        return web.json_response({"model_version": "2"})

    # when
    async with endpoint(answer) as url:
        load = SteadyLoad(url=url, key="k", rows=[{"a": 1}], per_second=200, most_in_flight=5)
        async with load:
            await asyncio.sleep(0.5)
            asked_meanwhile = waiting
            released.set()
            await asyncio.sleep(0.5)

    # then
    assert asked_meanwhile == most_waiting == 5
    assert load.tally(0.0).answers > 20

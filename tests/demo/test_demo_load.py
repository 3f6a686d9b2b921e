"""The load counts what failed: that is what it is for."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiohttp import web

from demo.load import SteadyLoad

pytestmark = pytest.mark.anyio

ANSWERS = {
    "good": lambda: web.json_response({"model_version": "2"}),
    "busy": lambda: web.Response(status=503),
    "no json": lambda: web.Response(text="{", content_type="application/json"),
    "no version": lambda: web.json_response({}),
    "a list": lambda: web.json_response([]),
}


@pytest.mark.parametrize("kind", ANSWERS)
async def test_every_request_is_counted_whatever_comes_back(kind):
    # given
    asked: list[web.BaseRequest] = []
    enough = asyncio.Event()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request)
        if len(asked) == 5:
            enough.set()
        return ANSWERS[kind]()

    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    began = time.monotonic()

    # when
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/score"
    async with SteadyLoad(url=url, key="k", rows=[{"a": 1}], per_second=100) as load:
        await asyncio.wait_for(enough.wait(), 10)
    await runner.cleanup()

    # then
    tally = load.tally(began, load.ended)
    assert tally.requests >= 5
    assert tally.failed == (0 if kind == "good" else tally.requests)

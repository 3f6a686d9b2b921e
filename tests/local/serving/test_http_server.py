"""What the HTTP servers of the stack share."""

from __future__ import annotations

import asyncio
import logging

import pytest
from aiohttp import web

from local.serving.http_server import close_server, ignore_client_errors

pytestmark = pytest.mark.anyio


@pytest.fixture
def quiet():
    log = logging.getLogger("aiohttp.server")
    before = list(log.filters)
    ignore_client_errors()
    yield
    log.filters[:] = before


@pytest.mark.usefixtures("quiet")
async def test_request_that_is_not_http_is_not_logged_but_an_error_of_ours_is(caplog):
    # given
    async def broken(_: web.BaseRequest) -> web.StreamResponse:
        raise ZeroDivisionError

    runner = web.ServerRunner(web.Server(broken, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()

    async def ask(line: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*runner.addresses[0])
        writer.write(line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        return answer

    # when
    refused = await ask(b"\x16\x03\x01 a browser that tries TLS")
    quiet_so_far = not caplog.records
    failed = await ask(b"GET / HTTP/1.1")
    await close_server(runner)

    # then
    assert b" 400 " in refused.splitlines()[0]
    assert quiet_so_far
    assert b" 500 " in failed.splitlines()[0]
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.usefixtures("quiet")
async def test_client_that_disconnects_before_the_answer_is_not_logged(caplog):
    # given
    asked, gone, ended = asyncio.Event(), asyncio.Event(), []

    async def late(request: web.BaseRequest) -> web.StreamResponse:
        asked.set()
        await gone.wait()
        response = web.StreamResponse()
        try:
            await response.prepare(request)
        except ConnectionResetError as exc:
            ended.append(exc)
            raise
        return response

    server = web.Server(late, access_log=None)
    runner = web.ServerRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    _, writer = await asyncio.open_connection(*runner.addresses[0])

    # when
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await asked.wait()
    (connection,) = server.connections
    writer.close()
    await writer.wait_closed()
    connection.transport.close()  # as it is when the loop has seen the client's end
    gone.set()
    await close_server(runner)

    # then
    assert len(ended) == 1
    assert caplog.records == []

"""Forwards an HTTP message, chunk by chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

# They describe one connection, not the message (RFC 9110, section 7.6.1).
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# A header that the client did not send would break its signature.
_NEVER_ADDED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
_LINE_LIMIT_BYTES = 65536  # SAS URLs and metadata outgrow aiohttp's 8 KiB
_BUFFER_BYTES = 262144
# Below Azurite's 5 s, so that no connection is reused in the moment Azurite closes it.
_IDLE_CONNECTION_SECONDS = 3.0
_CONNECT_SECONDS = 10.0


def forwarding_session() -> aiohttp.ClientSession:
    """Connections to the service behind; nothing is added, unpacked or kept."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_CONNECTION_SECONDS),
        # A large upload takes as long as its client takes, and clients have limits of their own.
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
        auto_decompress=False,
        skip_auto_headers=_NEVER_ADDED,
        cookie_jar=aiohttp.DummyCookieJar(),
        max_line_size=_LINE_LIMIT_BYTES,
        max_field_size=_LINE_LIMIT_BYTES,
        read_bufsize=_BUFFER_BYTES,
    )


def forwarding_server(
    handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
) -> web.Server:
    """Hands over every request as it came."""
    return web.Server(
        handler,
        access_log=None,
        auto_decompress=False,
        max_line_size=_LINE_LIMIT_BYTES,
        max_field_size=_LINE_LIMIT_BYTES,
        read_bufsize=_BUFFER_BYTES,
    )


async def answer_expect(request: web.BaseRequest) -> None:
    """Answer `Expect: 100-continue`: the client may send its body (RFC 9110, section 10.1.1).

    `Expect` concerns one connection, so the proxy answers it: Azurite is not asked, and a bare
    server leaves it to its handler.
    """
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer itself has not begun


async def send_on(
    session: aiohttp.ClientSession, upstream: str, request: web.BaseRequest
) -> aiohttp.ClientResponse:
    """Send `request` to `upstream` as it came, its body as it comes in.

    Returns:
        The answer up to its headers; the caller closes it.

    Raises:
        aiohttp.ClientError: the service did not answer, or the client went away in its body.
    """
    return await session.request(
        request.method,
        URL(upstream + request.raw_path, encoded=True),
        headers=_passed_on(request.headers),
        data=request.content if request.can_read_body else None,
        allow_redirects=False,
    )


async def relay(
    request: web.BaseRequest, answer: aiohttp.ClientResponse, *, added: Mapping[str, str]
) -> web.StreamResponse:
    """Answer `request` with `answer`, its body as it comes in, and with `added` headers."""
    headers = _passed_on(answer.headers)
    headers.update(added)
    response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=headers)
    await response.prepare(request)
    async for chunk in answer.content.iter_any():
        await response.write(chunk)
    await response.write_eof()
    return response


def storage_error(status: int, code: str, message: str) -> web.Response:
    """An error as the blob service words it: SDKs read the code and try again."""
    body = (
        '<?xml version="1.0" encoding="utf-8"?>'
        f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    )
    return web.Response(
        status=status, text=body, content_type="application/xml", headers={"x-ms-error-code": code}
    )


def _passed_on(headers: Mapping[str, str]) -> CIMultiDict[str]:
    return CIMultiDict(
        (name, value) for name, value in headers.items() if name.lower() not in _HOP_BY_HOP
    )

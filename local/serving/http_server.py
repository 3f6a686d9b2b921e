"""What our HTTP servers share: refusing headers that are not UTF-8, and a quick shutdown."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from aiohttp import ClientConnectionResetError
from aiohttp.http_exceptions import HttpProcessingError

if TYPE_CHECKING:
    from aiohttp import web

# A client that never sends the rest of its request would hold up the end for aiohttp's minute.
SHUTDOWN_SECONDS = 2.0


def has_utf8_headers(request: web.BaseRequest) -> bool:
    """Whether all header values are UTF-8; Azure's server answers 400 to others.

    aiohttp decodes other bytes to lone surrogates, which cannot be encoded later.
    """
    return all(_is_text(value) for value in request.headers.values())


def ignore_client_errors() -> None:
    """Do not log tracebacks for mistakes of clients.

    A request that is not HTTP is answered with 400: browsers that try https on a plain port send
    one. Clients that disconnect before the answer, as all do when the stack ends, need no trace.
    """
    logging.getLogger("aiohttp.server").addFilter(_is_not_a_client_error)


def _is_not_a_client_error(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | ClientConnectionResetError)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


async def close_server(runner: web.BaseRunner) -> None:
    """Finish requests in flight, then drop the connections. Harmless when it never ran.

    An idle TLS client would otherwise hold up the shutdown for half a minute.
    """
    server = runner.server
    connections = server.connections if server is not None else []
    transports = [one.transport for one in connections if one.transport is not None]
    await runner.cleanup()
    for transport in transports:
        transport.abort()
    await asyncio.sleep(0)  # lets the loop remove the dropped connections

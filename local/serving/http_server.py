"""What our HTTP servers share: refusing what is no text, and ending without waiting for anybody."""

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


def has_text_headers(request: web.BaseRequest) -> bool:
    """Whether all header values are UTF-8; Azure's server answers 400 to others.

    aiohttp hands over bytes that are no text as lone surrogates, which no encoder takes later.
    """
    return all(_is_text(value) for value in request.headers.values())


def keep_faults_of_clients_quiet() -> None:
    """A trace of what a client did wrong is of no use to who runs us.

    A request that is no HTTP is answered with 400: a browser that tries https on a plain port makes
    one. Who goes away before the answer is given, as all do when the stack ends, misses nothing.
    """
    logging.getLogger("aiohttp.server").addFilter(_is_no_fault_of_a_client)


def _is_no_fault_of_a_client(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | ClientConnectionResetError)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


async def close_server(runner: web.BaseRunner) -> None:
    """Answer what is being answered, then drop the connections. Harmless when it never ran.

    A TLS connection would otherwise wait half a minute for an idle client's goodbye.
    """
    server = runner.server
    connections = server.connections if server is not None else []
    transports = [one.transport for one in connections if one.transport is not None]
    await runner.cleanup()
    for transport in transports:
        transport.abort()
    await asyncio.sleep(0)  # lets the loop take the dropped connections out

"""Ending an HTTP server without waiting for clients that have nothing more to say."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web


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

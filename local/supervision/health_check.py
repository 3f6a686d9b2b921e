"""Health check: a program is up once it answers, not once it was started."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import aiohttp

from local.errors import ProcessFailedError

if TYPE_CHECKING:
    from local.supervision.processes import ManagedProcess

_POLL_SECONDS = 0.1


async def until_answering(
    process: ManagedProcess, url: str, *, timeout_seconds: float, probe_seconds: float
) -> None:
    """Wait until `url` answers a GET with success.

    Args:
        process: what should answer.
        url: its health route.
        timeout_seconds: for all of it.
        probe_seconds: for one answer.

    Raises:
        ProcessFailedError: it ended first or did not answer in time; with its log's end.
    """
    deadline = time.monotonic() + timeout_seconds
    timeout = aiohttp.ClientTimeout(total=probe_seconds)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        while time.monotonic() < deadline:
            if process.returncode is not None:
                raise ProcessFailedError(
                    f"{process.command.name} ended with code {process.returncode} before it "
                    f"answered. Log: {process.command.log}\n{process.last_lines()}"
                )
            try:
                async with session.get(url) as answer:
                    if answer.ok:
                        return
            except (aiohttp.ClientError, TimeoutError, ConnectionError):
                pass  # not yet
            await asyncio.sleep(_POLL_SECONDS)
    raise ProcessFailedError(
        f"{process.command.name} did not answer within {timeout_seconds:.0f} s. "
        f"Log: {process.command.log}\n{process.last_lines()}"
    )

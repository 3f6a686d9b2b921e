"""Bodies of requests to the control plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.errors import LocalStackError

if TYPE_CHECKING:
    from aiohttp import web


class RefusedError(LocalStackError):
    """A request that Azure answers with 400; the text is for the caller."""


async def read_object(request: web.Request) -> dict[str, Any]:
    """The request's JSON object; empty when it has no body.

    Raises:
        RefusedError: it is not JSON, or no object.
    """
    # Read, not asked for: a middleware that records has read it already.
    if not await request.read():
        return {}
    try:
        body = await request.json()
    except ValueError as exc:
        raise RefusedError(f"the body is not JSON: {exc}") from exc
    if not isinstance(body, dict):
        raise RefusedError("the body is not a JSON object")
    return body

"""ARM's error answers, which the SDK shows as text."""

from __future__ import annotations

from aiohttp import web


def error(status: int, code: str, message: str) -> web.Response:
    """An ARM error body: `{"error": {"code", "message"}}`."""
    return web.json_response({"error": {"code": code, "message": message}}, status=status)


def not_found(what: str) -> web.Response:
    """A 404 answer, for which the SDK raises ResourceNotFoundError."""
    return error(404, "ResourceNotFound", f"{what} not found")


def user_error(message: str) -> web.Response:
    """A 400 answer with Azure ML's code for a user error."""
    return error(400, "UserError", message)


def not_implemented(method: str, path: str) -> web.Response:
    """A 501 answer: Azure may have this route, this stack does not."""
    return error(
        501,
        "NotImplemented",
        f"the local Azure ML has no {method} {path}; what it supports is listed in "
        "local/azure_ml/README.md",
    )

"""What every request passes before its handler: authentication and a check of its form."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from aiohttp import web

from local.azure_ml.answers import error, user_error
from local.azure_ml.identity import ARM_AUDIENCES, NotAuthorizedError
from local.azure_ml.mlflow.server import MlflowUnavailableError
from local.azure_ml.shapes import type_mistake
from local.azure_ml.workspace.storage_passthrough import PREFIX
from local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.typedefs import Handler, Middleware

    from local.azure_ml.identity import Identity

_log = logging.getLogger(__name__)
# Public on Azure too, or signed by themselves.
_OPEN_PATHS = ("/discovery", "/logs/", PREFIX)
_JSON_PATHS = ("/subscriptions/", "/history/", "/data/")


def authorized(identity: Identity, own_url: Callable[[], str]) -> Middleware:
    """Answer 401 unless the request has a token of `identity` for ARM, Azure ML or this server."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith(_OPEN_PATHS):
            try:
                identity.verify(request.headers.get("Authorization"), ARM_AUDIENCES | {own_url()})
            except NotAuthorizedError as exc:
                answer = error(401, "AuthenticationFailed", str(exc))
                answer.headers["WWW-Authenticate"] = "Bearer"
                return answer
        return await handler(request)

    return middleware


def well_formed() -> Middleware:
    """Answer malformed requests with 400, and errors of the stack with 500 and a message.

    While MLflow restarts the answer is 503, on which Azure's SDK and MLflow's client retry.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if request.path.startswith(_JSON_PATHS):
                mistake = await _mistake(request)
                if mistake is not None:
                    return user_error(mistake)
            return await handler(request)
        except web.RequestPayloadError as exc:
            return user_error(f"the body cannot be read: {exc}")
        except MlflowUnavailableError as exc:
            return error(503, "ServiceUnavailable", str(exc))
        except LocalStackError as exc:
            _log.warning("request failed", extra={"path": request.path}, exc_info=True)
            return error(500, "InternalServerError", str(exc))

    return middleware


async def _mistake(request: web.Request) -> str | None:
    if "%2F" in request.raw_path.partition("?")[0].upper():
        return "a resource's name cannot contain '/'"
    if request.method not in {"PUT", "POST", "PATCH"}:
        return None
    body = await request.read()
    if not body:
        return "a body is required: a JSON object" if request.method == "PUT" else None
    try:
        given = json.loads(body)
    except ValueError as exc:
        return f"the body is not JSON: {exc}"
    if request.method == "PUT" and isinstance(given, dict) and "properties" not in given:
        return "properties must be given: a JSON object"
    return _shape(given)


def _shape(given: object) -> str | None:
    if not isinstance(given, dict):
        return f"the body must be a JSON object, not a {type(given).__name__}"
    if not isinstance(given.get("properties", {}), dict):
        return "properties must be a JSON object"
    return type_mistake(given)

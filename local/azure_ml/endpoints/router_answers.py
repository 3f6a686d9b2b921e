"""Headers and error answers of the router, as Azure's front end words them."""

from __future__ import annotations

import hmac
import uuid
from typing import TYPE_CHECKING

from aiohttp import web
from multidict import CIMultiDict

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

DEPLOYMENT_HEADER = "azureml-model-deployment"
REQUEST_ID_HEADER = "x-request-id"
MODEL_STATUS_HEADER = "ms-azureml-model-error-statuscode"
REASON_HEADER = "ms-azureml-model-error-reason"
# Azure's front end names reasons with these words.
MODEL_ERROR = "model_error"
_NOT_READY = "model_not_ready"
TOO_MANY = "too_many_pending_request"
NOT_FORWARDED = frozenset(
    {
        "authorization",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        DEPLOYMENT_HEADER,
    }
)


def has_key(request: web.Request, keys: Collection[str]) -> bool:
    """Whether the request carries one of `keys`."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return False
    token = given.strip().encode("utf-8", "surrogateescape")  # also bytes that are not UTF-8
    return any(hmac.compare_digest(token, key.encode()) for key in keys)


def forwarded(request: web.Request) -> CIMultiDict[str]:
    """The headers that a deployment receives."""
    headers = CIMultiDict(
        (key, value) for key, value in request.headers.items() if key.lower() not in NOT_FORWARDED
    )
    headers.popall("content-encoding", None)  # reading the body has undone it
    # Azure replaces what a caller sends here by a GUID.
    headers[REQUEST_ID_HEADER] = str(uuid.uuid4())
    return headers


def refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """An answer of the front end itself."""
    codes = {
        400: "BadRequest",
        401: "Unauthorized",
        404: "NotFound",
        408: "RequestTimeout",
        429: "TooManyRequests",
    }
    error = {"code": codes.get(status, "ModelUnavailable"), "message": message}
    return web.json_response({"error": error}, status=status, headers=headers)


def model_failure(status: int, message: str) -> web.Response:
    """The answer for a deployment that did not answer: 424, as for one that answered an error."""
    reason = _NOT_READY if status == web.HTTPServiceUnavailable.status_code else MODEL_ERROR
    headers = {MODEL_STATUS_HEADER: str(status), REASON_HEADER: reason}
    return refusal(web.HTTPFailedDependency.status_code, message, headers)

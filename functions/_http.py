"""Answers in JSON; what goes wrong is named with its value, its limit and a remedy."""

from __future__ import annotations

import json
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import azure.functions as func

from shared.errors import RetrainError, TransientError, UnknownModelError
from shared.logs import EventLog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LONGEST_BODY_BYTES = 16 * 1024
_NOT_CACHED = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-scripts"
)
_RETRY_SECONDS = 5

_log = EventLog("retrain.http")


class BadRequestError(Exception):
    """The caller's mistake, to be answered as it stands."""

    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def answer(
    document: Mapping[str, Any],
    *,
    status: HTTPStatus = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
) -> func.HttpResponse:
    """A JSON document; it shows the state of now and is not to be cached."""
    return func.HttpResponse(
        json.dumps(document, ensure_ascii=False, indent=1) + "\n",
        status_code=status,
        mimetype="application/json",
        charset="utf-8",
        headers={**_NOT_CACHED, **(headers or {})},
    )


def text_answer(text: str) -> func.HttpResponse:
    """The same for people who asked for plain text."""
    return func.HttpResponse(
        text, mimetype="text/plain", charset="utf-8", headers=dict(_NOT_CACHED)
    )


def page_answer(page: bytes) -> func.HttpResponse:
    """A report for a browser: it may draw and style itself, load and send nothing."""
    return func.HttpResponse(
        page,
        mimetype="text/html",
        charset="utf-8",
        headers={**_NOT_CACHED, "Content-Security-Policy": _REPORT_POLICY},
    )


def error(
    status: HTTPStatus, code: str, message: str, *, headers: Mapping[str, str] | None = None
) -> func.HttpResponse:
    """`{"error": {"code", "message"}}`."""
    document = {"error": {"code": code, "message": message}}
    return answer(document, status=status, headers=headers)


def guarded(
    handler: Callable[[func.HttpRequest], func.HttpResponse],
) -> Callable[[func.HttpRequest], func.HttpResponse]:
    """Answer each error in words; one that is not ours is a bug and the host's to report: 500."""

    @wraps(handler)
    def guard(req: func.HttpRequest) -> func.HttpResponse:
        try:
            return handler(req)
        except BadRequestError as exc:
            return error(exc.status, exc.code, str(exc))
        except UnknownModelError as exc:
            return error(HTTPStatus.NOT_FOUND, "unknown_model", str(exc))
        except TransientError as exc:
            _log.warning("request could not be served now", url=req.url, error=str(exc))
            return error(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "busy",
                f"A service did not answer; nothing is lost, try again in {_RETRY_SECONDS} s.",
                headers={"Retry-After": str(_RETRY_SECONDS)},
            )
        except RetrainError as exc:
            # A broken model.yml, a setting left out: whoever looks after the app can mend it.
            _log.error("request could not be served", url=req.url, error=str(exc))
            return error(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "misconfigured",
                f"The app must be put right before this can be answered: {exc}",
            )

    return guard


def json_body(req: func.HttpRequest) -> Mapping[str, Any]:
    """The request's JSON object; an empty body is an empty object.

    Raises:
        BadRequestError: too long, not JSON, or no object.
    """
    body = req.get_body()
    if len(body) > _LONGEST_BODY_BYTES:
        raise BadRequestError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "body_too_large",
            f"The body has {len(body)} bytes, at most {_LONGEST_BODY_BYTES} are read.",
        )
    if not body.strip():
        return {}
    try:
        document = json.loads(body)
        json.dumps(document, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError) as exc:
        raise BadRequestError(
            HTTPStatus.BAD_REQUEST,
            "not_json",
            f'The body is not JSON ({exc}). Send for example {{"reason": "new labels"}}.',
        ) from exc
    if not isinstance(document, dict):
        raise BadRequestError(
            HTTPStatus.BAD_REQUEST,
            "not_an_object",
            f'The body is a JSON {type(document).__name__}, an object like {{"reason": "…"}} '
            "is needed.",
        )
    return document

"""Answers in JSON; what goes wrong is named with its value, its limit and a remedy."""

from __future__ import annotations

import json
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qsl, urlsplit

import azure.functions as func

from shared.errors import RetrainError, TransientError, UnknownModelError
from shared.logs import EventLog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from functions._app import App

_LONGEST_BODY_BYTES = 16 * 1024
_NOT_CACHED = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-scripts"
)
_RETRY_SECONDS = 5
_SHOWN_CHARACTERS = 100
_OF_THE_HOST = frozenset({"code", "clientid"})  # a function's key, and the name of that key

Handler: TypeAlias = "Callable[[func.HttpRequest, App], func.HttpResponse]"
Guarded: TypeAlias = "Callable[[func.HttpRequest, Callable[[], App]], func.HttpResponse]"

_log = EventLog("retrain.http")


class BadRequestError(Exception):
    """The request is wrong (400); the caller gets the message."""

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
    """A JSON response that must not be cached."""
    return func.HttpResponse(
        json.dumps(document, ensure_ascii=False, indent=1) + "\n",
        status_code=status,
        mimetype="application/json",
        charset="utf-8",
        headers={**_NOT_CACHED, **(headers or {})},
    )


def text_answer(text: str) -> func.HttpResponse:
    """A plain-text response that must not be cached."""
    return func.HttpResponse(
        text, mimetype="text/plain", charset="utf-8", headers=dict(_NOT_CACHED)
    )


def page_answer(page: bytes) -> func.HttpResponse:
    """An HTML response under a content security policy that lets it load and send nothing."""
    return func.HttpResponse(
        page,
        mimetype="text/html",
        charset="utf-8",
        headers={**_NOT_CACHED, "Content-Security-Policy": _REPORT_POLICY},
    )


def error(
    status: HTTPStatus, code: str, message: str, *, headers: Mapping[str, str] | None = None
) -> func.HttpResponse:
    """An error response: `{"error": {"code", "message"}}`."""
    document = {"error": {"code": code, "message": message}}
    return answer(document, status=status, headers=headers)


def guarded(
    *, parameters: tuple[str, ...] = (), fields: tuple[str, ...] = ()
) -> Callable[[Handler], Guarded]:
    """Turn errors into responses with a message, and refuse input that the handler ignores.

    Args:
        parameters: query parameters that the handler reads.
        fields: fields of the JSON body that it reads; if empty, it reads no body.

    Returns:
        A decorator. Errors other than ours are bugs: they propagate and the host answers 500.
    """

    def decorate(handler: Handler) -> Guarded:
        @wraps(handler)
        def guard(req: func.HttpRequest, app: Callable[[], App]) -> func.HttpResponse:
            try:
                _refuse_unread_input(req, parameters, fields)
                return handler(req, app())
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
                # A broken model.yml or a missing setting: an operator can put it right.
                _log.error("request could not be served", url=req.url, error=str(exc))
                return error(
                    HTTPStatus.INTERNAL_SERVER_ERROR,
                    "misconfigured",
                    f"The app must be put right before this can be answered: {exc}",
                )

        return guard

    return decorate


def _refuse_unread_input(
    req: func.HttpRequest, parameters: tuple[str, ...], fields: tuple[str, ...]
) -> None:
    """Refuse unknown names: if a misspelt one were ignored, the caller would think it worked."""
    given = parse_qsl(urlsplit(req.url).query, keep_blank_values=True)
    given += [item for item in req.params.items() if item not in given]
    names = [name for name, _ in given]
    for name, value in given:
        if name.lower() in _OF_THE_HOST:
            continue
        if name not in parameters:
            raise BadRequestError(
                HTTPStatus.BAD_REQUEST,
                "unknown_parameter",
                f"{_shown(f'{name}={value}')} is not a parameter of this address; "
                f"allowed: {_names(parameters)}.",
            )
        if names.count(name) > 1:
            raise BadRequestError(
                HTTPStatus.BAD_REQUEST,
                "repeated_parameter",
                f"{_shown(f'{name}={value}')} is given {names.count(name)} times; give it once.",
            )
    if not fields and req.get_body().strip():
        raise BadRequestError(
            HTTPStatus.BAD_REQUEST,
            "body_not_read",
            f"This address reads no body, {len(req.get_body())} bytes were sent; "
            f"parameters in the address: {_names(parameters)}.",
        )
    for name, value in json_body(req).items() if fields else ():
        if name not in fields:
            raise BadRequestError(
                HTTPStatus.BAD_REQUEST,
                "unknown_field",
                f"{_shown(json.dumps({name: value}, ensure_ascii=False))} holds a field that is "
                f"not known here; allowed: {_names(fields)}.",
            )


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "none"


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def json_body(req: func.HttpRequest) -> Mapping[str, Any]:
    """The request's JSON object; an empty body is an empty object.

    Raises:
        BadRequestError: too long, not JSON, not an object, or a field is repeated.
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
        document = json.loads(body, object_pairs_hook=_without_repetition)
        json.dumps(document, ensure_ascii=False).encode()  # half a surrogate pair is not text
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


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise BadRequestError(
                HTTPStatus.BAD_REQUEST,
                "repeated_field",
                f"Field {_shown(name)!r} is there {names.count(name)} times; send it once.",
            )
    return dict(pairs)

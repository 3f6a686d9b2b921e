"""HTTP: withdraw a file from a model's data set, and what became of a file."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import azure.functions as func

from functions._app import get_app
from functions._http import BadRequestError, answer, guarded, json_body, text_answer
from functions.operations import model_name, reason_of, request_key
from shared.errors import FactConflictError, UnknownFileError

if TYPE_CHECKING:
    from functions._app import App

blueprint = func.Blueprint()  # type: ignore[no-untyped-call] # theirs

_LONGEST_PATH = 1024  # of a blob


@blueprint.function_name("withdraw")
@blueprint.route(
    "api/models/{model}/withdraw", methods=["POST"], auth_level=func.AuthLevel.FUNCTION
)
def withdraw(req: func.HttpRequest) -> func.HttpResponse:
    """POST {"file": path, "reason": text}; the header Idempotency-Key makes repeating harmless."""
    return withdraw_file(req, get_app)


@blueprint.function_name("lookup")
@blueprint.route(
    "api/models/{model}/files/{*file}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION
)
def lookup(req: func.HttpRequest) -> func.HttpResponse:
    """What became of a file below landing/<model>/; plain text for `Accept: text/plain`."""
    return look_up_file(req, get_app)


@guarded(fields=("file", "reason"))
def withdraw_file(req: func.HttpRequest, app: App) -> func.HttpResponse:
    """202 with the cycle it opened, or none while it waits for the open one to end."""
    name, key = model_name(req), request_key(req)
    file, reason = _file_path(json_body(req).get("file")), reason_of(req)
    try:
        done = app.withdraw(name, file, request=key, text=reason, by="function key")
    except FactConflictError as exc:
        raise BadRequestError(
            HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency_key_reused", f"{exc}."
        ) from exc
    except UnknownFileError as exc:
        raise BadRequestError(HTTPStatus.NOT_FOUND, "unknown_file", str(exc)) from exc
    app.log.info("file withdrawn", model=name, request=key, new=done.new)
    cycle = done.cycle_id
    follow = f"/api/models/{name}" if cycle is None else f"/api/models/{name}/cycles/{cycle}"
    return answer(
        {
            "model": name,
            "request": key,
            "new": done.new,
            "cycle_id": cycle,
            "sentence": done.sentence,
            "follow": follow,
        },
        status=HTTPStatus.ACCEPTED,
        headers={"Location": follow},
    )


@guarded()
def look_up_file(req: func.HttpRequest, app: App) -> func.HttpResponse:
    """JSON with a sentence and a line for each content that landed, or the same as text."""
    from functions._documents import story_document, story_text  # noqa: PLC0415 - not to index

    name, file = model_name(req), _file_path(req.route_params.get("file"))
    try:
        story = app.lookup(name, file)
    except UnknownFileError as exc:
        raise BadRequestError(HTTPStatus.NOT_FOUND, "unknown_file", str(exc)) from exc
    if "text/plain" in req.headers.get("accept", ""):
        return text_answer(story_text(story))
    return answer(story_document(story))


def _file_path(given: object) -> str:
    if not isinstance(given, str) or not given.strip("/ "):
        raise BadRequestError(
            HTTPStatus.BAD_REQUEST,
            "file_missing",
            'Say which file, as below landing/<model>/: send {"file": "march.csv"}, or write it '
            "into the address.",
        )
    if len(given) > _LONGEST_PATH:
        raise BadRequestError(
            HTTPStatus.BAD_REQUEST,
            "file_too_long",
            f"The file's path has {len(given):,} characters, a blob's has at most "
            f"{_LONGEST_PATH:,}.",
        )
    return given

"""HTTP: retrain, check drift, show the status of models, explain a cycle."""

from __future__ import annotations

import re
import uuid
from datetime import date
from http import HTTPStatus
from typing import TYPE_CHECKING

import azure.functions as func

from functions._app import get_app
from functions._http import BadRequestError, answer, guarded, json_body, text_answer
from shared.errors import FactConflictError, NotTheChampionError

if TYPE_CHECKING:
    from functions._app import App

blueprint = func.Blueprint()  # type: ignore[no-untyped-call] # theirs

_MODEL_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_CYCLE_ID = re.compile(r"[0-9a-f]{12}")
_VERSION = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_REQUEST_KEY = re.compile(r"[\x21-\x7e]{1,100}")
_LONGEST_REASON = 500
_FIRST_YEAR = 2000


@blueprint.function_name("retrain")
@blueprint.route("api/models/{model}/retrain", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
def retrain(req: func.HttpRequest) -> func.HttpResponse:
    """POST {"reason": text}; with the header Idempotency-Key it is idempotent.

    `"unseat": "3"` says that the challenger need not be better than champion 3.
    """
    return ask_for_retraining(req, get_app)


@blueprint.function_name("drift_check")
@blueprint.route(
    "api/models/{model}/drift-check", methods=["POST"], auth_level=func.AuthLevel.FUNCTION
)
def drift_check(req: func.HttpRequest) -> func.HttpResponse:
    """POST ?date=YYYY-MM-DD, a UTC day; today when not given."""
    return ask_for_drift_check(req, get_app)


@blueprint.function_name("models")
@blueprint.route("api/models", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
def models(req: func.HttpRequest) -> func.HttpResponse:
    """Status of every model."""
    return show_models(req, get_app)


@blueprint.function_name("model")
@blueprint.route("api/models/{model}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
def model(req: func.HttpRequest) -> func.HttpResponse:
    """Status of one model."""
    return show_model(req, get_app)


@blueprint.function_name("explain")
@blueprint.route(
    "api/models/{model}/cycles/{cycle_id}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION
)
def explain(req: func.HttpRequest) -> func.HttpResponse:
    """Why a cycle ended as it did, or how far it has got; text for `Accept: text/plain`."""
    return explain_cycle(req, get_app)


@guarded(fields=("reason", "unseat"))
def ask_for_retraining(req: func.HttpRequest, app: App) -> func.HttpResponse:
    """202 with the cycle that was opened, or null while the request waits for the open one."""
    name, reason, key = model_name(req), reason_of(req), request_key(req)
    try:
        accepted = app.request_retrain(
            name, request=key, text=reason, by="function key", unseat=_unseat(req)
        )
    except NotTheChampionError as exc:
        raise BadRequestError(HTTPStatus.CONFLICT, "not_the_champion", f"{exc}.") from exc
    except FactConflictError as exc:
        raise BadRequestError(
            HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency_key_reused", f"{exc}."
        ) from exc
    app.log.info("retraining asked for", model=name, request=key, new=accepted.new)
    cycle = accepted.cycle_id
    follow = f"/api/models/{name}" if cycle is None else f"/api/models/{name}/cycles/{cycle}"
    return answer(
        {
            "model": name,
            "request": key,
            "new": accepted.new,
            "cycle_id": cycle,
            "sentence": accepted.sentence,
            "follow": follow,
        },
        status=HTTPStatus.ACCEPTED,
        headers={"Location": follow},
    )


@guarded(parameters=("date",))
def ask_for_drift_check(req: func.HttpRequest, app: App) -> func.HttpResponse:
    """202 when the check is due or already done, 409 when the model has no champion."""
    name, today = model_name(req), app.clock.now_utc().date()
    given = req.params.get("date")
    day = None if given is None else day_of(str(given), today=today)
    asked = app.check_drift_of(name, day)
    if asked.fact_key is None:
        raise BadRequestError(HTTPStatus.CONFLICT, "no_champion", asked.sentence)
    return answer(
        {
            "model": name,
            "date": (day or today).isoformat(),
            "new": asked.new,
            "fact_key": asked.fact_key,
            "sentence": asked.sentence,
            "follow": f"/api/models/{name}",
        },
        status=HTTPStatus.ACCEPTED,
        headers={"Location": f"/api/models/{name}"},
    )


@guarded()
def show_models(_req: func.HttpRequest, app: App) -> func.HttpResponse:
    """The status of every model, sorted by name."""
    from functions._documents import status_document  # noqa: PLC0415 - not needed to index

    return answer({"models": [status_document(status) for status in app.status.all()]})


@guarded()
def show_model(req: func.HttpRequest, app: App) -> func.HttpResponse:
    """The status of one model, with its open cycle and its last ones."""
    from functions._documents import status_document  # noqa: PLC0415 - not needed to index

    return answer(status_document(app.status(model_name(req))))


@guarded()
def explain_cycle(req: func.HttpRequest, app: App) -> func.HttpResponse:
    """The explanation of a cycle as JSON (sentence, steps, facts) or as text; 404 if unknown."""
    from functions._documents import explanation_document, explanation_text  # noqa: PLC0415 - same

    name, cycle_id = model_name(req), str(req.route_params.get("cycle_id", ""))
    if not _CYCLE_ID.fullmatch(cycle_id):
        raise BadRequestError(
            HTTPStatus.BAD_REQUEST,
            "bad_cycle_id",
            f"{cycle_id!r} is not a cycle id: 12 hex digits, as GET /api/models/{name} lists them.",
        )
    explanation = app.explain(name, cycle_id)
    if explanation is None:
        raise BadRequestError(
            HTTPStatus.NOT_FOUND,
            "unknown_cycle",
            f"{name} has no cycle {cycle_id}; GET /api/models/{name} lists the last ones.",
        )
    if "text/plain" in req.headers.get("accept", ""):
        return text_answer(explanation_text(explanation))
    return answer(explanation_document(explanation))


def model_name(req: func.HttpRequest) -> str:
    """The model name in the route.

    Raises:
        BadRequestError: it is not a valid model name.
    """
    name = str(req.route_params.get("model", ""))
    if not _MODEL_NAME.fullmatch(name):
        raise BadRequestError(
            HTTPStatus.BAD_REQUEST,
            "bad_model_name",
            f"{name[:100]!r} is not a model name: 1-64 letters, digits, '-', '_' or '.'.",
        )
    return name


def reason_of(req: func.HttpRequest) -> str:
    """The reason in the body, on one line.

    Raises:
        BadRequestError: there is none, or it is too long.
    """
    reason = json_body(req).get("reason")
    if not isinstance(reason, str) or not reason.strip():
        raise BadRequestError(
            HTTPStatus.BAD_REQUEST,
            "reason_missing",
            'Say why: send {"reason": "new labels"}. It is shown wherever the cycle is explained.',
        )
    if len(reason) > _LONGEST_REASON:
        raise BadRequestError(
            HTTPStatus.BAD_REQUEST,
            "reason_too_long",
            f"The reason has {len(reason)} characters, at most {_LONGEST_REASON} are kept.",
        )
    return " ".join(reason.split())


def _unseat(req: func.HttpRequest) -> str | None:
    version = json_body(req).get("unseat")
    if version is None or (isinstance(version, str) and _VERSION.fullmatch(version)):
        return version
    raise BadRequestError(
        HTTPStatus.BAD_REQUEST,
        "bad_unseat",
        f"unseat={str(version)[:40]!r} is not a version; send that of the champion as text, e.g. "
        '{"unseat": "3"}.',
    )


def request_key(req: func.HttpRequest) -> str:
    """The request's idempotency key; a new one where the caller gives none.

    Raises:
        BadRequestError: it is too long, or holds other characters.
    """
    given = req.headers.get("idempotency-key")
    if given is None:
        return uuid.uuid4().hex
    key = str(given)
    if not _REQUEST_KEY.fullmatch(key):
        raise BadRequestError(
            HTTPStatus.BAD_REQUEST,
            "bad_idempotency_key",
            f"Idempotency-Key has {len(key)} characters or other than visible ASCII ones; "
            "send 1-100 of them.",
        )
    return key


def day_of(given: str, *, today: date) -> date:
    """Parse a UTC day that has begun, YYYY-MM-DD.

    Raises:
        BadRequestError: it is not a day, it lies in the future, or it is too far back.
    """
    try:
        # ISO 8601 has a basic form and week dates too; neither is accepted here.
        day = date.fromisoformat(given) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", given) else None
    except ValueError:
        day = None
    if day is None:
        raise BadRequestError(
            HTTPStatus.BAD_REQUEST,
            "bad_date",
            f"date={given[:40]!r} is not a day; write it as {today.isoformat()}.",
        )
    if day.year < _FIRST_YEAR:
        raise BadRequestError(
            HTTPStatus.BAD_REQUEST,
            "date_too_early",
            f"date={given} is before {_FIRST_YEAR}; nothing was collected then.",
        )
    if day > today:
        raise BadRequestError(
            HTTPStatus.BAD_REQUEST,
            "date_in_the_future",
            f"date={given} is after today, {today.isoformat()} (UTC); nothing was collected yet.",
        )
    return day

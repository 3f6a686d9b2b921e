"""HTTP: the result of a day's drift check, as JSON or as the report page."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

import azure.functions as func

from functions._app import get_app
from functions._http import BadRequestError, answer, guarded, page_answer
from functions.operations import day_of, model_name

if TYPE_CHECKING:
    from functions._app import App

blueprint = func.Blueprint()  # type: ignore[no-untyped-call] # theirs


@blueprint.function_name("drift_report")
@blueprint.route(
    "api/models/{model}/drift/{date}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION
)
def drift_report(req: func.HttpRequest) -> func.HttpResponse:
    """GET the newest drift result of a UTC day; the HTML report for `Accept: text/html`."""
    return show_drift_report(req, get_app)


@guarded()
def show_drift_report(req: func.HttpRequest, app: App) -> func.HttpResponse:
    """JSON with verdict and figures, or the HTML report; 404 for a day that was not checked."""
    name = model_name(req)
    today = app.clock.now_utc().date()
    day = day_of(str(req.route_params.get("date", "")), today=today)
    found = app.read_drift_report(name, day)
    if found is None:
        raise BadRequestError(
            HTTPStatus.NOT_FOUND,
            "not_checked",
            f"{name} has no drift check of {day.isoformat()}; ask for one with POST "
            f"/api/models/{name}/drift-check?date={day.isoformat()}.",
        )
    if "text/html" in req.headers.get("accept", ""):
        return page_answer(found.page)
    return answer(
        {
            "model": name,
            "date": found.stored.day.isoformat(),
            "profile": found.stored.profile,
            "revision": found.stored.revision,
            "report": found.path,
            "check": json.loads(found.document),
        }
    )

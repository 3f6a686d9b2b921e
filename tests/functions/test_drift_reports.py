"""The result of a day's drift check, over HTTP."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from functions import drift_report
from shared.domain.drift import CheckDrift

DAY = date(2026, 3, 13)
NOON_UTC = datetime(2026, 3, 13, 12, tzinfo=UTC)
CHECK = CheckDrift(DAY, "7", NOON_UTC - timedelta(days=1), NOON_UTC)


@pytest.fixture
def call(app, request_of):
    def ask(**route):
        headers = route.pop("headers", {})
        request = request_of("GET", headers=headers, **route)
        return drift_report.show_drift_report(request, lambda: app)

    return ask


@pytest.fixture
def checked(app):
    for revision in (0, 1):
        app.drift_checks.read("iris", replace(CHECK, revision=revision))


@pytest.mark.usefixtures("checked")
def test_newest_revision_of_a_drift_check_is_returned_as_json(call):
    response = call(model="iris", date="2026-03-13")

    document = json.loads(response.get_body())
    assert response.status_code == 200
    assert (document["profile"], document["revision"]) == ("7", 1)
    assert document["check"]["verdict"] == "no_drift"
    assert document["report"].endswith("/report.html")


@pytest.mark.usefixtures("checked")
def test_browser_gets_the_html_report_with_a_strict_content_security_policy(call):
    response = call(model="iris", date="2026-03-13", headers={"accept": "text/html,*/*"})

    assert response.mimetype == "text/html"
    assert response.get_body().startswith(b"<!doctype html>")
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "connect-src" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("model", "day", "status", "code"),
    [
        ("iris", "2026-03-12", 404, "not_checked"),
        ("irsi", "2026-03-13", 404, "unknown_model"),
        ("iris", "13 March", 400, "bad_date"),
        ("iris", "..%2f..", 400, "bad_date"),
        ("iris", "2999-01-01", 400, "date_in_the_future"),
        ("../iris", "2026-03-13", 400, "bad_model_name"),
    ],
)
@pytest.mark.usefixtures("checked")
def test_unknown_or_malformed_model_or_day_is_refused_with_an_error_code(
    call, model, day, status, code
):
    response = call(model=model, date=day)

    assert response.status_code == status
    assert json.loads(response.get_body())["error"]["code"] == code

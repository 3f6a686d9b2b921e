"""Scoring requests to a real HTTP server that answers as Azure's endpoint does."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest
from loopback import QuietHandler, serving

from shared.adapters.azure_ml_scoring import ScoringAddress, score
from shared.errors import ServiceBusyError

_ERROR = {"error": {"code": "bad_rows", "message": "rows are missing"}}


@contextmanager
def endpoint(status, document, headers=()):
    class Handler(QuietHandler):
        def do_POST(self):  # noqa: N802 - as the server calls it
            self.body()
            text = document if isinstance(document, str) else json.dumps(document)
            self.answer(status, text.encode(), headers)

    with serving(Handler) as url:
        yield ScoringAddress(url=f"{url}/score", key="k", deployment="version-2")


def test_predictions_in_the_answer_are_counted():
    with endpoint(200, {"predictions": [1.0, 2.0]}) as address:
        answer = score(address, b"{}")

    assert (answer.status, answer.predictions, answer.error) == (200, 2, None)
    assert answer.took.total_seconds() > 0


def test_plain_list_is_read_as_predictions():
    with endpoint(200, [1.0]) as address:
        assert score(address, b"{}").predictions == 1


def test_model_status_is_read_from_the_header_of_a_424():
    with endpoint(424, _ERROR, [("ms-azureml-model-error-statuscode", "400")]) as address:
        answer = score(address, b'{"rows": []}')

    assert (answer.status, answer.error) == (400, "rows are missing")


def test_424_without_a_model_status_header_stays_a_424():
    with endpoint(424, "upstream failed") as address:
        answer = score(address, b"{}")

    assert (answer.status, answer.error, answer.text) == (424, None, "upstream failed")


def test_long_answer_is_truncated():
    with endpoint(500, "x" * 1000) as address:
        assert len(score(address, b"{}").text) == 300


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_busy_endpoint_raises_a_transient_error(status):
    with endpoint(status, {}) as address, pytest.raises(ServiceBusyError, match=str(status)):
        score(address, b"{}")


@pytest.mark.parametrize("own", ["502", "503"])
def test_restarting_deployment_behind_the_endpoint_raises_a_transient_error(own):
    headers = [("ms-azureml-model-error-statuscode", own)]
    with endpoint(424, {}, headers) as address, pytest.raises(ServiceBusyError, match=own):
        score(address, b"{}")

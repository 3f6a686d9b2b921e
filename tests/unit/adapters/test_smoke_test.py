"""Smoke tests against a real HTTP server that answers as Azure's endpoint does."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest
from loopback import QuietHandler, serving

from shared.adapters.azure_ml_scoring import ScoringAddress, smoke_test
from shared.errors import ServiceBusyError

_ERROR = {"error": {"code": "bad_rows", "message": "rows are missing"}}


@contextmanager
def endpoint(status, document, headers=()):
    class Handler(QuietHandler):
        def do_POST(self):  # noqa: N802 - as the server calls it
            self.body()
            self.answer(status, json.dumps(document).encode(), headers)

    with serving(Handler) as url:
        yield ScoringAddress(url=f"{url}/score", key="k", deployment="version-2")


def test_a_models_refusal_passed_on_as_424_is_a_sign_of_life_without_a_sample():
    with endpoint(424, _ERROR, [("ms-azureml-model-error-statuscode", "400")]) as address:
        assert smoke_test(address, None).passed
        answer = smoke_test(address, b'{"rows": []}')

    assert not answer.passed
    assert "answered 400" in answer.sentence
    assert "rows are missing" in answer.sentence


def test_a_424_of_the_endpoint_itself_fails_with_its_words():
    with endpoint(424, _ERROR) as address:
        answer = smoke_test(address, None)

    assert not answer.passed
    assert "answered 424" in answer.sentence


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_not_now_is_asked_again(status):
    with endpoint(status, {}) as address, pytest.raises(ServiceBusyError, match=str(status)):
        smoke_test(address, b"{}")


@pytest.mark.parametrize("own", ["502", "503"])
def test_a_deployment_that_is_being_started_again_behind_the_endpoint_is_asked_again(own):
    headers = [("ms-azureml-model-error-statuscode", own)]
    with endpoint(424, {}, headers) as address, pytest.raises(ServiceBusyError, match=own):
        smoke_test(address, b"{}")


def test_a_prediction_for_the_sample_passes():
    with endpoint(200, {"predictions": [1.0]}) as address:
        assert smoke_test(address, b"{}").passed

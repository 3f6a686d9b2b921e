"""Watching a deployment: its state and its smoke test decide whether it is ready."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.rollout import DeploymentFailed, DeploymentReady, WatchDeployment
from shared.domain.state import State
from shared.ports.endpoints import Answer, DeploymentReport, Provisioning
from shared.usecases.performers.performer import Wait
from shared.usecases.performers.rollout import watch_deployment

TOOK = timedelta(milliseconds=40)
EFFECT = WatchDeployment("0123456789ab", "2", "retrain-0123456789ab-1")


class Endpoints:
    def __init__(self, answer=None, state=Provisioning.READY):
        self.answer, self.state = answer, state

    def deployment(self, _model, _name):
        return DeploymentReport(self.state, "the end of its log")

    def score(self, _model, _name, body):
        self.body = body
        return self.answer


class Evidence:
    def __init__(self, sample):
        self.sample = sample

    def location(self, model, job_name):
        return f"evidence/{model}/{job_name}"

    def sample_request(self, _location):
        return self.sample


def watch(endpoints, sample=b'{"data": [1]}'):
    return watch_deployment(EFFECT, State("m"), endpoints=endpoints, evidence=Evidence(sample))


@pytest.mark.parametrize(
    ("answer", "sample", "passed"),
    [
        (Answer(200, TOOK, predictions=1), b"rows", True),
        (Answer(200, TOOK), b"rows", False),
        (Answer(400, TOOK, error="rows are missing"), b"rows", False),
        (Answer(500, TOOK, predictions=1), b"rows", False),
        (Answer(200, TOOK, predictions=1), None, True),
        (Answer(400, TOOK, error="rows are missing"), None, True),
        (Answer(400, TOOK, text="bad gateway"), None, False),
        (Answer(424, TOOK, error="no"), None, False),
    ],
)
def test_smoke_test_passes_on_predictions_or_without_a_sample_on_an_error_message(
    answer, sample, passed
):
    fact = watch(Endpoints(answer), sample)

    assert isinstance(fact, DeploymentReady if passed else DeploymentFailed)


def test_smoke_test_without_a_sample_sends_an_empty_request():
    endpoints = Endpoints(Answer(200, TOOK, predictions=1))

    watch(endpoints, sample=None)

    assert endpoints.body == b"{}"


def test_smoke_test_sentence_quotes_the_answer():
    ready = watch(Endpoints(Answer(200, TOOK, predictions=1)))
    refused = watch(Endpoints(Answer(400, TOOK, error="rows are missing")))
    odd = watch(Endpoints(Answer(302, TOOK, text="<html>")))

    assert ready.sentence == "version-2 answered its smoke test in 0.04 s"
    assert refused.sentence == (
        "smoke test failed: version-2 answered 400 to its smoke test: rows are missing"
    )
    assert odd.sentence.endswith("302 to its smoke test: <html>")


def test_starting_deployment_is_waited_for():
    assert watch(Endpoints(state=Provisioning.WORKING)) == Wait("deployment version-2")


def test_deployment_that_did_not_start_reports_the_end_of_its_log():
    fact = watch(Endpoints(state=Provisioning.FAILED))

    assert fact.sentence == "deployment version-2 did not start: the end of its log"

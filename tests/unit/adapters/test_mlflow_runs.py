"""Tagging a run over HTTP, against a server that answers as MLflow or a proxy does."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest
from azure.core import PipelineClient
from loopback import QuietHandler, serving

from shared.adapters.azure_ml_runs import AzureMlRuns
from shared.errors import RequestRefusedError, ServiceBusyError

GONE = (404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Run not found"})
TAGS = {"drift_verdict": "drift", "drift_fact_seq": "30"}


def run_with(tags, stage="active"):
    pairs = [{"key": key, "value": value} for key, value in tags.items()]
    return 200, {"run": {"info": {"lifecycle_stage": stage}, "data": {"tags": pairs}}}


class Workspace:
    def __init__(self, url):
        self._url = url

    def mlflow(self):
        return PipelineClient(base_url=self._url)


@contextmanager
def runs(get, post=(200, {})):
    """The adapter, and the bodies that were posted."""
    posted = []

    class Handler(QuietHandler):
        def do_GET(self):  # noqa: N802 - as the server calls it
            assert self.path == "/api/2.0/mlflow/runs/get?run_id=retrain-0123456789ab-1"
            self._say(*get)

        def do_POST(self):  # noqa: N802 - as the server calls it
            assert self.path == "/api/2.0/mlflow/runs/log-batch"
            posted.append(json.loads(self.body()))
            self._say(*post)

        def _say(self, status, document):
            self.answer(status, json.dumps(document).encode())

    with serving(Handler) as url:
        yield AzureMlRuns(Workspace(f"{url}/api/2.0/mlflow")), posted


def tag(adapter):
    adapter.tag("retrain-0123456789ab-1", TAGS, fence="drift_fact_seq")


@pytest.mark.parametrize("before", [{}, {"drift_fact_seq": "30"}, {"drift_fact_seq": "a person's"}])
def test_tags_and_fencing_token_are_written_in_one_request(before):
    with runs(run_with(before)) as (adapter, posted):
        tag(adapter)

    (body,) = posted
    assert body["run_id"] == "retrain-0123456789ab-1"
    assert {pair["key"]: pair["value"] for pair in body["tags"]} == TAGS


def test_run_tagged_by_a_later_fact_is_not_overwritten():
    with runs(run_with({"drift_fact_seq": "31"})) as (adapter, posted):
        tag(adapter)

    assert posted == []


@pytest.mark.parametrize(
    ("get", "post"),
    [(GONE, (200, {})), (run_with({}, "deleted"), (200, {})), (run_with({}), GONE)],
    ids=["missing", "deleted", "missing when tagged"],
)
def test_missing_run_is_logged_and_not_an_error(caplog, get, post):
    with caplog.at_level("INFO"), runs(get, post) as (adapter, _):
        tag(adapter)

    assert "the MLflow run of the job is gone" in caplog.text
    assert "retrain-0123456789ab-1" in caplog.text


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, ServiceBusyError),
        (429, ServiceBusyError),
        (503, ServiceBusyError),
        (403, RequestRefusedError),
        (404, RequestRefusedError),
    ],
)
def test_other_error_statuses_are_translated_to_transient_or_terminal(status, expected):
    refusal = (status, {"error_code": "SOMETHING_ELSE", "message": "said so"})

    for get, post in ((refusal, (200, {})), (run_with({}), refusal)):
        with (
            runs(get, post) as (adapter, _),
            pytest.raises(expected, match=f"the MLflow run of retrain-.* answered {status}"),
        ):
            tag(adapter)

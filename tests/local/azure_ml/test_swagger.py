"""Requests and responses match Azure's published swagger, except where its own SDK deviates."""

from __future__ import annotations

import gzip
import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure_ml_plane import wait_for
from azure_sdk import Data, Environment, Input, Model, Output, command, dsl, load_component
from swagger import KNOWN, Known, violations

SHARED = Path(__file__).resolve().parents[4] / "shared"
SPECS = SHARED / "azure-specs"
RECORDED = SHARED / "azure-ml-trace" / "sdk-1.35.2.jsonl.gz"
FOREIGN = Path(__file__).parent / "foreign"
WORKSPACE = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/local"
    "/providers/Microsoft.MachineLearningServices/workspaces/local"
)

pytestmark = [
    pytest.mark.skipif(not SPECS.is_dir(), reason=f"the published swagger is not at {SPECS}"),
    # the SDK's own, about its own schemas
    pytest.mark.filterwarnings("ignore::DeprecationWarning:azure|marshmallow|msrest|pydash"),
]

# The recorder kept one object for a request and its answer, and named its workspace `ws`.
# That the SDK does not send these is what the journey below shows: its trace is checked without.
RECORDERS = (
    Known(r"path workspaceName: 'ws' does not match", "two letters; Azure wants three"),
    Known(r"PUT .*/jobs/\{id\}: request properties/(status|services/)", "added by the recorder"),
    Known(
        r"PUT .*: request properties/(provisioningState|scoringUri|swaggerUri)",
        "added by the recorder",
    ),
)


def test_swagger_check_accepts_requests_of_azures_sdk(tmp_path):
    # given
    trace = tmp_path / "recorded.jsonl"
    trace.write_bytes(gzip.decompress(RECORDED.read_bytes()))

    # then
    assert violations(trace, SPECS, known=[*KNOWN, *RECORDERS], answers=False) == []


@pytest.mark.azurite
def test_every_exchange_with_the_sdk_fits_the_published_swagger(plane, ml_client, tmp_path):
    # given
    before = len(plane.trace.read_text(encoding="utf-8").splitlines())
    label = uuid.uuid4().hex[:8]
    blobs = plane.workspace.blobs
    plane.loop.run(blobs.upload_bytes(b"a b a", "data", f"{label}/a.txt"))
    folder = f"azureml://datastores/retrain_data/paths/{label}"

    # when
    ml_client.workspaces.get(ml_client.workspace_name)
    ml_client.datastores.get_default()
    ml_client.datastores.get("retrain_data", include_secrets=True)
    list(ml_client.datastores.list())
    _assets(ml_client, label, folder)
    _jobs(ml_client, label, folder)

    # then: what other tests sent to the same plane, nonsense included, is not this journey's
    lines = plane.trace.read_text(encoding="utf-8").splitlines()[before:]
    trace = tmp_path / "journey.jsonl"
    trace.write_text("\n".join(lines), encoding="utf-8")
    assert lines
    assert violations(trace, SPECS, known=KNOWN) == []


def _assets(client: Any, label: str, folder: str) -> None:
    client.data.create_or_update(Data(name=f"data-{label}", path=folder, type="uri_folder"))
    client.data.create_or_update(Data(name=f"data-{label}", path=folder, type="uri_folder"))
    client.data.get(f"data-{label}", label="latest")
    list(client.data.list())
    list(client.data.list(f"data-{label}"))
    made = client.models.create_or_update(
        Model(name=f"model-{label}", version="1", path=folder, type="custom_model")
    )
    made.tags["a"] = "b"
    client.models.create_or_update(made)
    client.models.get(f"model-{label}", label="latest")
    client.models.archive(f"model-{label}", version="1")
    list(client.models.list())
    list(client.models.list(f"model-{label}"))
    environment = Environment(
        name=f"env-{label}", image="mcr.microsoft.com/x", conda_file=FOREIGN / "plain.yml"
    )
    client.environments.create_or_update(environment)
    client.environments.get(f"env-{label}", label="latest")
    list(client.environments.list())
    component = load_component(FOREIGN / "count.yml")
    component.name = f"count_{label}"  # the plane serves other tests too
    client.components.create_or_update(component)
    client.components.get(component.name, version="1")
    list(client.components.list())
    with pytest.raises(HttpResponseError):
        client.data.get(f"absent-{label}", version="1")


def _jobs(client: Any, label: str, folder: str) -> None:
    count, total = (load_component(FOREIGN / f"{part}.yml") for part in ("count", "total"))

    @dsl.pipeline(experiment_name="foreign", default_compute="serverless", tags={"a": "b"})
    def words(text):
        counted = count(text=text)
        summed = total(counts=counted.outputs.counts)
        return {"total": summed.outputs.total}

    job = words(text=Input(type="uri_file", path=f"{folder}/a.txt"))
    job.outputs.total = Output(type="uri_file", path=f"{folder}/out/total.txt")
    done = wait_for(client, client.jobs.create_or_update(job).name)
    assert done.status == "Completed", done.properties
    for child in client.jobs.list(parent_job_name=done.name):
        client.jobs.get(child.name)
    client.jobs.archive(done.name)
    list(client.jobs.list())
    sleeper = command(
        name=f"sleep-{label}",
        command="sleep 600",
        environment=f"azureml:env-{label}:1",
        compute="serverless",
        experiment_name="foreign",
        outputs={"out": Output(type="uri_folder")},
    )
    running = client.jobs.create_or_update(sleeper).name
    wait_for(client, running, "Running")
    client.jobs.begin_cancel(running).result()
    wait_for(client, running)


def a_get(**answer: Any) -> dict[str, Any]:
    """A valid GET of a model version, with changes to the properties of its response."""
    properties = {
        "modelUri": "azureml://datastores/a/paths/b",
        "modelType": "custom_model",
        "flavors": {},
        "tags": {},
        **answer,
    }
    return {
        "method": "GET",
        "path": f"{WORKSPACE}/models/m/versions/1",
        "query": {"api-version": "2023-08-01-preview"},
        "request": None,
        "status": 200,
        "response": {"id": "/x", "name": "1", "type": "t", "properties": properties},
    }


def of_one(tmp_path: Path, exchange: dict[str, Any]) -> list[str]:
    trace = tmp_path / "trace.jsonl"
    trace.write_text(json.dumps(exchange), encoding="utf-8")
    return violations(trace, SPECS)


def test_valid_exchange_has_no_violation(tmp_path):
    assert of_one(tmp_path, a_get()) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"colour": "blue"}, "'colour' was unexpected"),
        ({"tags": {"a": 1}}, "properties/tags/a: 1 is not of type 'string'"),
        ({"isArchived": "no"}, "properties/isArchived: 'no' is not of type 'boolean'"),
    ],
)
def test_swagger_check_finds_a_wrong_answer(tmp_path, change, expected):
    (found,) = of_one(tmp_path, a_get(**change))
    assert expected in found


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"status": 202}, "status 202: not published"),
        ({"path": f"{WORKSPACE}/nonsense"}, "not published"),
        ({"method": "PATCH"}, "not published"),
        ({"query": {"api-version": "1999-01-01"}}, "api-version '1999-01-01' is not published"),
        ({"query": {"api-version": "2023-08-01-preview", "a": "b"}}, "query a: not published"),
        ({"path": f"{WORKSPACE[:-3]}/models/m/versions/1"}, "path workspaceName: 'lo' does not"),
    ],
)
def test_swagger_check_finds_a_wrong_request(tmp_path, change, expected):
    (found,) = of_one(tmp_path, {**a_get(), **change})
    assert expected in found


def test_swagger_check_finds_an_unknown_job_type_and_a_read_only_property(tmp_path):
    # given
    exchange = {
        "method": "PUT",
        "path": f"{WORKSPACE}/jobs/j",
        "query": {"api-version": "2024-01-01-preview"},
        "request": {"properties": {"jobType": "Dance", "status": "Completed"}},
        "status": 500,
        "response": {"error": {"code": "a", "message": "b"}},
    }

    # when
    found = " ".join(of_one(tmp_path, exchange))

    # then
    assert "'Dance' is not one of" in found
    assert "request properties/status" in found

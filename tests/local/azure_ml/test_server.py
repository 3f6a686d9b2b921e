"""Authentication, refused requests, and what the trace contains and masks."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
import requests
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure_ml_plane import client_of
from azure_sdk import MLClient

from local.azure_ml.identity import Identity
from local.azure_ml.trace import masked

pytestmark = pytest.mark.azurite


def token(plane: Any, resource: str = "https://management.azure.com") -> str:
    """A token as any program of the stack gets one."""
    environ = plane.identity.environ()
    answer = requests.get(
        environ["IDENTITY_ENDPOINT"],
        params={"api-version": "2019-08-01", "resource": resource},
        headers={"X-IDENTITY-HEADER": environ["IDENTITY_HEADER"]},
        timeout=10,
    )
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def call(plane: Any, method: str, path: str, **options: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {options.pop('token', None) or token(plane)}"}
    with requests.Session() as session:
        return session.request(
            method,
            f"{plane.server.url}{path}",
            headers=headers,
            verify=str(plane.workspace.tls.bundle),
            timeout=30,
            **options,
        )


@pytest.mark.parametrize("way", ["none", "not ours", "expired", "another service"])
def test_only_a_token_of_this_stack_for_azure_ml_is_accepted(plane, way, monkeypatch):
    # given
    given = {
        "none": "",
        "not ours": Identity().issue("https://management.azure.com"),
        "another service": token(plane, "https://storage.azure.com"),
    }
    if way == "expired":
        monkeypatch.setattr("local.azure_ml.identity._LIFETIME_SECONDS", -10)
        given[way] = plane.identity.issue("https://management.azure.com")

    # when
    answer = requests.get(
        f"{plane.server.url}{plane.workspace.arm_id}",
        headers={"Authorization": f"Bearer {given[way]}"} if given[way] else {},
        verify=str(plane.workspace.tls.bundle),
        timeout=30,
    )

    # then
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "AuthenticationFailed"


def test_mlflow_routes_need_a_token(plane):
    # when
    answer = requests.post(
        f"{plane.server.tracking_uri}/api/2.0/mlflow/experiments/search",
        json={"max_results": 1},
        verify=str(plane.workspace.tls.bundle),
        timeout=30,
    )

    # then
    assert answer.status_code == 401


def test_identity_endpoint_needs_its_header(plane):
    # when
    answer = requests.get(
        plane.identity.environ()["IDENTITY_ENDPOINT"],
        params={"api-version": "2019-08-01", "resource": "https://management.azure.com"},
        headers={"X-IDENTITY-HEADER": "guess"},
        timeout=10,
    )

    # then
    assert answer.status_code == 401


def test_unknown_route_is_501_with_method_and_path(plane):
    # given
    path = f"{plane.workspace.arm_id}/schedules/nightly"

    # when
    answer = call(plane, "PUT", path, json={"properties": {}})

    # then
    assert answer.status_code == 501
    assert f"no PUT {path}" in answer.json()["error"]["message"]


def test_another_workspace_is_404(plane):
    # given
    path = plane.workspace.arm_id.replace("workspaces/local", "workspaces/other")

    # then
    answer = call(plane, "GET", f"{path}/jobs")
    assert answer.status_code == 404
    assert "one workspace" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/data/a%2Fb/versions/1", {"properties": {"dataUri": "x", "dataType": "uri_file"}}),
        ("/data/%2E%2E/versions/1", {"properties": {"dataUri": "x", "dataType": "uri_file"}}),
        ("/data/ok/versions/1", {"properties": {}}),
        ("/data/ok/versions/1", ["no", "object"]),
        ("/jobs/ok", {"properties": {"jobType": "Sweep"}}),
        ("/jobs/ok", {}),
        ("/environments/ok/versions/1", {}),
        ("/components/ok/versions/1", {"tags": {}}),
        ("/models/ok/versions/1", {"properties": {"modelUri": "ftp://x"}}),
        ("/models/ok/versions/1", {"properties": {"modelUri": 5}}),
        ("/codes/ok/versions/1", {"properties": {"codeUri": "http://h/c", "properties": 5}}),
        ("/jobs/ok", {"properties": {"jobType": "Pipeline", "tags": 5}}),
        ("/jobs/ok", {"properties": {"jobType": "Pipeline", "settings": []}}),
        ("/jobs/ok", {"properties": {"jobType": "Pipeline", "jobs": 5}}),
        ("/jobs/ok", {"properties": {"jobType": "Pipeline", "jobs": {"one": None}}}),
        ("/jobs/ok", {"properties": {"jobType": "Pipeline", "jobs": {"one": {"inputs": 5}}}}),
        ("/jobs/ok", {"properties": {"jobType": "Command", "environmentId": 5}}),
        ("/jobs/ok", {"properties": {"jobType": "Command", "environmentVariables": 5}}),
        ("/jobs/ok", {"properties": {"jobType": "Command", "limits": 5}}),
        ("/jobs/ok", {"properties": {"jobType": "Command", "resources": {"instanceCount": []}}}),
    ],
)
def test_malformed_request_is_400_with_a_reason(plane, path, body):
    # when
    answer = call(plane, "PUT", f"{plane.workspace.arm_id}{path}", json=body)

    # then
    assert answer.status_code in {400, 501}, answer.text
    assert answer.json()["error"]["message"]


def test_body_that_is_not_json_is_400(plane):
    # when
    answer = call(plane, "PUT", f"{plane.workspace.arm_id}/data/ok/versions/1", data=b"{not json")

    # then
    assert answer.status_code == 400
    assert "not JSON" in answer.json()["error"]["message"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{half"])
def test_malformed_request_to_run_history_is_400(plane, body):
    # when
    answer = call(plane, "POST", f"/history/v1.0{plane.workspace.arm_id}/rundata", data=body)

    # then
    assert answer.status_code in {400, 404}, answer.text


def test_sdk_accepts_any_credential_with_tokens_of_the_stack(plane, monkeypatch):
    # given
    client_of(plane, monkeypatch)

    class Fixed:
        def get_token(self, *scopes: str, **_: Any) -> AccessToken:
            return AccessToken(token(plane, scopes[0].removesuffix("/.default")), 2**31)

    class Wrong:
        def get_token(self, *_: str, **__: Any) -> AccessToken:
            return AccessToken("e30.e30.x", 2**31)

    names = plane.workspace.names
    where = (names.subscription, names.resource_group, names.name)

    # then
    assert MLClient(Fixed(), *where).workspaces.get(names.name).name == names.name
    with pytest.raises((ClientAuthenticationError, HttpResponseError)) as refused:
        MLClient(Wrong(), *where).workspaces.get(names.name)
    assert refused.value.status_code == 401


def test_trace_holds_requests_as_received_without_secrets(plane):
    # given
    label = f"data-{uuid.uuid4().hex[:8]}"
    path = f"{plane.workspace.arm_id}/data/{label}/versions/1"
    body = {"properties": {"dataUri": "azureml://datastores/retrain_data/paths/x", "b": [1]}}
    body["properties"]["dataType"] = "uri_file"

    # when
    call(plane, "PUT", path, params={"api-version": "2023-04-01-preview"}, json=body)
    store = f"{plane.workspace.arm_id}/datastores/workspaceblobstore/listSecrets"
    secret = call(plane, "POST", store).json()["sasToken"]

    # then
    text = plane.trace.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    (line,) = [one for one in lines if one["path"] == path]
    assert line["method"] == "PUT"
    assert line["query"] == {"api-version": "2023-04-01-preview"}
    assert line["request"] == body
    assert line["status"] == 201
    assert line["response"]["properties"]["dataType"] == "uri_file"
    signature = dict(part.split("=", 1) for part in secret.split("&"))["sig"]
    assert signature not in text
    assert "eyJ" not in text
    assert plane.trace.stat().st_mode & 0o777 == 0o600


def test_masking_keeps_tags_and_hides_keys_at_any_depth():
    # given
    given = {
        "tags": [{"key": "cycle_id", "value": "abc"}],
        "sasUri": "http://h/c?se=1&sig=abc%3D&sp=r",
        "primaryKey": "k1",
        "list": [{"sasToken": "sig=abc", "key": "k2"}],
        "text": "Bearer eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.abc",
    }

    # then
    assert masked(given) == {
        "tags": [{"key": "cycle_id", "value": "abc"}],
        "sasUri": "http://h/c?se=1&sig=***&sp=r",
        "primaryKey": "***",
        "list": [{"sasToken": "***", "key": "***"}],
        "text": "Bearer ***",
    }

"""Online endpoints through the unmodified SDK: a model, code and environment that are not ours."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import socket
import threading
import time
import warnings
from pathlib import Path

import jwt
import psutil
import pytest
import requests
from aiohttp import web
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from swagger import KNOWN, violations

from local.azure_ml.endpoints.endpoints import OnlineEndpoints
from local.azure_ml.trace import Trace, tracing
from local.azure_ml.workspace.assets import AssetRoutes
from local.azure_ml.workspace.blobs import BlobStore
from local.azure_ml.workspace.operations import Operations
from local.azure_ml.workspace.resources import Resources
from local.azure_ml.workspace.routes import WorkspaceRoutes
from local.azure_ml.workspace.workspace import DEFAULT_STORE, Workspace, WorkspaceNames
from local.environments.builds import Environments
from local.errors import LocalStackError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the SDK uses deprecated parts of marshmallow on import
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import (
        CodeConfiguration,
        DataCollector,
        DeploymentCollection,
        Environment,
        ManagedOnlineDeployment,
        ManagedOnlineEndpoint,
        OnlineRequestSettings,
    )

pytestmark = [
    pytest.mark.azurite,
    # The SDK warns about its own experimental classes and deprecated calls.
    pytest.mark.filterwarnings("default"),
]

_ROOT = Path(__file__).resolve().parents[4]
_SPECS = _ROOT.parent / "shared" / "azure-specs"
_NAMES = WorkspaceNames()
_TRACE = "trace.jsonl"
_CONTAINER = "azureml-blobstore"
_CONDA = """\
name: plain-server
dependencies:
  - python>=3.11
  - pip
  - pip:
      - azureml-inference-server-http==1.5.1
      - setuptools<81
"""
# Small on purpose: what is tested is the way to it, not the model.
_SCORE = """\
import json, os, time, urllib.request
from pathlib import Path

import constants_of_ours

def init():
    global model
    print("loading", os.environ["AZUREML_MODEL_DIR"])
    model = json.loads(next(Path(os.environ["AZUREML_MODEL_DIR"]).rglob("model.json")).read_text())

def run(text):
    asked = json.loads(text)
    time.sleep(asked.get("sleep", 0))
    if asked.get("crash"):
        os.kill(os.getppid(), 9)
        os._exit(9)
    if asked.get("bug"):
        raise ValueError("secret detail")
    if "collect" in asked:
        host, port = os.environ["AZUREML_MDC_HOST"], os.environ["AZUREML_MDC_PORT"]
        request = urllib.request.Request(
            f"http://{host}:{port}/modeldata/log",
            data=json.dumps(asked["collect"]).encode(),
            headers={"ce-type": "azureml.inference.model_inputs", "ce-time": "1790000000",
                     "ce-x-request-id": "r1", "Content-Type": "application/json"})
        return {"collected": urllib.request.urlopen(request, timeout=5).status}
    return {"y": model["slope"] * asked.get("x", 0) * constants_of_ours.ONE,
            "greeting": os.environ.get("GREETING"), "dir": os.environ["AZUREML_MODEL_DIR"]}
"""


class _Credential:
    """A decodable token: the SDK looks into it, nobody here checks it."""

    def get_token(self, *scopes, **_):
        audience = scopes[0].removesuffix("/.default")
        token = jwt.encode({"aud": audience, "tid": "local"}, "k" * 32, algorithm="HS256")
        return AccessToken(token, int(time.time()) + 3600)


@web.middleware
async def _one_answer_a_connection(request, handler):
    # The SDK keeps connections open for as long as it lives: the loop could not end cleanly.
    response = await handler(request)
    response.force_close()
    return response


class _Stand:
    """A workspace with the routes that endpoints need, in a loop of its own, without MLflow."""

    def __init__(self, state, connection_string, tls, *, trace=None):
        self.state, self._storage, self._trace = state, connection_string, trace
        self.tls = tls
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self):
        self._thread.start()
        try:
            self.call(self._start())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_):
        self.call(self._stop())
        self._end()

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(120)

    def _end(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self):
        self.blobs = BlobStore(self._storage)
        await self.blobs.ensure_container(_CONTAINER)
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        place = f"/subscriptions/{_NAMES.subscription}/providers/x/locations/{_NAMES.location}"

        async def publish(*_):
            return

        try:
            self.operations = Operations(self.state / "operations", url_prefix=f"{self.url}{place}")
            workspace = Workspace(
                names=_NAMES,
                base_url=self.url,
                resources=Resources(self.state / "resources", arm_id=_NAMES.arm_id),
                operations=self.operations,
                environments=Environments(_ROOT / ".local" / "cache" / "environments"),
                tls=self.tls,
                state=self.state,
                blobs=self.blobs,
                publish=publish,
                datastores={DEFAULT_STORE: _CONTAINER},
            )
        except LocalStackError:
            listener.close()
            await self.blobs.close()
            raise
        self.resources = workspace.resources
        self.endpoints = OnlineEndpoints(workspace, logs=self.state / "logs")
        traced = [tracing(self._trace)] if self._trace else []
        app = web.Application(middlewares=[_one_answer_a_connection, *traced])
        for part in (
            WorkspaceRoutes(workspace),
            AssetRoutes(workspace),
            self.operations,
            self.endpoints,
        ):
            app.add_routes(part.routes())
        await self.endpoints.start()
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.SockSite(self._runner, listener, ssl_context=self.tls.server_context).start()

    async def _stop(self):
        await self._runner.cleanup()
        await self.endpoints.stop()
        await self.operations.stop()
        await self.blobs.close()

    def client(self, monkeypatch):
        monkeypatch.setenv("AZUREML_DEV_URL_MFE", self.url)
        for name, value in self.tls.environ().items():
            monkeypatch.setenv(name, value)
        return MLClient(_Credential(), _NAMES.subscription, _NAMES.resource_group, _NAMES.name)

    def register_model(self, name, version, *, slope):
        prefix = f"test-models/{name}/{version}"
        data = json.dumps({"slope": slope}).encode()
        self.call(self.blobs.upload_bytes(data, _CONTAINER, f"{prefix}/model.json"))
        uri = f"azureml://datastores/{DEFAULT_STORE}/paths/{prefix}"
        body = {"properties": {"modelUri": uri, "modelType": "custom_model", "flavors": {}}}
        self.resources.put(f"models/{name}/versions/{version}", body)


@pytest.fixture(scope="module")
def stand(azurite, tls, tmp_path_factory):
    state = tmp_path_factory.mktemp("stand")
    trace = Trace(state / _TRACE)
    try:
        with _Stand(state, azurite.connection_string(), tls, trace=trace) as running:
            running.register_model("line", "1", slope=2)
            running.register_model("line", "2", slope=3)
            yield running
    finally:
        trace.close()
    if _SPECS.is_dir():  # the one test of it says when not
        assert violations(state / _TRACE, _SPECS, known=KNOWN) == []


@pytest.fixture
def client(stand, monkeypatch):
    return stand.client(monkeypatch)


@pytest.fixture
def code(tmp_path):
    return _code_below(tmp_path)


def _code_below(place):
    folder = place / "code"
    (folder / "serving").mkdir(parents=True)
    (folder / "serving" / "score.py").write_text(_SCORE)
    (folder / "serving" / "constants_of_ours.py").write_text("ONE = 1\n")
    (place / "conda.yml").write_text(_CONDA)
    return folder


@pytest.fixture(scope="module")
def pair(stand, tmp_path_factory):
    """An endpoint with two deployments for all tests that leave them as they are, but traffic."""
    name, code = "pair", _code_below(tmp_path_factory.mktemp("pair"))
    with pytest.MonkeyPatch.context() as monkeypatch:
        client = stand.client(monkeypatch)
        _create_endpoint(client, name)
        blue = _deployment(
            code,
            name,
            "blue",
            data_collector=_collector(),
            environment_variables={"GREETING": "hi"},
            tags={"version": "1"},
        )
        _deploy(client, blue)
        half = _collector(sampling_rate=0.5)
        _deploy(
            client,
            _deployment(code, name, "green", model="azureml:line:2", data_collector=half),
        )
    return name


def _collector(**settings):
    collections = {"model_inputs": DeploymentCollection(enabled="true")}
    return DataCollector(collections=collections, **settings)


def _create_endpoint(client, name):
    endpoint = ManagedOnlineEndpoint(name=name, auth_mode="key")
    return client.online_endpoints.begin_create_or_update(endpoint).result()


def _deployment(code, endpoint, name, *, model="azureml:line:1", **more):
    return ManagedOnlineDeployment(
        name=name,
        endpoint_name=endpoint,
        model=model,
        code_configuration=CodeConfiguration(code=str(code), scoring_script="serving/score.py"),
        environment=Environment(conda_file=str(code.parent / "conda.yml"), image="ubuntu"),
        instance_type="Standard_DS3_v2",
        instance_count=1,
        request_settings=more.pop(
            "request_settings", OnlineRequestSettings(max_concurrent_requests_per_instance=20)
        ),
        **more,
    )


def _deploy(client, deployment):
    return client.online_deployments.begin_create_or_update(deployment).result()


def _set_traffic(client, name, traffic, mirror=None):
    endpoint = client.online_endpoints.get(name)
    endpoint.traffic, endpoint.mirror_traffic = traffic, mirror or {}
    return client.online_endpoints.begin_create_or_update(endpoint).result()


def _caller(client, name):
    url = client.online_endpoints.get(name).scoring_uri
    key = client.online_endpoints.get_keys(name).primary_key

    def call(body, **headers):
        auth = {"Authorization": f"Bearer {key}"}
        return requests.post(url, json=body, headers=auth | headers, timeout=30)

    return call


def _lives(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_model_is_deployed_addressed_given_traffic_and_deleted(client, code):
    endpoint = _create_endpoint(client, "whole-way")
    assert endpoint.provisioning_state == "Succeeded"

    blue = _deploy(
        client, _deployment(code, "whole-way", "blue", environment_variables={"GREETING": "hi"})
    )

    assert blue.provisioning_state == "Succeeded"
    call = _caller(client, "whole-way")
    without_traffic = call({"x": 4})
    assert (without_traffic.status_code, "no deployment" in without_traffic.text) == (404, True)
    addressed = call({"x": 4}, **{"azureml-model-deployment": "blue"})
    assert addressed.json()["y"] == 8
    assert addressed.json()["greeting"] == "hi"
    assert addressed.json()["dir"].endswith("azureml-models/line/1")
    _set_traffic(client, "whole-way", {"blue": 100})
    assert call({"x": 4}).headers["azureml-model-deployment"] == "blue"
    request_file = code.parent / "request.json"
    request_file.write_text('{"x": 5}')
    invoked = client.online_endpoints.invoke("whole-way", request_file=str(request_file))
    assert json.loads(invoked)["y"] == 10
    logs = client.online_deployments.get_logs("blue", "whole-way", lines=200)
    assert "loading" in logs
    assert len(client.online_deployments.get_logs("blue", "whole-way", lines=2).splitlines()) == 2
    bug = call({"bug": True})
    assert bug.status_code == 424
    assert bug.headers["ms-azureml-model-error-statuscode"] == "500"
    assert "secret detail" not in bug.text

    with pytest.raises(HttpResponseError, match="has 100 % traffic"):
        client.online_deployments.begin_delete("blue", "whole-way").result()
    old_key = client.online_endpoints.get_keys("whole-way").primary_key
    client.online_endpoints.begin_regenerate_keys("whole-way", key_type="primary").result()
    assert client.online_endpoints.get_keys("whole-way").primary_key != old_key
    assert call({"x": 1}).status_code == 401
    _set_traffic(client, "whole-way", {"blue": 0})
    client.online_deployments.begin_delete("blue", "whole-way").result()
    assert list(client.online_deployments.list("whole-way")) == []
    client.online_endpoints.begin_delete("whole-way").result()
    with pytest.raises(ResourceNotFoundError):
        client.online_endpoints.get("whole-way")


def test_no_request_fails_while_traffic_moves_and_a_deployment_is_updated(stand, client, code):
    _create_endpoint(client, "steady")
    _deploy(client, _deployment(code, "steady", "blue"))
    _set_traffic(client, "steady", {"blue": 100})
    call = _caller(client, "steady")
    stop = threading.Event()

    def keep_calling():
        seen = []
        while not stop.is_set():
            answer = call({"x": 1, "sleep": 0.01})
            seen.append((answer.status_code, answer.text[:200]))
        return seen

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        callers = [pool.submit(keep_calling) for _ in range(3)]
        _deploy(client, _deployment(code, "steady", "green", model="azureml:line:2"))
        _set_traffic(client, "steady", {"blue": 50, "green": 50})
        _set_traffic(client, "steady", {"green": 100})
        _deploy(client, _deployment(code, "steady", "green", model="azureml:line:1"))
        client.online_deployments.begin_delete("blue", "steady").result()
        stop.set()
        seen = [one for caller in callers for one in caller.result()]

    assert len(seen) > 50
    assert {status for status, _ in seen} == {200}
    assert call({"x": 1}).json()["y"] == 2
    assert stand.endpoints.deployments.health()["steady/green"] == "healthy"


def test_mirrored_requests_reach_the_other_deployment_and_change_no_answer(client, pair):
    _set_traffic(client, pair, {"blue": 100}, {"green": 50})
    call = _caller(client, pair)
    before = client.online_deployments.get_logs("green", pair, lines=500).count("POST /score 200")

    answers = [call({"x": 1}) for _ in range(40)]

    assert {answer.json()["y"] for answer in answers} == {2}
    log = client.online_deployments.get_logs("green", pair, lines=500)
    assert 5 <= log.count("POST /score 200") - before <= 35


def test_a_script_that_does_not_start_fails_the_deployment_with_the_logs_end(client, code):
    _create_endpoint(client, "broken")
    (code / "serving" / "score.py").write_text("import no_such_thing\n")

    with pytest.raises(HttpResponseError, match="No module named 'no_such_thing'"):
        _deploy(client, _deployment(code, "broken", "blue"))

    assert client.online_deployments.get("blue", "broken").provisioning_state == "Failed"
    assert "no_such_thing" in client.online_deployments.get_logs("blue", "broken", lines=100)
    with pytest.raises(HttpResponseError, match="has not succeeded"):
        _set_traffic(client, "broken", {"blue": 100})
    client.online_endpoints.begin_delete("broken").result()


@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), 11)", "raise SystemExit(0)"])
def test_a_server_that_ends_while_it_loads_the_model_fails_at_once_and_not_after_minutes(
    client, code, end
):
    _create_endpoint(client, "ending")
    (code / "serving" / "score.py").write_text(
        f"import os\ndef init():\n    {end}\ndef run(text):\n    return text\n"
    )
    started = time.monotonic()

    with pytest.raises(HttpResponseError, match="ended with code 3 before it answered"):
        _deploy(client, _deployment(code, "ending", "blue"))

    assert time.monotonic() - started < 60


def test_a_failed_update_leaves_the_old_version_answering(client, code):
    _create_endpoint(client, "half-way")
    _deploy(client, _deployment(code, "half-way", "blue"))
    _set_traffic(client, "half-way", {"blue": 100})

    with pytest.raises(HttpResponseError, match="does not exist"):
        _deploy(client, _deployment(code, "half-way", "blue", model="azureml:line:99"))

    assert client.online_deployments.get("blue", "half-way").provisioning_state == "Failed"
    assert _caller(client, "half-way")({"x": 1}).json()["y"] == 2


def test_a_crashed_server_is_started_again(client, pair):
    _set_traffic(client, pair, {"green": 100})
    call = _caller(client, pair)

    crashed = call({"crash": True})
    assert crashed.status_code == 424
    assert crashed.headers["ms-azureml-model-error-statuscode"] == "502"

    deadline = time.monotonic() + 60
    while (answer := call({"x": 1})).status_code != 200 and time.monotonic() < deadline:
        assert answer.status_code in {408, 424}
        time.sleep(0.2)
    assert answer.json()["y"] == 3


def test_a_deployment_that_is_too_slow_or_too_busy_says_so(client, code):
    _create_endpoint(client, "slow")
    limits = OnlineRequestSettings(request_timeout_ms=700, max_concurrent_requests_per_instance=1)
    _deploy(client, _deployment(code, "slow", "blue", request_settings=limits))
    _set_traffic(client, "slow", {"blue": 100})
    call = _caller(client, "slow")

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: call({"sleep": 3}), range(6)))

    assert {answer.status_code for answer in answers} == {408, 429}
    assert sum(answer.status_code == 408 for answer in answers) == 2


def test_collected_data_lands_in_azures_layout(stand, client, pair, tmp_path):
    rows = [{"x": 1.5, "id": "a"}, {"x": None, "id": "b"}]

    answer = _caller(client, pair)({"collect": rows}, **{"azureml-model-deployment": "blue"})

    assert answer.json() == {"collected": 202}
    stand.call(stand.endpoints.collector.flush())
    prefix = f"modelDataCollector/{pair}/blue/model_inputs/2026/09/21/14"
    (blob,) = stand.call(stand.blobs.list(_CONTAINER, prefix))
    target = tmp_path / "collected.jsonl"
    stand.call(stand.blobs.download_file(_CONTAINER, blob.name, target))
    (event,) = [json.loads(line) for line in target.read_text().splitlines()]
    assert event["data"] == rows
    assert event["correlationid"] == event["xrequestid"] == "r1"
    assert event["time"] == "2026-09-21T14:13:20Z"
    assert event["source"].endswith(f"/onlineEndpoints/{pair}/deployments/blue")


@pytest.mark.parametrize(
    ("traffic", "mirror", "reason"),
    [
        ({"blue": 60}, {}, "adds up to 60"),
        ({"nobody": 100}, {}, "'nobody', which is not there"),
        ({"blue": 100}, {"blue": 10}, "has live traffic"),
        ({}, {"blue": 60}, "limit 50"),
    ],
)
def test_traffic_that_azure_refuses_is_refused(client, pair, traffic, mirror, reason):
    with pytest.raises(HttpResponseError, match=reason) as caught:
        _set_traffic(client, pair, traffic, mirror)

    assert caught.value.status_code == 400


def test_deployments_answer_again_after_a_restart_and_damaged_state_is_named(
    azurite, tls, monkeypatch, tmp_path, code
):
    state = tmp_path / "state"
    with _Stand(state, azurite.connection_string(), tls) as first:
        first.register_model("again", "1", slope=7)
        client = first.client(monkeypatch)
        _create_endpoint(client, "again")
        _deploy(client, _deployment(code, "again", "blue", model="azureml:again:1"))
        _set_traffic(client, "again", {"blue": 100})
        key = client.online_endpoints.get_keys("again").primary_key
        children = psutil.Process().children(recursive=True)
        servers = [child for child in children if str(state) in " ".join(child.cmdline())]
        assert servers

    assert not any(_lives(server) for server in servers)
    with _Stand(state, azurite.connection_string(), tls) as second:
        url = second.client(monkeypatch).online_endpoints.get("again").scoring_uri
        headers = {"Authorization": f"Bearer {key}"}
        assert requests.post(url, json={"x": 1}, headers=headers, timeout=30).json()["y"] == 7

    (damaged,) = (state / "resources").rglob("blue.json")
    damaged.write_text('{"half": ')
    with pytest.raises(LocalStackError, match=r"blue\.json is damaged"):
        _Stand(state, azurite.connection_string(), tls).__enter__()


@pytest.mark.skipif(not _SPECS.is_dir(), reason=f"the published swagger is not at {_SPECS}")
def test_every_exchange_about_endpoints_is_valid(stand, client, pair):
    _set_traffic(client, pair, {"blue": 100}, {"green": 10})
    with pytest.raises(HttpResponseError):
        _set_traffic(client, pair, {"blue": 50})
    client.online_endpoints.begin_regenerate_keys(pair, key_type="secondary").result()
    client.online_endpoints.get_keys(pair)
    client.online_deployments.get_logs("blue", pair, lines=5)
    assert [one.name for one in client.online_deployments.list(pair)] == ["blue", "green"]
    assert pair in [one.name for one in client.online_endpoints.list()]
    with pytest.raises(ResourceNotFoundError):
        client.online_deployments.get("red", pair)
    _create_endpoint(client, "checked")
    client.online_endpoints.begin_delete("checked").result()

    # What the other tests exchange is looked at when the stand goes.
    file = stand.state / _TRACE
    assert violations(file, _SPECS, known=KNOWN) == []
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert any("regenerateKeys" in line["path"] for line in lines)

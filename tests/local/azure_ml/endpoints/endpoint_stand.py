"""A workspace with online endpoints alone, and a model and code that are not ours."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
import warnings
from pathlib import Path

import jwt
import psutil
import requests
from aiohttp import web
from azure.core.credentials import AccessToken

from local.azure_ml.endpoints.endpoints import OnlineEndpoints
from local.azure_ml.trace import tracing
from local.azure_ml.workspace.assets import AssetRoutes
from local.azure_ml.workspace.blobs import BlobStore
from local.azure_ml.workspace.operations import Operations
from local.azure_ml.workspace.resources import Resources
from local.azure_ml.workspace.routes import WorkspaceRoutes
from local.azure_ml.workspace.workspace import DEFAULT_STORE, Workspace, WorkspaceNames
from local.environments.builds import Environments
from local.errors import LocalStackError
from local.serving.http_server import close_server

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

ROOT = Path(__file__).resolve().parents[4]
SPECS = ROOT.parent / "shared" / "azure-specs"
NAMES = WorkspaceNames()
TRACE = "trace.jsonl"
CONTAINER = "azureml-blobstore"
CONDA = """\
name: plain-server
dependencies:
  - python>=3.11
  - pip
  - pip:
      - azureml-inference-server-http==1.5.1
      - setuptools<81
"""
# Small on purpose: what is tested is the way to it, not the model.
SCORE = """\
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
    """A decodable token: the SDK reads its claims, the stand does not check it."""

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


class Stand:
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
        await self.blobs.ensure_container(CONTAINER)
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        place = f"/subscriptions/{NAMES.subscription}/providers/x/locations/{NAMES.location}"

        async def publish(*_):
            return

        try:
            self.operations = Operations(self.state / "operations", url_prefix=f"{self.url}{place}")
            workspace = Workspace(
                names=NAMES,
                base_url=self.url,
                resources=Resources(self.state / "resources", arm_id=NAMES.arm_id),
                operations=self.operations,
                environments=Environments(ROOT / ".local" / "cache" / "environments"),
                tls=self.tls,
                state=self.state,
                blobs=self.blobs,
                publish=publish,
                datastores={DEFAULT_STORE: CONTAINER},
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
        self.operations.resume()
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.SockSite(self._runner, listener, ssl_context=self.tls.server_context).start()

    async def _stop(self):
        await close_server(self._runner)
        await self.operations.stop()
        await self.endpoints.stop()
        await self.blobs.close()

    def client(self, monkeypatch):
        monkeypatch.setenv("AZUREML_DEV_URL_MFE", self.url)
        for name, value in self.tls.environ().items():
            monkeypatch.setenv(name, value)
        return MLClient(_Credential(), NAMES.subscription, NAMES.resource_group, NAMES.name)

    def register_model(self, name, version, *, slope):
        prefix = f"test-models/{name}/{version}"
        data = json.dumps({"slope": slope}).encode()
        self.call(self.blobs.upload_bytes(data, CONTAINER, f"{prefix}/model.json"))
        uri = f"azureml://datastores/{DEFAULT_STORE}/paths/{prefix}"
        body = {"properties": {"modelUri": uri, "modelType": "custom_model", "flavors": {}}}
        self.resources.put(f"models/{name}/versions/{version}", body)


def code_below(place):
    folder = place / "code"
    (folder / "serving").mkdir(parents=True)
    (folder / "serving" / "score.py").write_text(SCORE)
    (folder / "serving" / "constants_of_ours.py").write_text("ONE = 1\n")
    (place / "conda.yml").write_text(CONDA)
    return folder


def collector(**settings):
    collections = {"model_inputs": DeploymentCollection(enabled="true")}
    return DataCollector(collections=collections, **settings)


def create_endpoint(client, name):
    endpoint = ManagedOnlineEndpoint(name=name, auth_mode="key")
    return client.online_endpoints.begin_create_or_update(endpoint).result()


def deployment(code, endpoint, name, *, model="azureml:line:1", **more):
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


def deploy(client, deployment):
    return client.online_deployments.begin_create_or_update(deployment).result()


def set_traffic(client, name, traffic, mirror=None):
    endpoint = client.online_endpoints.get(name)
    endpoint.traffic, endpoint.mirror_traffic = traffic, mirror or {}
    return client.online_endpoints.begin_create_or_update(endpoint).result()


def caller(client, name):
    url = client.online_endpoints.get(name).scoring_uri
    key = client.online_endpoints.get_keys(name).primary_key

    def call(body, **headers):
        auth = {"Authorization": f"Bearer {key}"}
        return requests.post(url, json=body, headers=auth | headers, timeout=30)

    return call


def lives(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

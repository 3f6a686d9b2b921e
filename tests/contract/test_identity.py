"""The app's identity against the endpoint that the local stack has in App Service's place."""

import asyncio
import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from azure.identity import DefaultAzureCredential

from local.azure_ml.identity import Identity
from shared.adapters.identity import ManagedIdentity, app_identity

STORAGE = "https://storage.azure.com"


@pytest.fixture(scope="module")
def endpoint():
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    identity = Identity()
    asyncio.run_coroutine_threadsafe(identity.start(), loop).result()
    yield identity
    asyncio.run_coroutine_threadsafe(identity.stop(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def environ(endpoint, monkeypatch):
    for name, value in endpoint.environ().items():
        monkeypatch.setenv(name, value)
    return endpoint.environ()


def test_token_is_requested_for_the_resource_of_the_scope(endpoint, environ):
    token = app_identity(environ).get_token(f"{STORAGE}/.default")

    assert endpoint.verify(f"Bearer {token.token}", {STORAGE})["idtyp"] == "app"
    assert token.expires_on == pytest.approx(time.time() + 24 * 3600, abs=60)


def test_valid_token_is_cached_per_scope(environ):
    identity = app_identity(environ)

    first = identity.get_token(f"{STORAGE}/.default")

    assert identity.get_token(f"{STORAGE}/.default").token == first.token
    other = identity.get_token("https://management.azure.com/.default")
    claims = json.loads(base64.urlsafe_b64decode(other.token.split(".")[1] + "=="))
    assert claims["aud"] == "https://management.azure.com"


def test_user_assigned_identity_is_named_in_the_request(environ, monkeypatch):
    asked = []

    class Recorder(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(parse_qs(urlsplit(self.path).query))
            body = json.dumps({"access_token": "t", "expires_on": str(int(time.time()) + 3600)})
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as server:
        threading.Thread(target=server.serve_forever).start()
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        app_identity(environ | {"AZURE_CLIENT_ID": "1111"}).get_token(f"{STORAGE}/.default")
        server.shutdown()

    assert asked == [{"api-version": ["2019-08-01"], "resource": [STORAGE], "client_id": ["1111"]}]


@pytest.mark.usefixtures("environ")
def test_refused_token_request_raises_the_sdks_authentication_error(monkeypatch):
    monkeypatch.setenv("IDENTITY_HEADER", "another")

    with pytest.raises(ClientAuthenticationError, match=rf"no token for {STORAGE}/.default: "):
        ManagedIdentity(None).get_token(f"{STORAGE}/.default")


@pytest.mark.usefixtures("environ")
def test_unreachable_identity_endpoint_raises_a_service_request_error(monkeypatch, free_tcp_port):
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{free_tcp_port}/msi/token")

    with pytest.raises(ServiceRequestError, match="no token for"):
        ManagedIdentity(None).get_token(f"{STORAGE}/.default")


def test_default_credential_is_used_without_a_managed_identity():
    assert isinstance(app_identity({}), DefaultAzureCredential)

"""What the demo does with the running stack, as any client would: storage, HTTP, ARM."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode

import aiohttp
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient

from demo.failures import DemoClientError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from local.supervision.stack_record import RunningStack

_TIMEOUT = aiohttp.ClientTimeout(total=60)
_ARM_SCOPE = "https://management.azure.com"
_ENDPOINT_API = "2023-04-01-preview"
_JOB_API = "2024-01-01-preview"
# A part of the stack may be starting again: a question that changes nothing is asked again.
_TRIES = 5
_RETRY_SECONDS = 1.0
_BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class ScoringAddress:
    """URL and key of one model's endpoint."""

    url: str
    key: str


@dataclass(frozen=True, slots=True)
class BegunStep:
    """A step of a pipeline job that is queued, running or has ended.

    The time is that of its start or, if it has none, of its creation: it may be waiting for a
    machine, or may have reused the outputs of an earlier job.
    """

    name: str
    since_utc: datetime


@dataclass(frozen=True, slots=True)
class PipelineProgress:
    """Progress of a pipeline job: the steps begun, oldest first, and the number of all steps."""

    steps: int
    begun: tuple[BegunStep, ...]


class DemoClient:
    """One session for everything, as an asynchronous context manager."""

    def __init__(
        self, record: RunningStack, model: str, *, retry_seconds: float = _RETRY_SECONDS
    ) -> None:
        self._retry_seconds = retry_seconds
        self._record = record
        self._model = model
        self._blobs = BlobServiceClient.from_connection_string(record.storage_connection_string)
        self._history: str | None = None
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        trust = ssl.create_default_context(cafile=self._record.environ["REQUESTS_CA_BUNDLE"])
        connector = aiohttp.TCPConnector(ssl=trust)
        self._session = aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()
        self._blobs.close()

    # --- the function app

    async def status(self) -> dict[str, Any]:
        """The status of the model, from GET /api/models/<model>."""
        return await self._app("GET", f"/api/models/{self._model}")

    async def cycle(self, cycle_id: str) -> dict[str, Any]:
        """The explanation of a cycle, from GET /api/models/<model>/cycles/<cycle>."""
        return await self._app("GET", f"/api/models/{self._model}/cycles/{cycle_id}")

    async def explanation(self, cycle_id: str) -> str:
        """The same as a person reads it in a terminal."""
        return await self._text(
            "GET",
            f"{self._record.functions_url}/api/models/{self._model}/cycles/{cycle_id}",
            headers={"x-functions-key": self._record.function_key, "Accept": "text/plain"},
        )

    async def retrain(self, reason: str) -> dict[str, Any]:
        """Request a retraining."""
        return await self._app(
            "POST", f"/api/models/{self._model}/retrain", json={"reason": reason}
        )

    async def fire_timer(self, function: str) -> None:
        """Fire a timer function now through the host's admin route."""
        await self._answer(
            "POST",
            f"{self._record.functions_url}/admin/functions/{function}",
            headers={"x-functions-key": self._record.master_key},
            json={},
        )

    async def _app(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        headers = {"x-functions-key": self._record.function_key}
        url = f"{self._record.functions_url}{path}"
        document: dict[str, Any] = await self._answer(method, url, headers=headers, **arguments)
        return document

    async def _answer(self, method: str, url: str, **arguments: Any) -> Any:
        text = await self._text(method, url, **arguments)
        return json.loads(text) if text.strip() else {}

    async def _text(self, method: str, url: str, **arguments: Any) -> str:
        for tries_left in reversed(range(_TRIES if method == "GET" else 1)):
            try:
                async with self._session.request(method, url, **arguments) as response:
                    text = await response.text()
            except (aiohttp.ClientError, TimeoutError) as exc:
                if tries_left == 0:
                    raise DemoClientError(
                        f"{method} {url} was not answered ({type(exc).__name__}: {exc}). Does the "
                        "stack still run? Its log is logs/stack.log in the state folder"
                    ) from exc
            else:
                if response.status < HTTPStatus.BAD_REQUEST:
                    return text
                if response.status not in _BUSY or tries_left == 0:
                    raise DemoClientError(
                        f"{method} {url} answered {response.status}: {text[:500]}"
                    )
            await asyncio.sleep(self._retry_seconds)
        raise AssertionError("unreachable: the last try returns or raises")

    # --- storage

    async def put(self, container: str, name: str, content: bytes) -> None:
        """Upload as a data producer does."""
        blob = self._blobs.get_blob_client(container, name)
        await asyncio.to_thread(blob.upload_blob, content, overwrite=True)

    async def names(self, container: str, prefix: str) -> list[str]:
        """Names of blobs below a prefix."""
        client = self._blobs.get_container_client(container)
        return await asyncio.to_thread(
            lambda: [blob.name for blob in client.list_blobs(name_starts_with=prefix)]
        )

    async def read(self, container: str, name: str) -> bytes:
        """One blob's content."""
        blob = self._blobs.get_blob_client(container, name)
        return await asyncio.to_thread(lambda: blob.download_blob().readall())

    async def save(self, container: str, name: str, to: Path) -> Path:
        """Keep a blob as a file that outlives the stack."""
        content = await self.read(container, name)
        to.parent.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(to.write_bytes, content)
        return to

    async def drift_notices(self, queue: str) -> int:
        """How many events about this model a queue shows (of its first 32); none is taken.

        One that came more than once, as Event Grid may deliver it, is one.
        """

        def peek() -> int:
            with QueueClient.from_connection_string(
                self._record.storage_connection_string, queue
            ) as client:
                texts = {
                    base64.b64decode(message.content).decode()
                    for message in client.peek_messages(max_messages=32)
                }
            return sum(json.dumps(self._model) in text for text in texts)

        return await asyncio.to_thread(peek)

    # --- the endpoint

    async def scoring(self) -> ScoringAddress:
        """Address and key of the model's endpoint, from the workspace."""
        endpoint = await self._arm("GET", f"/onlineEndpoints/retrain-{self._model}")
        keys = await self._arm("POST", f"/onlineEndpoints/retrain-{self._model}/listKeys")
        return ScoringAddress(endpoint["properties"]["scoringUri"], keys["primaryKey"])

    async def traffic(self) -> dict[str, int]:
        """Percent by deployment, as the workspace says."""
        endpoint = await self._arm("GET", f"/onlineEndpoints/retrain-{self._model}")
        traffic: dict[str, int] = endpoint["properties"].get("traffic") or {}
        return {name: share for name, share in traffic.items() if share}

    async def score(self, address: ScoringAddress, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """Score rows; raises DemoClientError for anything but 200."""
        headers = {"Authorization": f"Bearer {address.key}"}
        document: dict[str, Any] = await self._answer(
            "POST", address.url, headers=headers, json={"data": rows}
        )
        return document

    # --- Azure ML

    async def pipeline(self, job: str) -> PipelineProgress:
        """How far a pipeline job is, as `az ml job show` and `az ml job list` read it."""
        described = (await self._arm("GET", f"/jobs/{job}", api_version=_JOB_API))["properties"]
        children = await self._as_operator(
            "GET", f"{await self._run_history()}/runs/{job}/children"
        )
        begun = sorted(
            (child for child in children["value"] if child["status"] != "NotStarted"),
            key=lambda child: child["createdUtc"],
        )
        return PipelineProgress(
            steps=len(described.get("jobs") or {}),
            begun=tuple(
                BegunStep(
                    child["displayName"],
                    datetime.fromisoformat(child.get("startTimeUtc") or child["createdUtc"]),
                )
                for child in begun
            ),
        )

    async def _run_history(self) -> str:
        """Address of the workspace's run history: where it is, its discovery document says."""
        if self._history is None:
            workspace = await self._arm("GET", "")
            services = await self._answer("GET", workspace["properties"]["discoveryUrl"])
            self._history = f"{services['history']}/history/v1.0{self._record.workspace_id}"
        return self._history

    async def _arm(
        self, method: str, path: str, *, api_version: str = _ENDPOINT_API
    ) -> dict[str, Any]:
        url = f"{self._record.workspace_url}{self._record.workspace_id}{path}"
        return await self._as_operator(method, f"{url}?api-version={api_version}")

    async def _as_operator(self, method: str, url: str) -> dict[str, Any]:
        """Ask Azure ML, with a token of the identity that runs here."""
        environ = self._record.environ
        query = urlencode({"api-version": "2019-08-01", "resource": _ARM_SCOPE})
        token = await self._answer(
            "GET",
            f"{environ['IDENTITY_ENDPOINT']}?{query}",
            headers={"X-IDENTITY-HEADER": environ["IDENTITY_HEADER"]},
        )
        document: dict[str, Any] = await self._answer(
            method, url, headers={"Authorization": f"Bearer {token['access_token']}"}
        )
        return document

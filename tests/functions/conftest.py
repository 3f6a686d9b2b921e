"""The whole app over the shipped doubles, with event objects of azure-functions."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import azure.functions as func
import pytest
from azure.functions import meta

from functions import events_queue
from functions._app import App
from shared.adapters import in_memory as doubles
from shared.domain.policy import Policy
from shared.domain.retraining import ReasonKind
from shared.logs import EventLog
from shared.usecases.record_fact import RecordFact

if TYPE_CHECKING:
    from collections.abc import Callable

POLICY = Policy(
    config_sha256="c0ffee",
    reasons=frozenset(ReasonKind),
    cooldown=timedelta(days=7),
    drift_overrides_cooldown=True,
    jobs_per_30_days=20,
)


class InMemoryApp(App):
    """`App` with every port replaced by its double; the use cases are the real ones."""

    def __init__(self, *models: str) -> None:
        self.data_limit_bytes = 64_000_000
        self.log = EventLog("test")
        self.clock = doubles.SimulatedClock()
        self.random = random.Random(7)  # noqa: S311 - jitter
        self.catalog = doubles.InMemoryCatalog(dict.fromkeys(models, POLICY))
        self.blobs = doubles.InMemoryBlobs(self.clock)
        self.ledger = doubles.InMemoryLedger()
        self.work = doubles.InMemoryQueue(self.clock)
        self.events = doubles.InMemoryQueue(self.clock, "events")
        self.poison = self.work
        self.data = doubles.InMemoryDataStore(self.blobs)
        self.quarantine = doubles.InMemoryQuarantine(self.blobs)
        self.evidence = doubles.InMemoryEvidence(self.blobs)
        self.data_tests = doubles.MarkedDataTests()
        self.drift_checks = doubles.ScriptedDriftChecks(self.clock)
        self.azure_ml = doubles.AzureMlSimulator(self.clock, self.blobs)
        self.jobs = self.registry = self.azure_ml
        self.endpoints = doubles.InMemoryEndpoints(self.clock)
        self.publisher = doubles.InMemoryPublisher()
        self.alerts = doubles.InMemoryAlerts()
        self.record = RecordFact(
            ledger=self.ledger,
            work=self.work,
            catalog=self.catalog,
            clock=self.clock,
            random=self.random,
        )

    def drop(self, model: str, name: str, content: bytes = b"a row\n") -> None:
        """Upload a file and deliver its event."""
        blob = self.blobs.upload("landing", f"{model}/{name}", content)
        event = {
            "eventType": "Microsoft.Storage.BlobCreated",
            "data": {
                "url": f"https://a.blob.core.windows.net/landing/{model}/{name}",
                "eTag": f'"{blob.etag}"',
                "contentLength": len(content),
            },
        }
        events_queue.handle(json.dumps(event).encode(), self)

    def alert_sentences(self) -> list[str]:
        return [alert.sentence for alert in self.alerts.sent.values()]

    def facts(self, model: str) -> list[Any]:
        return [entry.fact for entry in self.ledger.entries(model)]

    def quarantined(self) -> list[str]:
        return [item.blob.path for item in self.blobs.listing("quarantine")]


@pytest.fixture
def app() -> InMemoryApp:
    return InMemoryApp("diabetes", "iris")


@pytest.fixture
def queue_message() -> Callable[[bytes], func.QueueMessage]:
    """A message as the worker builds it: top-level members of the body shadow its metadata."""

    def make(body: bytes) -> func.QueueMessage:
        try:
            members = json.loads(body)
        except ValueError:
            members = {}
        metadata = {
            key: meta.Datum(value, "string")
            for key, value in (members.items() if isinstance(members, dict) else ())
            if isinstance(value, str)
        }
        metadata = {"Id": meta.Datum("the message's own", "string")} | metadata
        converter = func.get_binding_registry().get("queueTrigger")
        return converter.decode(
            meta.Datum(body.decode("utf-8", "surrogateescape"), "string"),
            trigger_metadata=metadata,
        )

    return make


@pytest.fixture
def request_of() -> Callable[..., func.HttpRequest]:
    def make(
        method: str = "GET",
        *,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        params: dict[str, str] | None = None,
        query: str = "",
        **route: str,
    ) -> func.HttpRequest:
        return func.HttpRequest(
            method,
            f"https://retrain.example/api/models{query}",
            headers=headers or {},
            params=params or {},
            route_params=route,
            body=body,
        )

    return make

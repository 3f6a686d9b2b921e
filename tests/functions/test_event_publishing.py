"""Our drift event through the real client and the local Event Grid into a queue."""

import asyncio
import base64
import time
from datetime import date

import pytest
from azure.core.credentials import AccessToken
from azure.storage.queue import QueueClient

from local.event_grid import EventGrid
from local.event_grid.models import SubscriptionEntry, TopicEntry
from shared.adapters.event_grid import EventGridPublisher
from shared.domain.drift import DriftSignal, PublishDrift
from shared.wire.drift import read_drift_detected
from shared.wire.envelope import read_events

pytestmark = [pytest.mark.azurite, pytest.mark.anyio]

DRIFT = PublishDrift(
    day=date(2026, 3, 13),
    profile="9",
    sentence="Drift: bmi moved by 0.31 sd (limit 0.10).",
    signals=(
        DriftSignal(
            "bmi",
            0.31,
            0.1,
            measure="distance",
            since=date(2026, 3, 12),
            alarm_share=0.75,
        ),
        DriftSignal("prediction", 0.2, 0.1, measure="shares", role="prediction", alarm_share=0.25),
    ),
    report="drift/diabetes/2026-03-13.html",
    revision=1,
    current_rows=900,
    reference_rows=2000,
)
PASSWORD = "let-me-in"


class Credential:
    def __init__(self, token=PASSWORD):
        self._token = token

    def get_token(self, *_scopes, **_options):
        return AccessToken(self._token, int(time.time()) + 3600)


@pytest.fixture
async def topic(azurite, tls, tmp_path, monkeypatch):
    """A custom topic whose events go into a queue: its address, and the queue."""
    for name, value in tls.environ().items():
        monkeypatch.setenv(name, value)
    queue = QueueClient.from_connection_string(azurite.connection_string(), "drift-notices")
    queue.create_queue()
    grid = EventGrid(
        state=tmp_path / "state",
        topics=[TopicEntry(name="retrain-events", schema="CloudEventSchemaV1_0")],
        subscriptions=[
            SubscriptionEntry(
                name="notices", source="retrain-events", destination={"queue": "drift-notices"}
            )
        ],
        storage_connection_string=azurite.connection_string(),
        tls=tls,
        authorize=lambda header: header == f"Bearer {PASSWORD}",
    )
    await grid.start()
    yield grid.topic_endpoint("retrain-events"), queue
    await grid.stop()
    queue.delete_queue()
    queue.close()


@pytest.fixture
def publisher_to():
    made = []

    def make(endpoint, credential=Credential):
        made.append(EventGridPublisher(endpoint, credential=credential))
        return made[-1]

    yield make
    for publisher in made:
        publisher.close()


def received(queue):
    deadline = time.monotonic() + 10
    while (message := queue.receive_message()) is None:
        assert time.monotonic() < deadline, "no event in 10 s"
        time.sleep(0.1)
    return base64.b64decode(message.content)


async def test_published_drift_event_is_read_back_as_the_same_fact(topic, publisher_to):
    endpoint, queue = topic

    publisher = publisher_to(endpoint)
    await asyncio.to_thread(publisher.drift_detected, "diabetes", DRIFT)
    publisher.close()

    (event,) = read_events(await asyncio.to_thread(received, queue))
    model, fact = read_drift_detected(event)
    assert model == "diabetes"
    assert fact.key == "drift:2026-03-13:9:r1"
    assert (fact.current_rows, fact.reference_rows) == (900, 2000)
    assert (fact.sentence, fact.signals, fact.report) == (
        DRIFT.sentence,
        DRIFT.signals,
        DRIFT.report,
    )

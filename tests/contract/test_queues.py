"""Work, event and poison queues in Azurite; the double where it has the same interface."""

from __future__ import annotations

import base64
import json
import uuid
from datetime import timedelta

import pytest
from azure.storage.queue import QueueClient

from shared.adapters.in_memory import InMemoryQueue, SimulatedClock
from shared.adapters.storage_account import StorageAccount
from shared.adapters.storage_queue import (
    StorageEventQueue,
    StoragePoisonQueues,
    StorageWorkQueue,
)
from shared.ports.queues import WorkMessage


@pytest.fixture(scope="module")
def account(azurite):
    return StorageAccount(azurite.connection_string())


@pytest.fixture
def queue_name(account):
    name = f"q{uuid.uuid4().hex[:8]}"
    account.queue(name).create_queue()
    return name


def raw(account, name):
    """Bodies as stored in the queue, without decoding by our client."""
    client = QueueClient.from_connection_string(account.connection_string, name)
    with client:
        return [message.content for message in client.receive_messages(max_messages=10)]


@pytest.mark.azurite
class TestStorageQueues:
    def test_work_message_is_base64_json_without_reserved_metadata_names(self, account, queue_name):
        StorageWorkQueue(account, queue=queue_name).send(WorkMessage("m", "c:test", 3))

        (body,) = raw(account, queue_name)

        sent = json.loads(base64.b64decode(body))
        assert sent == {"model": "m", "effect": "c:test", "tries": 3}

    def test_delayed_message_is_not_yet_visible(self, account, queue_name):
        queue = StorageWorkQueue(account, queue=queue_name)

        queue.send(WorkMessage("m", "later"), delay=timedelta(days=30))
        queue.send(WorkMessage("m", "now"))

        assert len(raw(account, queue_name)) == 1
        assert account.queue(queue_name).get_queue_properties().approximate_message_count == 2

    def test_requeued_event_keeps_its_body(self, account, queue_name):
        StorageEventQueue(account, queue=queue_name).send_again('{"id": "ä"}', delay=timedelta(0))

        (body,) = raw(account, queue_name)

        assert base64.b64decode(body).decode() == '{"id": "ä"}'

    def test_missing_poison_queue_counts_as_empty(self, account, queue_name):
        account.queue(f"{queue_name}-poison").create_queue()
        watch = StoragePoisonQueues(account, queues=[queue_name, "neverthere"])
        assert watch.waiting() == {}

        account.queue(f"{queue_name}-poison").send_message("x")

        assert watch.waiting() == {f"{queue_name}-poison": 1}


class TestInMemoryQueue:
    def test_delayed_message_is_not_yet_visible(self):
        clock = SimulatedClock()
        queue = InMemoryQueue(clock)

        queue.send(WorkMessage("m", "later"), delay=timedelta(minutes=1))
        queue.send_again("now", delay=timedelta(0))

        assert [message.body for message in queue.visible()] == ["now"]
        clock.advance(timedelta(minutes=1))
        assert len(queue.visible()) == 2

    def test_message_is_poisoned_after_five_failed_deliveries(self):
        queue = InMemoryQueue(SimulatedClock())
        queue.send(WorkMessage("m", "x"))

        for _ in range(5):
            (message,) = queue.visible()
            queue.take(message)
            queue.release(message)

        assert queue.visible() == []
        assert queue.waiting() == {"work-poison": 1}

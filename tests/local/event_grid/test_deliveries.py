"""Deliveries into storage queues."""

from __future__ import annotations

import asyncio

import pytest
from grid_bench import blob_created, dead_letters, received, to_queue, until

pytestmark = [pytest.mark.azurite, pytest.mark.anyio]


async def test_event_is_delivered_to_the_queue_as_one_base64_message(started, queue, name):
    async with started(to_queue(name)) as grid:
        await grid.publish("storage", [blob_created(1)])

        assert await received(queue, 1) == [blob_created(1)]
        await until(lambda: grid.waiting() == {})
        assert grid.status()["to-queue"].delivered == 1


async def test_subscription_gets_only_events_that_pass_its_filter(started, queue, name):
    only_csv = {
        "subject_ends_with": ".csv",
        "included_event_types": ["Microsoft.Storage.BlobCreated"],
    }
    async with started(to_queue(name, filter=only_csv)) as grid:
        await grid.publish("storage", [blob_created(1) | {"subject": "/x.json"}])
        await grid.publish("storage", [blob_created(2) | {"eventType": "Other"}])
        await grid.publish("workspace", [blob_created(3)])
        await grid.publish("storage", [blob_created(4)])

        assert await received(queue, 1) == [blob_created(4)]


async def test_publishing_returns_the_matching_subscriptions(started, name):
    only_json = to_queue(name, filter={"subject_ends_with": ".json"}) | {"name": "only-json"}
    async with started(to_queue(name), only_json) as grid:
        csv = await grid.publish("storage", [blob_created(1)])
        both = await grid.publish("storage", [blob_created(1) | {"subject": "/x.json"}])
        nobody = await grid.publish("workspace", [blob_created(1)])

    assert csv == ["to-queue"]
    assert both == ["only-json", "to-queue"]
    assert nobody == []


async def test_subscription_can_convert_to_cloud_events(started, queue, name):
    async with started(to_queue(name, delivery_schema="CloudEventSchemaV1_0")) as grid:
        await grid.publish("storage", [blob_created(1)])

        assert await received(queue, 1) == [
            {
                "source": "/subscriptions/0/storage",
                "subject": "/blobServices/default/containers/landing/blobs/1.csv",
                "type": "Microsoft.Storage.BlobCreated",
                "time": "2026-03-14T06:00:00.0000000Z",
                "id": "event-1",
                "data": {"api": "PutBlob", "number": 1},
                "specversion": "1.0",
            }
        ]


async def test_two_hundred_concurrent_events_are_all_delivered(started, queue, name):
    async with started(to_queue(name)) as grid:
        await asyncio.gather(
            *(grid.publish("storage", [blob_created(number)]) for number in range(200))
        )

        found = await received(queue, 200)
    assert sorted(event["data"]["number"] for event in found) == list(range(200))


async def test_event_too_large_for_a_queue_is_dead_lettered_at_once(started, storage, name):
    entry = to_queue(name, dead_letter={"container": name})
    async with started(entry) as grid:
        await grid.publish("storage", [blob_created(1, text="x" * 50_000)])

        ((_, (letter,)),) = (await dead_letters(storage, name)).items()
    assert letter["lastDeliveryOutcome"] == "PayloadTooLarge"
    assert letter["deliveryAttempts"] == 1

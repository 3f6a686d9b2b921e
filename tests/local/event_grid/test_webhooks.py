"""Webhook deliveries and the validation handshake before them."""

from __future__ import annotations

import aiohttp
import pytest
from grid_bench import FAST, blob_created, to_webhook, until

pytestmark = [pytest.mark.azurite, pytest.mark.anyio]


async def test_webhook_gets_an_array_of_one_event_after_the_handshake(started, webhook):
    async with started(to_webhook(webhook)) as grid:
        await grid.publish("storage", [blob_created(1)])
        await until(webhook.notifications)

    validation, notification = webhook.requests
    assert validation[1]["aeg-event-type"] == "SubscriptionValidation"
    (event,) = validation[2]
    assert event["eventType"] == "Microsoft.EventGrid.SubscriptionValidationEvent"
    assert set(event["data"]) == {"validationCode", "validationUrl"}
    assert notification[2] == [blob_created(1)]
    headers = notification[1]
    assert headers["aeg-subscription-name"] == "TO-HOOK"
    assert headers["Content-Type"] == "application/json; charset=utf-8"


async def test_cloud_events_webhook_gets_one_event_after_it_allowed_the_origin(started, webhook):
    async with started(to_webhook(webhook, delivery_schema="CloudEventSchemaV1_0")) as grid:
        await grid.publish("storage", [blob_created(1)])
        await until(webhook.notifications)

    permission, notification = webhook.requests
    assert permission[0] == "OPTIONS"
    assert permission[1]["WebHook-Request-Origin"] == "eventgrid.azure.net"
    assert notification[1]["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert notification[2]["id"] == "event-1"
    assert notification[2]["specversion"] == "1.0"


async def test_events_wait_until_the_webhook_is_validated(started, webhook):
    webhook.agrees = False
    async with started(to_webhook(webhook), speed=FAST) as grid:
        await grid.publish("storage", [blob_created(1)])
        await until(lambda: len(webhook.requests) >= 3)
        status = grid.status()["to-hook"]
        webhook.agrees = True
        await until(webhook.notifications)

    assert (status.ready, status.waiting, status.failed) == (False, 1, 0)


@pytest.mark.parametrize("schema", ["EventGridSchema", "CloudEventSchemaV1_0"])
async def test_webhook_is_validated_by_opening_the_validation_address(
    started, webhook, tls, schema
):
    webhook.agrees = False
    async with started(to_webhook(webhook, delivery_schema=schema)) as grid:
        await until(lambda: webhook.requests)
        _, headers, body = webhook.requests[0]
        address = body[0]["data"]["validationUrl"] if body else headers["WebHook-Request-Callback"]
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{address}x", ssl=tls.client_context) as wrong:
                assert wrong.status == 400
            async with session.get(address, ssl=tls.client_context) as right:
                assert right.status == 200
        await grid.publish("storage", [blob_created(1)])
        await until(webhook.notifications)


async def test_webhook_is_validated_once_across_restarts(started, webhook):
    for number in (1, 2):
        async with started(to_webhook(webhook)) as grid:
            await grid.publish("storage", [blob_created(number)])
            await until(lambda grid=grid: grid.waiting() == {})

    assert len(webhook.notifications()) == 2
    assert len(webhook.requests) == 3

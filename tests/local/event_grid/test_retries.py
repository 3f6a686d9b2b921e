"""Failed deliveries: retried on Azure's schedule, then dead-lettered."""

from __future__ import annotations

import asyncio
import itertools
import time
from datetime import UTC, datetime

import pytest
from aiohttp import web
from azure.storage.queue.aio import QueueClient
from grid_bench import (
    FAST,
    Webhook,
    blob_created,
    dead_letters,
    received,
    to_queue,
    to_webhook,
    until,
)

from local.azurite import create_resources
from local.serving.http_server import close_server

pytestmark = [pytest.mark.azurite, pytest.mark.anyio]


async def test_delivery_to_a_missing_queue_is_retried_until_it_exists(started, storage, name):
    missing = f"{name}-later"
    async with started(to_queue(missing), speed=FAST) as grid:
        await grid.publish("storage", [blob_created(1)])
        await until(lambda: grid.status()["to-queue"].failed >= 1)
        (owed,) = grid.deliveries()
        await create_resources(storage, queues=[missing])
        async with QueueClient.from_connection_string(storage, missing) as queue:
            (event,) = await received(queue, 1)

    assert event == blob_created(1)
    assert owed.outcome == "NotFound"


async def test_event_is_dead_lettered_as_on_azure_when_attempts_run_out(
    started, webhook, storage, name
):
    webhook.statuses = [500] * 3
    entry = to_webhook(webhook, retry={"max_attempts": 3}, dead_letter={"container": name})
    before = datetime.now(UTC)
    async with started(entry, speed=FAST) as grid:
        await grid.publish("storage", [blob_created(1)])
        ((path, letters),) = (await dead_letters(storage, name)).items()
        await until(lambda: grid.waiting() == {})
        status = grid.status()["to-hook"]

    hours = {
        f"{when:%Y}/{when.month}/{when.day}/{when.hour}" for when in (before, datetime.now(UTC))
    }
    subscription, _, rest = path.partition("/")
    assert subscription == "TO-HOOK"
    assert rest.rpartition("/")[0] in hours
    assert rest.endswith(".json")
    (letter,) = letters
    assert {key: letter[key] for key in blob_created(1)} == blob_created(1)
    assert letter["deadLetterReason"] == "MaxDeliveryAttemptsExceeded"
    assert letter["deliveryAttempts"] == 3
    assert letter["lastDeliveryOutcome"] == "InternalServerError"
    assert letter["publishTime"] <= letter["lastDeliveryAttemptTime"]
    assert (status.failed, status.dead_lettered, status.delivered) == (3, 1, 0)


async def test_dead_letter_of_a_cloud_event_has_lower_case_attributes(
    started, webhook, storage, name
):
    webhook.statuses = [400]
    entry = to_webhook(
        webhook, delivery_schema="CloudEventSchemaV1_0", dead_letter={"container": name}
    )
    async with started(entry) as grid:
        await grid.publish("storage", [blob_created(1)])
        ((_, (letter,)),) = (await dead_letters(storage, name)).items()

    assert letter["deadletterreason"] == "UndeliverableDueToError"
    assert letter["lastdeliveryoutcome"] == "BadRequest"
    assert letter["specversion"] == "1.0"


@pytest.mark.parametrize("status", [400, 401, 403, 413])
async def test_permanent_errors_are_not_retried(started, webhook, status):
    webhook.statuses = [status]
    async with started(to_webhook(webhook), speed=FAST) as grid:
        await grid.publish("storage", [blob_created(1)])
        await until(lambda: grid.status()["to-hook"].dropped == 1)

        assert grid.waiting() == {}
    assert len(webhook.notifications()) == 1


async def test_event_past_its_time_to_live_is_dead_lettered(started, webhook, storage, name):
    webhook.statuses = [500] * 30
    # One minute to live is 60 ms here, attempts come after 10, 30 and 60 ms.
    entry = to_webhook(webhook, retry={"ttl_minutes": 1}, dead_letter={"container": name})
    async with started(entry, speed=FAST) as grid:
        await grid.publish("storage", [blob_created(1)])
        ((_, (letter,)),) = (await dead_letters(storage, name)).items()

    assert letter["deadLetterReason"] == "TimeToLiveExceeded"
    assert letter["deliveryAttempts"] < 30


async def test_event_that_expires_while_the_stack_is_off_is_attempted_once_more(
    started, storage, name
):
    # given: one minute to live is a fifth of a second here, a retry comes after a second
    missing = f"{name}-later"
    entry = to_queue(missing, retry={"ttl_minutes": 1}, dead_letter={"container": name})
    async with started(entry, speed=300.0) as grid:
        await grid.publish("storage", [blob_created(1)])
        await until(lambda: grid.status()["to-queue"].failed)
    await asyncio.sleep(0.3)
    await create_resources(storage, queues=[missing])

    # when
    async with (
        started(entry, speed=300.0) as grid,
        QueueClient.from_connection_string(storage, missing) as queue,
    ):
        (event,) = await received(queue, 1)
        await until(lambda: grid.waiting() == {})
        status = grid.status()["to-queue"]

    # then
    assert event == blob_created(1)
    assert (status.delivered, status.dead_lettered) == (1, 0)


async def test_retries_follow_azures_schedule(started, webhook):
    webhook.statuses = [500] * 4
    speed = 100.0
    async with started(to_webhook(webhook), speed=speed) as grid:
        await grid.publish("storage", [blob_created(1)])
        times = []

        def delivered():
            seen = len(webhook.notifications())
            times.extend([time.monotonic()] * (seen - len(times)))
            return seen == 5

        await until(delivered)

    pauses = [later - sooner for sooner, later in itertools.pairwise(times)]
    for pause, azure in zip(pauses, [10, 30, 60, 300], strict=True):
        assert azure / speed * 0.8 < pause < azure / speed * 1.1 + 1.0
    counts = [headers["aeg-delivery-count"] for headers, _ in webhook.notifications()]
    assert counts == ["0", "1", "2", "3", "4"]


async def test_dead_letter_that_cannot_be_written_is_retried_without_another_delivery(
    started, webhook, storage, name
):
    webhook.statuses = [400]
    missing = f"{name}-later"
    entry = to_webhook(webhook, dead_letter={"container": missing})
    async with started(entry, speed=100.0) as grid:
        await grid.publish("storage", [blob_created(1)])
        await until(lambda: grid.status()["to-hook"].failed == 1)
        await until(lambda: [one.given_up for one in grid.deliveries()][-1:] != [""])
        await create_resources(storage, containers=[missing])

        ((_, (letter,)),) = (await dead_letters(storage, missing)).items()
    assert letter["deliveryAttempts"] == 1
    assert len(webhook.notifications()) == 1


async def test_slow_webhook_does_not_delay_other_subscriptions(started, queue, name, tls):
    release = asyncio.Event()

    async def slow(request):
        if request.headers["aeg-event-type"] == "SubscriptionValidation":
            (event,) = await request.json()
            return web.json_response({"validationResponse": event["data"]["validationCode"]})
        await release.wait()
        return web.Response()

    runner = web.ServerRunner(web.Server(slow, access_log=None), shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls.server_context).start()
    slow_hook = Webhook()
    slow_hook.url = f"https://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        async with started(to_webhook(slow_hook), to_queue(name)) as grid:
            await grid.publish("storage", [blob_created(number) for number in range(40)])
            assert len(await received(queue, 40)) == 40
            assert grid.waiting() == {"to-hook": 40}
            release.set()
            await until(lambda: grid.waiting() == {})
    finally:
        release.set()
        await close_server(runner)

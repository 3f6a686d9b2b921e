from __future__ import annotations

import asyncio
import base64
import itertools
import json
import signal
import sqlite3
import sys
import time
from collections import Counter
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from azure.core.credentials import AccessToken, AzureKeyCredential, AzureSasCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent, EventGridPublisherClient, generate_sas
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueClient

from local.azurite import create_resources
from local.errors import LocalStackError, StackFileError
from local.event_grid import EventGrid, Faults
from local.event_grid.journal import Journal, NewDelivery
from local.event_grid.models import SubscriptionEntry, TopicEntry
from local.serving.http_server import close_server
from local.supervision.processes import child_environment

pytestmark = [pytest.mark.azurite, pytest.mark.anyio]

DEAD_STORAGE = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=bm90IGEga2V5;"
    "BlobEndpoint=http://127.0.0.1:9/devstoreaccount1;"
    "QueueEndpoint=http://127.0.0.1:9/devstoreaccount1;"
)
ROOT = Path(__file__).resolve().parents[3]
FAST = 1000.0  # ten seconds of Azure's schedule in a hundredth of one
TOKEN = "Bearer token-of-this-stack"


def blob_created(number=0, **data):
    return {
        "id": f"event-{number}",
        "topic": "/subscriptions/0/storage",
        "subject": f"/blobServices/default/containers/landing/blobs/{number}.csv",
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": "2026-03-14T06:00:00.0000000Z",
        "data": {"api": "PutBlob", "number": number, **data},
        "dataVersion": "",
        "metadataVersion": "1",
    }


async def until(condition, *, seconds=20.0):
    """Wait for what background work is going to make true; the deadline is for failures only."""
    deadline = time.monotonic() + seconds
    while not (
        found := await condition() if asyncio.iscoroutinefunction(condition) else condition()
    ):
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.01)
    return found


@pytest.fixture(scope="module", autouse=True)
async def loop_that_outlives_connections():
    """One event loop for the module: closing TLS takes some turns of it, after the test's end."""
    yield
    await asyncio.sleep(0.2)


@pytest.fixture
async def storage(azurite, name):
    """A queue and a dead-letter container of the test's own name."""
    connection = azurite.connection_string()
    await create_resources(connection, containers=[name], queues=[name])
    return connection


@pytest.fixture
async def queue(storage, name):
    async with QueueClient.from_connection_string(storage, name) as client:
        yield client


@pytest.fixture
def started(tmp_path, tls, storage):
    @asynccontextmanager
    async def start(*subscriptions, topics=(), **options):
        grid = EventGrid(
            **{
                "state": tmp_path / "grid",
                "subscriptions": [SubscriptionEntry.model_validate(one) for one in subscriptions],
                "topics": [TopicEntry.model_validate(one) for one in topics],
                "storage_connection_string": storage,
                "tls": tls,
                "authorize": TOKEN.__eq__,
                **options,
            }
        )
        await grid.start()
        try:
            yield grid
        finally:
            await grid.stop()

    return start


async def received(queue, count):
    """The events in a queue, once there are `count` of them; none is left."""
    found = []

    async def all_there():
        messages = [message async for message in queue.receive_messages(messages_per_page=32)]
        await asyncio.gather(*(queue.delete_message(message) for message in messages))
        found.extend(json.loads(base64.b64decode(message.content)) for message in messages)
        return len(found) >= count

    await until(all_there)
    return found


async def dead_letters(storage, container, count=1):
    async with BlobServiceClient.from_connection_string(storage) as service:
        client = service.get_container_client(container)

        async def all_there():
            names = [blob.name async for blob in client.list_blobs()]
            return names if len(names) >= count else None

        names = await until(all_there)
        return {
            name: json.loads(await (await client.download_blob(name)).readall()) for name in names
        }


class Webhook:
    """Somebody's endpoint on a port of its own, which answers what the test tells it to."""

    def __init__(self):
        self.requests = []
        self.agrees = True
        self.statuses = []
        self.url = ""

    async def handle(self, request):
        body = await request.text()
        self.requests.append((request.method, dict(request.headers), body and json.loads(body)))
        if request.method == "OPTIONS":
            allowed = {"WebHook-Allowed-Origin": "eventgrid.azure.net"} if self.agrees else {}
            return web.Response(headers=allowed)
        if request.headers["aeg-event-type"] == "SubscriptionValidation":
            code = json.loads(body)[0]["data"]["validationCode"]
            return web.json_response({"validationResponse": code} if self.agrees else {})
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    def notifications(self):
        return [
            (headers, body)
            for _, headers, body in list(self.requests)
            if headers.get("aeg-event-type") == "Notification"
        ]


@pytest.fixture
async def webhook(tls):
    hook = Webhook()
    runner = web.ServerRunner(web.Server(hook.handle, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls.server_context).start()
    hook.url = f"https://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield hook
    await close_server(runner)


def to_queue(name, **fields):
    return {"name": "to-queue", "source": "storage", "destination": {"queue": name}, **fields}


def to_webhook(hook, **fields):
    return {"name": "to-hook", "source": "storage", "destination": {"webhook": hook.url}, **fields}


# --- queues


async def test_an_event_reaches_the_queue_as_one_base64_message(started, queue, name):
    async with started(to_queue(name)) as grid:
        await grid.publish("storage", [blob_created(1)])

        assert await received(queue, 1) == [blob_created(1)]
        await until(lambda: grid.waiting() == {})
        assert grid.status()["to-queue"].delivered == 1


async def test_each_subscription_gets_what_its_filter_lets_through(started, queue, name):
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


async def test_a_subscription_may_ask_for_cloud_events(started, queue, name):
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


async def test_two_hundred_events_at_once_all_arrive(started, queue, name):
    async with started(to_queue(name)) as grid:
        await asyncio.gather(
            *(grid.publish("storage", [blob_created(number)]) for number in range(200))
        )

        found = await received(queue, 200)
    assert sorted(event["data"]["number"] for event in found) == list(range(200))


async def test_an_event_too_large_for_a_queue_is_dead_lettered_at_once(started, storage, name):
    entry = to_queue(name, dead_letter={"container": name})
    async with started(entry) as grid:
        await grid.publish("storage", [blob_created(1, text="x" * 50_000)])

        ((_, (letter,)),) = (await dead_letters(storage, name)).items()
    assert letter["lastDeliveryOutcome"] == "PayloadTooLarge"
    assert letter["deliveryAttempts"] == 1


# --- durability


_ACCEPTS_AND_WAITS = """
import asyncio, json, sys
from pathlib import Path
from local.event_grid import EventGrid
from local.event_grid.models import SubscriptionEntry
from local.serving.tls import LocalTls

async def main(state, name, storage, events):
    grid = EventGrid(
        state=Path(state), topics=[], tls=LocalTls.create(Path(state) / "tls"),
        subscriptions=[SubscriptionEntry.model_validate(
            {"name": "to-queue", "source": "storage", "destination": {"queue": name}})],
        storage_connection_string=storage, authorize=bool, speed=1000.0)
    await grid.start()
    await grid.publish("storage", json.loads(events))
    print("accepted", flush=True)
    await asyncio.sleep(3600)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_what_was_accepted_survives_kill_9_before_its_delivery(
    started, queue, name, tmp_path
):
    events = [blob_created(number) for number in range(20)]
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _ACCEPTS_AND_WAITS, str(tmp_path / "grid"), name, DEAD_STORAGE),
        json.dumps(events),
        stdout=asyncio.subprocess.PIPE,
        env=child_environment({"PYTHONPATH": str(ROOT)}),
    )
    assert await child.stdout.readline() == b"accepted\n"
    child.send_signal(signal.SIGKILL)
    await child.wait()

    async with started(to_queue(name), speed=FAST) as grid:
        found = await received(queue, 20)
        await until(lambda: grid.waiting() == {})

    assert {event["id"] for event in found} == {event["id"] for event in events}


async def test_a_restart_takes_up_what_is_owed_and_drops_what_nobody_subscribes_to(
    started, queue, name
):
    async with started(
        to_queue(name),
        to_queue(name) | {"name": "given-up"},
        storage_connection_string=DEAD_STORAGE,
    ) as grid:
        await grid.publish("storage", [blob_created(1)])
        assert grid.waiting() == {"to-queue": 1, "given-up": 1}

    async with started(to_queue(name), speed=FAST) as grid:
        assert "given-up" not in grid.waiting()
        # The first attempt failed at real speed, so its retry is due in ten seconds.
        (owed,) = grid.deliveries() or [None]
        assert owed is None or owed.event["id"] == "event-1"
        assert [event["id"] for event in await received(queue, 1)] == ["event-1"]


async def test_the_journal_does_not_grow_for_ever(tmp_path):
    journal = Journal(tmp_path / "journal.sqlite")
    for round_ in range(100):
        events = [blob_created(round_, text="x" * 20_000) for _ in range(20)]
        journal.accept([NewDelivery("to-queue", event, 0.0) for event in events], now=0.0)
        for delivery in journal.due("to-queue", now=1.0, but=(), most=20):
            journal.end(delivery)

    assert journal.waiting() == {}
    # Forty megabytes went through.
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 10_000_000
    journal.close()


async def test_a_second_event_grid_on_the_same_state_is_refused(started, name):
    async with started(to_queue(name)):
        with pytest.raises(LocalStackError, match="another stack"):
            async with started(to_queue(name)):
                pass


async def test_a_damaged_journal_is_named_with_the_remedy(started, name, tmp_path):
    (tmp_path / "grid").mkdir()
    (tmp_path / "grid" / "event-grid.sqlite").write_bytes(b"not a database" * 100)

    with pytest.raises(LocalStackError, match=r"event-grid\.sqlite is damaged.*Delete"):
        async with started(to_queue(name)):
            pass


async def test_damage_inside_the_journal_is_found_at_the_start_and_not_when_it_is_read(
    started, name, tmp_path
):
    # given: pages beyond the first
    file = tmp_path / "grid" / "event-grid.sqlite"
    journal = Journal(file)
    events = [blob_created(number, text="x" * 3000) for number in range(200)]
    journal.accept([NewDelivery("to-queue", event, 0.0) for event in events], now=0.0)
    journal.close()
    content = bytearray(file.read_bytes())
    for place in range(len(content) // 4, len(content) // 2, 7):
        content[place] ^= 0x55
    file.write_bytes(content)

    # when, then
    with pytest.raises(LocalStackError, match=r"event-grid\.sqlite is damaged"):
        async with started(to_queue(name)):
            pass


async def test_a_journal_that_cannot_be_written_does_not_flood_the_destination(
    started, webhook, monkeypatch
):
    # given: as with a full disk, nothing that is delivered can be struck off
    def full(*_, **__):
        raise sqlite3.OperationalError("database or disk is full")

    async with started(to_webhook(webhook)) as grid:
        await until(lambda: grid.status()["to-hook"].ready)
        with monkeypatch.context() as disk:
            disk.setattr(Journal, "end", full)
            disk.setattr(Journal, "retry", full)
            await grid.publish("storage", [blob_created()])
            await until(webhook.notifications)

            # when
            await asyncio.sleep(0.5)
            while_full = len(webhook.notifications())

        # then: one attempt, and the event is owed, not lost
        assert while_full == 1
        assert grid.waiting() == {"to-hook": 1}


# --- retries and dead letters


async def test_a_dead_queue_is_tried_again_until_it_is_there(started, storage, name):
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


async def test_when_attempts_run_out_the_event_ends_as_azures_dead_letter(
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


async def test_a_cloud_event_is_dead_lettered_with_names_in_lower_case(
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
async def test_errors_that_no_retry_mends_are_not_retried(started, webhook, status):
    webhook.statuses = [status]
    async with started(to_webhook(webhook), speed=FAST) as grid:
        await grid.publish("storage", [blob_created(1)])
        await until(lambda: grid.status()["to-hook"].dropped == 1)

        assert grid.waiting() == {}
    assert len(webhook.notifications()) == 1


async def test_an_event_past_its_time_to_live_is_not_attempted_again(
    started, webhook, storage, name
):
    webhook.statuses = [500] * 30
    # One minute to live is 60 ms here, attempts come after 10, 30 and 60 ms.
    entry = to_webhook(webhook, retry={"ttl_minutes": 1}, dead_letter={"container": name})
    async with started(entry, speed=FAST) as grid:
        await grid.publish("storage", [blob_created(1)])
        ((_, (letter,)),) = (await dead_letters(storage, name)).items()

    assert letter["deadLetterReason"] == "TimeToLiveExceeded"
    assert letter["deliveryAttempts"] < 30


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


async def test_a_dead_letter_that_cannot_be_written_is_kept_without_a_further_attempt(
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


async def test_a_slow_webhook_keeps_nobody_elses_events_waiting(started, queue, name, tls):
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


# --- webhooks


async def test_a_webhook_gets_an_array_of_one_event_after_it_has_agreed(started, webhook):
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


async def test_a_cloud_events_webhook_allows_our_origin_and_gets_one_event(started, webhook):
    async with started(to_webhook(webhook, delivery_schema="CloudEventSchemaV1_0")) as grid:
        await grid.publish("storage", [blob_created(1)])
        await until(webhook.notifications)

    permission, notification = webhook.requests
    assert permission[0] == "OPTIONS"
    assert permission[1]["WebHook-Request-Origin"] == "eventgrid.azure.net"
    assert notification[1]["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert notification[2]["id"] == "event-1"
    assert notification[2]["specversion"] == "1.0"


async def test_events_wait_without_an_attempt_until_the_webhook_agrees(started, webhook):
    webhook.agrees = False
    async with started(to_webhook(webhook), speed=FAST) as grid:
        await grid.publish("storage", [blob_created(1)])
        await until(lambda: len(webhook.requests) >= 3)
        status = grid.status()["to-hook"]
        webhook.agrees = True
        await until(webhook.notifications)

    assert (status.ready, status.waiting, status.failed) == (False, 1, 0)


@pytest.mark.parametrize("schema", ["EventGridSchema", "CloudEventSchemaV1_0"])
async def test_a_person_may_agree_by_opening_the_address_in_the_request(
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


async def test_a_webhook_agrees_once_and_not_after_every_restart(started, webhook):
    for number in (1, 2):
        async with started(to_webhook(webhook)) as grid:
            await grid.publish("storage", [blob_created(number)])
            await until(lambda grid=grid: grid.waiting() == {})

    assert len(webhook.notifications()) == 2
    assert len(webhook.requests) == 3


# --- custom topics


class StackToken:
    def get_token(self, *_, **__):
        return AccessToken(TOKEN.removeprefix("Bearer "), int(time.time()) + 3600)


def custom(schema="EventGridSchema"):
    return [{"name": "drift", "schema": schema}]


def from_topic(name, **fields):
    return to_queue(name, source="drift", **fields)


@pytest.fixture
def send(tls, monkeypatch):
    """Publish with the real client, which trusts the stack as every program does it starts."""
    for variable, value in tls.environ().items():
        monkeypatch.setenv(variable, value)

    def blocking(endpoint, credential, events):
        with EventGridPublisherClient(endpoint, credential, retry_total=0) as client:
            client.send(events)

    return partial(asyncio.to_thread, blocking)


async def test_the_real_client_publishes_in_event_grids_schema_with_a_bearer_token(
    started, queue, name, send
):
    async with started(from_topic(name), topics=custom()) as grid:
        event = EventGridEvent(
            subject="models/iris", event_type="Drift", data={"sd": 0.3}, data_version="1.0"
        )
        await send(grid.topic_endpoint("drift"), StackToken(), [event])

        (found,) = await received(queue, 1)
    assert found["id"] == str(event.id)
    assert found["subject"] == "models/iris"
    assert found["data"] == {"sd": 0.3}
    assert found["dataVersion"] == "1.0"
    assert found["topic"].endswith("/providers/Microsoft.EventGrid/topics/drift")
    assert found["metadataVersion"] == "1"


async def test_the_real_client_publishes_cloud_events_with_the_topics_key(
    started, queue, name, send
):
    topics = custom("CloudEventSchemaV1_0")
    async with started(from_topic(name), topics=topics) as grid:
        events = [
            CloudEvent(source="/us", type="Drift", data={"n": n}, extensions={"cycle": "a"})
            for n in range(3)
        ]
        key = AzureKeyCredential(grid.topic_key("drift"))
        await send(grid.topic_endpoint("drift"), key, events)

        found = await received(queue, 3)
    assert {event["id"] for event in found} == {event.id for event in events}
    assert {event["specversion"] for event in found} == {"1.0"}
    assert {event["cycle"] for event in found} == {"a"}


async def test_a_signature_made_from_the_key_opens_the_topic_until_it_expires(
    started, queue, name, send
):
    async with started(from_topic(name), topics=custom()) as grid:
        endpoint, key = grid.topic_endpoint("drift"), grid.topic_key("drift")
        event = EventGridEvent("s", "Drift", {}, "1.0")

        def signed(until):
            return AzureSasCredential(generate_sas(endpoint, key, until))

        await send(endpoint, signed(datetime.now(UTC) + timedelta(hours=1)), [event])
        with pytest.raises(ClientAuthenticationError):
            await send(endpoint, signed(datetime.now(UTC) - timedelta(hours=1)), [event])

        assert len(await received(queue, 1)) == 1


async def test_a_topics_key_stays_the_same_over_a_restart(started):
    keys = []
    for _ in range(2):
        async with started(topics=custom()) as grid:
            keys.append(grid.topic_key("drift"))

    assert keys[0] == keys[1]


async def test_without_a_right_credential_nothing_is_accepted(started, name, tls, send):
    async with started(from_topic(name), topics=custom()) as grid:
        endpoint = grid.topic_endpoint("drift")
        event = EventGridEvent("s", "Drift", {}, "1.0")
        with pytest.raises(ClientAuthenticationError):
            await send(endpoint, AzureKeyCredential("wrong"), [event])
        async with (
            aiohttp.ClientSession() as session,
            session.post(endpoint, json=[], ssl=tls.client_context) as answer,
        ):
            assert answer.status == 401

        assert grid.waiting() == {}


@pytest.mark.parametrize(
    ("schema", "posted", "said"),
    [
        ("EventGridSchema", ("application/json", b"{"), "not JSON"),
        ("EventGridSchema", ("application/json", b"{}"), "not an array"),
        ("EventGridSchema", ("application/json", b'[{"id": "1"}]'), "'subject' is missing"),
        ("EventGridSchema", ("application/json", b"[1]"), "an event is a JSON object"),
        ("EventGridSchema", ("application/json", b'[{"data": NaN}]'), "NaN is no JSON value"),
        ("EventGridSchema", ("application/json", b'[{"id": "\\ud800"}]'), "surrogates not allowed"),
        ("EventGridSchema", ("application/json", b"[" * 100_000), "not JSON"),
        ("CloudEventSchemaV1_0", ("application/json", b"[]"), "content type application/json"),
        (
            "CloudEventSchemaV1_0",
            (
                "application/cloudevents+json",
                b'{"id":"1","source":"/s","type":"t","specversion":"0.3"}',
            ),
            "specversion '0.3' is not 1.0",
        ),
        (
            "CloudEventSchemaV1_0",
            (
                "application/cloudevents+json",
                b'{"id":"1","source":"/s","type":"t","specversion":"1.0","Bad_Name":1}',
            ),
            "attribute 'Bad_Name'",
        ),
    ],
)
async def test_what_is_wrong_with_a_published_event_is_said(started, tls, schema, posted, said):
    content_type, body = posted
    async with started(topics=custom(schema)) as grid:
        headers = {"Content-Type": content_type, "aeg-sas-key": grid.topic_key("drift")}
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                grid.topic_endpoint("drift"), data=body, headers=headers, ssl=tls.client_context
            ) as answer,
        ):
            document = await answer.json()

    assert answer.status == 400
    assert said in document["error"]["message"]


async def test_a_publisher_that_never_ends_its_request_does_not_hold_up_the_stop(started, tls):
    async with started(topics=custom()) as grid:
        port = int(grid.topic_endpoint("drift").split(":")[2].partition("/")[0])
        _, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=tls.client_context, server_hostname="127.0.0.1"
        )
        key = grid.topic_key("drift").encode()
        writer.write(
            b"POST /topics/drift/api/events HTTP/1.1\r\nHost: x\r\naeg-sas-key: %b\r\n"
            b"Content-Length: 100\r\n\r\n[" % key
        )
        await writer.drain()
        began = time.monotonic()

    assert time.monotonic() - began < 20
    writer.close()


async def test_a_key_that_is_no_text_is_refused_in_words(started, tls):
    async with started(topics=custom()) as grid:
        port = int(grid.topic_endpoint("drift").split(":")[2].partition("/")[0])
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=tls.client_context, server_hostname="127.0.0.1"
        )
        writer.write(
            b"POST /topics/drift/api/events HTTP/1.1\r\nHost: x\r\naeg-sas-key: \xff\r\n"
            b"Content-Length: 2\r\nConnection: close\r\n\r\n[]"
        )
        answer = await reader.read()
        writer.close()

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"a header is not UTF-8" in answer


async def test_a_cloud_event_in_headers_is_accepted(started, queue, name, tls):
    async with started(from_topic(name), topics=custom("CloudEventSchemaV1_0")) as grid:
        headers = {
            "Content-Type": "application/json",
            "aeg-sas-key": grid.topic_key("drift"),
            "ce-id": "1",
            "ce-source": "/s",
            "ce-type": "Drift",
            "ce-specversion": "1.0",
        }
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                grid.topic_endpoint("drift"), json={"a": 1}, headers=headers, ssl=tls.client_context
            ) as answer,
        ):
            assert answer.status == 200

        (found,) = await received(queue, 1)
    assert (found["id"], found["type"], found["data"]) == ("1", "Drift", {"a": 1})


async def test_more_than_a_megabyte_is_refused(started, send):
    async with started(topics=custom()) as grid:
        event = EventGridEvent("s", "Drift", {"text": "x" * 1024 * 1024}, "1.0")
        key = AzureKeyCredential(grid.topic_key("drift"))

        with pytest.raises(HttpResponseError) as refusal:
            await send(grid.topic_endpoint("drift"), key, [event])

    assert refusal.value.status_code == 413


async def test_subscriptions_that_azure_refuses_are_refused_all_at_once(started, name):
    wrong = {"advanced": [{"operator": "StringMatches", "key": "a", "values": ["x"]}]}

    with pytest.raises(StackFileError) as refusal:
        async with started(
            to_queue(name, filter=wrong),
            from_topic(name, delivery_schema="EventGridSchema") | {"name": "other"},
            topics=custom("CloudEventSchemaV1_0"),
        ):
            pass

    assert str(refusal.value).splitlines() == [
        "subscription to-queue: StringMatches on a: Event Grid has no such operator",
        "subscription other: a topic of CloudEvents cannot deliver EventGridSchema",
    ]


async def test_a_source_that_does_not_exist_is_named(started, name):
    async with started(to_queue(name)) as grid:
        with pytest.raises(LocalStackError, match="no source moon"):
            await grid.publish("moon", [blob_created(1)])


# --- faults on purpose


async def test_duplicates_delays_and_losses_come_from_the_seed(started, queue, name, tmp_path):
    runs = []
    for run in range(2):
        faults = Faults(duplicates=2, longest_delay_seconds=0.3, lost_ratio=0.3, seed=7)
        async with started(to_queue(name), faults=faults, state=tmp_path / str(run)) as grid:
            await grid.publish("storage", [blob_created(number) for number in range(30)])
            owed = sum(grid.waiting().values())
            await until(lambda: grid.waiting() == {})
            runs.append(await received(queue, 1))
            assert len(runs[-1]) == grid.status()["to-queue"].delivered
            assert owed <= 90

    counts = [Counter(event["data"]["number"] for event in run) for run in runs]
    assert counts[0] == counts[1]
    assert max(counts[0].values()) == 3
    assert 30 < counts[0].total() < 90
    order = [event["data"]["number"] for event in runs[0]]
    assert order != sorted(order)

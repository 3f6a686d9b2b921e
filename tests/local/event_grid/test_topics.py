"""Custom topics, published to with the unmodified client."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from azure.core.credentials import AzureKeyCredential, AzureSasCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent, generate_sas
from grid_bench import StackToken, blob_created, custom, from_topic, received, to_queue

from local.errors import LocalStackError, StackFileError

pytestmark = [pytest.mark.azurite, pytest.mark.anyio]


async def test_client_publishes_event_grid_events_with_a_bearer_token(started, queue, name, send):
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


async def test_client_publishes_cloud_events_with_the_topic_key(started, queue, name, send):
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


async def test_sas_allows_publishing_until_it_expires(started, queue, name, send):
    async with started(from_topic(name), topics=custom()) as grid:
        endpoint, key = grid.topic_endpoint("drift"), grid.topic_key("drift")
        event = EventGridEvent("s", "Drift", {}, "1.0")

        def signed(until):
            return AzureSasCredential(generate_sas(endpoint, key, until))

        await send(endpoint, signed(datetime.now(UTC) + timedelta(hours=1)), [event])
        with pytest.raises(ClientAuthenticationError):
            await send(endpoint, signed(datetime.now(UTC) - timedelta(hours=1)), [event])

        assert len(await received(queue, 1)) == 1


async def test_topic_key_survives_a_restart(started):
    keys = []
    for _ in range(2):
        async with started(topics=custom()) as grid:
            keys.append(grid.topic_key("drift"))

    assert keys[0] == keys[1]


async def test_event_without_a_valid_credential_is_refused(started, name, tls, send):
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
        ("EventGridSchema", ("application/json", b'[{"data": NaN}]'), "NaN is not a JSON value"),
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
async def test_invalid_event_is_refused_with_the_reason(started, tls, schema, posted, said):
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


async def test_unfinished_request_does_not_delay_the_stop(started, tls):
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


async def test_key_that_is_not_utf8_is_400(started, tls):
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


async def test_cloud_event_in_binary_mode_is_accepted(started, queue, name, tls):
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


async def test_request_over_a_megabyte_is_413(started, send):
    async with started(topics=custom()) as grid:
        event = EventGridEvent("s", "Drift", {"text": "x" * 1024 * 1024}, "1.0")
        key = AzureKeyCredential(grid.topic_key("drift"))

        with pytest.raises(HttpResponseError) as refusal:
            await send(grid.topic_endpoint("drift"), key, [event])

    assert refusal.value.status_code == 413


async def test_subscriptions_that_azure_refuses_are_all_listed(started, name):
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


async def test_unknown_source_is_named(started, name):
    async with started(to_queue(name)) as grid:
        with pytest.raises(LocalStackError, match="no source moon"):
            await grid.publish("moon", [blob_created(1)])

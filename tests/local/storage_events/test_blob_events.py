"""Which writes cause which events."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.core.utils import CaseInsensitiveDict
from azure.storage.blob import (
    BlobBlock,
    BlobSasPermissions,
    ContentSettings,
    generate_blob_sas,
)
from azure.storage.blob.aio import BlobClient

from local.azurite import ACCOUNT_KEY, ACCOUNT_NAME
from local.errors import LocalStackError

pytestmark = [pytest.mark.azurite, pytest.mark.anyio]

SUBJECT = "/blobServices/default/containers/{}/blobs/{}"
SPEC = (
    Path(__file__).resolve().parents[4]
    / "shared/azure-specs/eventgrid/data-plane/Microsoft.Storage/stable/2018-01-01/Storage.json"
)


async def test_each_way_of_writing_a_blob_causes_one_event_with_azures_api_name(
    container, name, published
):
    await container.upload_blob("one.csv", b"a,b\n1,2\n")
    blocks = container.get_blob_client("two.csv")
    for block in ("AA==", "AQ=="):
        await blocks.stage_block(block, b"12345")
    await blocks.commit_block_list([BlobBlock("AA=="), BlobBlock("AQ==")])
    copy = container.get_blob_client("three.csv")
    await copy.start_copy_from_url(blocks.url)
    await container.delete_blob("one.csv")

    assert published.told() == [
        ("BlobCreated", "PutBlob", SUBJECT.format(name, "one.csv")),
        ("BlobCreated", "PutBlockList", SUBJECT.format(name, "two.csv")),
        ("BlobCreated", "CopyBlob", SUBJECT.format(name, "three.csv")),
        ("BlobDeleted", "DeleteBlob", SUBJECT.format(name, "one.csv")),
    ]
    lengths = [event["data"].get("contentLength") for event in published.events]
    assert lengths == [8, 10, 10, None]


async def test_write_that_does_not_change_the_content_causes_no_event(container, proxy, published):
    blob = await container.upload_blob("a.csv", b"x")
    published.events.clear()

    await blob.set_blob_metadata({"checked": "yes"})
    await blob.set_http_headers(ContentSettings(content_type="text/csv"))
    lease = await blob.acquire_lease()
    await lease.release()
    await blob.set_blob_tags({"checked": "yes"})
    await blob.set_standard_blob_tier("Cool")
    await (await blob.download_blob()).readall()
    await blob.create_snapshot()
    await blob.delete_blob(delete_snapshots="only")
    await proxy.scan()

    assert published.events == []


async def test_event_holds_the_etag_and_request_ids_of_the_write(
    container, name, published, proxy, topic
):
    told = CaseInsensitiveDict()

    await container.get_blob_client("rows.csv").upload_blob(
        b"a,b\n",
        content_settings=ContentSettings(content_type="text/csv"),
        client_request_id="request-of-mine",
        raw_response_hook=lambda response: told.update(response.http_response.headers),
    )

    (event,) = published.events
    data = event["data"]
    assert event["topic"] == topic
    assert event["dataVersion"] == ""
    assert event["metadataVersion"] == "1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", event["eventTime"])
    assert data["eTag"] == told["ETag"].strip('"')
    assert data["requestId"] == told["x-ms-request-id"]
    assert data["clientRequestId"] == "request-of-mine"
    assert data["contentType"] == "text/csv"
    assert data["contentLength"] == 4
    assert data["blobType"] == "BlockBlob"
    assert data["url"] == f"{proxy.blob_endpoint}/{name}/rows.csv"


async def test_answer_to_a_write_names_its_event_and_subscriptions(container, published):
    told = CaseInsensitiveDict()
    published.subscriptions = ["one", "two"]

    blob = container.get_blob_client("rows.csv")
    await blob.upload_blob(
        b"a,b\n", raw_response_hook=lambda response: told.update(response.http_response.headers)
    )

    (event,) = published.events
    assert told["x-local-event-id"] == event["id"]
    assert told["x-local-event-subscriptions"] == "one,two"


async def test_answer_to_a_write_shows_that_no_subscription_matches(container, published):
    told = CaseInsensitiveDict()
    published.subscriptions = []

    await container.get_blob_client("rows.csv").upload_blob(
        b"a,b\n", raw_response_hook=lambda response: told.update(response.http_response.headers)
    )

    assert told["x-local-event-subscriptions"] == ""


async def test_events_fit_azures_published_schema(container, published):
    if not SPEC.exists():
        pytest.skip(f"the published schema is not at {SPEC}")
    definitions = json.loads(SPEC.read_text(encoding="utf-8"))["definitions"]

    await container.upload_blob("a.csv", b"x")
    await container.delete_blob("a.csv")

    kinds = {"string": str, "integer": int, "object": dict}
    for event, definition in zip(
        published.events,
        ["StorageBlobCreatedEventData", "StorageBlobDeletedEventData"],
        strict=True,
    ):
        properties = definitions[definition]["properties"]
        optional = {"identity", "contentOffset"}
        assert set(properties) - optional <= set(event["data"]) <= set(properties)
        for key, value in event["data"].items():
            assert isinstance(value, kinds[properties[key]["type"]]), key


@pytest.mark.parametrize(
    "blob_name",
    [
        "Grüße/日本 1.csv",
        "a b+c&d=e;f,g%20h.csv",
        "deep/er//x.csv",
        "quote'\"(1).csv",
        "~tilde#?.csv",
    ],
)
async def test_any_blob_name_can_be_signed_and_is_decoded_in_the_subject(
    container, name, published, blob_name
):
    blob = await container.upload_blob(blob_name, b"content")

    assert await (await blob.download_blob()).readall() == b"content"
    (event,) = published.events
    assert event["subject"] == SUBJECT.format(name, blob_name)
    # And the url leads back to the blob.
    async with BlobClient.from_blob_url(event["data"]["url"], credential=ACCOUNT_KEY) as found:
        assert found.blob_name == blob_name
        assert await (await found.download_blob()).readall() == b"content"


async def test_sas_for_azurite_works_through_the_proxy(proxy, container, name, published):
    assert container.container_name == name
    token = generate_blob_sas(
        ACCOUNT_NAME,
        name,
        "sas.csv",
        account_key=ACCOUNT_KEY,
        permission=BlobSasPermissions(read=True, create=True, write=True),
        expiry=datetime.now(UTC) + timedelta(minutes=5),
    )

    url = f"{proxy.blob_endpoint}/{name}/sas.csv?{token}"
    async with BlobClient.from_blob_url(url) as blob:
        await blob.upload_blob(b"signed", overwrite=True)
        assert await (await blob.download_blob()).readall() == b"signed"

    assert [what for what, _, _ in published.told()] == ["BlobCreated"]


async def test_refused_write_causes_no_event(container, proxy, published):
    with pytest.raises(ResourceNotFoundError, match="BlobNotFound"):
        await container.delete_blob("never-there.csv")
    async with (
        aiohttp.ClientSession() as session,
        session.put(f"{proxy.blob_endpoint}/{container.container_name}/x", data=b"x") as answer,
    ):
        assert answer.status == 400

    assert published.events == []


async def test_write_whose_event_cannot_be_stored_is_500_and_can_be_repeated(container, published):
    published.refuse_with = LocalStackError("disk full")

    with pytest.raises(HttpResponseError) as refusal:
        await container.upload_blob("a.csv", b"x", overwrite=True, retry_total=0)
    published.refuse_with = None
    await container.upload_blob("a.csv", b"x", overwrite=True)

    assert refusal.value.status_code == 500
    assert [what for what, _, _ in published.told()] == ["BlobCreated"]

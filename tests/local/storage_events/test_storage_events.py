from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import psutil
import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.core.utils import CaseInsensitiveDict
from azure.storage.blob import (
    BlobBlock,
    BlobSasPermissions,
    BlobServiceClient,
    ContainerSasPermissions,
    ContentSettings,
    generate_blob_sas,
    generate_container_sas,
)
from azure.storage.blob.aio import BlobClient
from azure.storage.blob.aio import BlobServiceClient as AsyncBlobServiceClient

from local.azurite import ACCOUNT_KEY, ACCOUNT_NAME, Azurite
from local.errors import LocalStackError
from local.storage_events import StorageEventsProxy
from local.supervision.processes import child_environment

pytestmark = [pytest.mark.azurite, pytest.mark.anyio]

SUBJECT = "/blobServices/default/containers/{}/blobs/{}"
SPEC = (
    Path(__file__).resolve().parents[4]
    / "shared/azure-specs/eventgrid/data-plane/Microsoft.Storage/stable/2018-01-01/Storage.json"
)


@pytest.fixture
async def container(connection, name):
    """A container seen through the proxy by the real client."""
    async with AsyncBlobServiceClient.from_connection_string(connection) as service:
        yield await service.create_container(name)


@pytest.fixture
async def behind(azurite, name, container):  # noqa: ARG001  # the container has to be there
    """The same container, past the proxy."""
    async with AsyncBlobServiceClient.from_connection_string(azurite.connection_string()) as past:
        yield past.get_container_client(name)


async def test_each_way_of_writing_a_blob_is_one_event_with_azures_name_for_it(
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


async def test_what_leaves_the_content_alone_is_no_event_then_or_at_the_next_scan(
    container, proxy, published
):
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


async def test_the_event_says_what_the_client_was_told(container, name, published, proxy, topic):
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


async def test_writer_is_told_which_event_it_caused_and_who_takes_it(container, published):
    told = CaseInsensitiveDict()
    published.subscriptions = ["one", "two"]

    blob = container.get_blob_client("rows.csv")
    await blob.upload_blob(
        b"a,b\n", raw_response_hook=lambda response: told.update(response.http_response.headers)
    )

    (event,) = published.events
    assert told["x-local-event-id"] == event["id"]
    assert told["x-local-event-subscriptions"] == "one,two"


async def test_writer_is_told_when_nobody_takes_the_event(container, published):
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
async def test_any_name_passes_signing_and_is_decoded_in_the_subject(
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


async def test_a_shared_access_signature_made_for_azurite_works_through_the_proxy(
    proxy, container, name, published
):
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


async def test_a_refused_write_is_no_event_and_the_refusal_arrives(container, proxy, published):
    with pytest.raises(ResourceNotFoundError, match="BlobNotFound"):
        await container.delete_blob("never-there.csv")
    async with (
        aiohttp.ClientSession() as session,
        session.put(f"{proxy.blob_endpoint}/{container.container_name}/x", data=b"x") as answer,
    ):
        assert answer.status == 400

    assert published.events == []


async def test_without_a_durable_event_the_client_is_told_to_repeat_and_repeating_is_enough(
    container, published
):
    published.refuse_with = LocalStackError("disk full")

    with pytest.raises(HttpResponseError) as refusal:
        await container.upload_blob("a.csv", b"x", overwrite=True, retry_total=0)
    published.refuse_with = None
    await container.upload_blob("a.csv", b"x", overwrite=True)

    assert refusal.value.status_code == 500
    assert [what for what, _, _ in published.told()] == ["BlobCreated"]


async def test_an_event_that_nobody_repeats_is_found_by_the_scan(container, proxy, published):
    published.refuse_with = LocalStackError("disk full")
    with pytest.raises(HttpResponseError):
        await container.upload_blob("a.csv", b"x", overwrite=True, retry_total=0)
    published.refuse_with = None

    await proxy.scan()
    await proxy.scan()

    assert [what for what, _, _ in published.told()] == ["BlobCreated"]


async def test_azurite_that_is_away_is_a_busy_server_to_the_client_and_a_line_in_the_log(
    azurite_program, tmp_path, published, topic, caplog
):
    own = Azurite(program=azurite_program, data=tmp_path / "data", log=tmp_path / "azurite.log")
    await own.start()
    proxy = StorageEventsProxy(
        upstream=f"http://127.0.0.1:{own.blob_port}",
        publish=published,
        topic=topic,
        state=tmp_path / "proxy",
        scan_seconds=0.05,
    )
    try:
        await proxy.start()
        await own.stop()
        async with asyncio.timeout(20):
            while not caplog.records:  # noqa: ASYNC110 - a log has no event to wait for
                await asyncio.sleep(0.01)
        line = caplog.records[0]
        assert line.getMessage().startswith("the scan for bypassing writes failed and is tried")
        assert line.exc_info is None
        async with aiohttp.ClientSession() as session:
            address = f"{proxy.blob_endpoint}/c/b"
            async with session.put(address, data=b"x") as answer:
                assert answer.status == 503
                assert answer.headers["x-ms-error-code"] == "ServerBusy"
    finally:
        await proxy.stop()
        await own.stop()


async def test_clients_are_told_to_come_again_while_it_is_held(container, proxy, published):
    blob = container.get_blob_client("a.csv")

    proxy.held = True
    with pytest.raises(HttpResponseError) as refused:
        await blob.upload_blob(b"1", retry_total=0)
    proxy.held = False
    await blob.upload_blob(b"1")

    assert refused.value.status_code == 503
    assert refused.value.error_code == "ServerBusy"
    assert [what for what, _, _ in published.told()] == ["BlobCreated"]


async def test_nothing_is_scanned_while_it_is_held(behind, started_proxy, published, tmp_path):
    async with started_proxy(state=tmp_path / "another", scan_seconds=0.02) as proxy:
        published.events.clear()
        proxy.held = True
        await behind.upload_blob("new.csv", b"22")
        await asyncio.sleep(0.5)  # some twenty scans
        held_back = list(published.told())

        proxy.held = False
        async with asyncio.timeout(20):
            while not published.events:  # noqa: ASYNC110 - what publishes has no event to wait for
                await asyncio.sleep(0.01)

    assert held_back == []
    assert [what for what, _, _ in published.told()] == ["BlobCreated"]


async def test_writes_and_deletions_behind_the_proxys_back_are_found_once(
    container, behind, name, proxy, published
):
    await container.upload_blob("kept.csv", b"1")
    await container.upload_blob("replaced.csv", b"1")
    await container.upload_blob("removed.csv", b"1")
    published.events.clear()

    await behind.upload_blob("new.csv", b"22")
    await behind.upload_blob("replaced.csv", b"333", overwrite=True)
    await behind.delete_blob("removed.csv")
    await proxy.scan()
    await proxy.scan()

    assert sorted(published.told()) == [
        ("BlobCreated", "PutBlob", SUBJECT.format(name, "new.csv")),
        ("BlobCreated", "PutBlob", SUBJECT.format(name, "replaced.csv")),
        ("BlobDeleted", "DeleteBlob", SUBJECT.format(name, "removed.csv")),
    ]


async def test_a_blob_made_behind_the_back_and_then_touched_through_the_proxy_is_still_found(
    container, behind, proxy, published
):
    await behind.upload_blob("new.csv", b"1")
    await container.get_blob_client("new.csv").set_blob_metadata({"a": "b"})

    await proxy.scan()

    assert [what for what, _, _ in published.told()] == ["BlobCreated"]


async def test_a_batch_of_deletions_is_one_event_a_blob_before_the_answer(
    container, name, published
):
    for blob in ("a.csv", "b.csv"):
        await container.upload_blob(blob, b"1")
    published.events.clear()

    await container.delete_blobs("a.csv", "b.csv")

    assert sorted(published.told()) == [
        ("BlobDeleted", "DeleteBlob", SUBJECT.format(name, "a.csv")),
        ("BlobDeleted", "DeleteBlob", SUBJECT.format(name, "b.csv")),
    ]


async def test_a_deleted_container_takes_its_blobs_along_without_events(
    container, proxy, published
):
    await container.upload_blob("a.csv", b"1")
    published.events.clear()

    await container.delete_container()
    await proxy.scan()

    assert published.events == []


async def test_a_container_that_is_deleted_while_it_is_looked_through_gives_no_events(
    container, behind, proxy, published
):
    await container.upload_blob("a.csv", b"x")
    published.events.clear()
    await behind.delete_container()

    await proxy.scan(container.container_name)
    await proxy.scan()

    assert published.events == []


async def test_a_restart_neither_forgets_nor_repeats_and_the_order_goes_on(
    azurite, started_proxy, published, name
):
    with BlobServiceClient.from_connection_string(azurite.connection_string()) as past:
        past.create_container(name)
    async with started_proxy() as first:
        published.events.clear()
        through = azurite.connection_string(blob_endpoint=first.blob_endpoint)
        with BlobServiceClient.from_connection_string(through) as service:
            await asyncio.to_thread(service.get_blob_client(name, "a.csv").upload_blob, b"1")
    with BlobServiceClient.from_connection_string(azurite.connection_string()) as past:
        past.get_blob_client(name, "while-away.csv").upload_blob(b"1")
    async with started_proxy():
        pass
    async with started_proxy():
        pass

    ours = [event for event in published.events if f"/{name}/" in event["subject"]]
    assert [event["subject"].rpartition("/")[2] for event in ours] == ["a.csv", "while-away.csv"]
    assert ours[0]["data"]["sequencer"] < ours[1]["data"]["sequencer"]


async def test_of_writers_at_the_same_name_the_one_that_stayed_has_the_highest_sequencer(
    container, published
):
    blob = container.get_blob_client("contested.csv")

    for _ in range(5):
        await asyncio.gather(
            *(blob.upload_blob(str(n).encode() * 500, overwrite=True) for n in range(8))
        )
        stayed = (await blob.get_blob_properties()).etag.strip('"')

        last = max(published.events, key=lambda event: event["data"]["sequencer"])
        assert last["data"]["eTag"] == stayed
    sequencers = [event["data"]["sequencer"] for event in published.events]
    assert len(set(sequencers)) == len(sequencers)
    assert len({len(sequencer) for sequencer in sequencers}) == 1


async def test_two_hundred_small_uploads_at_once_are_two_hundred_events(container, published):
    limit = asyncio.Semaphore(16)

    async def upload(number):
        async with limit:
            await container.upload_blob(f"many/{number}.csv", b"a\n%d\n" % number)

    await asyncio.gather(*(upload(number) for number in range(200)))

    assert len({event["subject"] for event in published.events}) == 200
    assert len(published.events) == 200


async def test_writes_during_a_scan_are_neither_doubled_nor_undone(container, proxy, published):
    async def keep_scanning():
        while True:
            await proxy.scan(container.container_name)
            await asyncio.sleep(0)

    scanning = asyncio.create_task(keep_scanning())
    for number in range(60):
        await container.upload_blob(f"{number % 20}.csv", b"%d" % number, overwrite=True)
        if number % 3 == 0:
            await container.delete_blob(f"{number % 20}.csv")
    scanning.cancel()
    await asyncio.wait([scanning])
    await proxy.scan()

    kinds = [what for what, _, _ in published.told()]
    assert kinds.count("BlobCreated") == 60
    assert kinds.count("BlobDeleted") == 20


async def test_a_second_proxy_on_the_same_state_is_refused(started_proxy):
    async with started_proxy():
        with pytest.raises(LocalStackError, match="another stack"):
            async with started_proxy():
                pass


async def test_a_damaged_state_is_named_with_the_remedy(started_proxy, tmp_path):
    (tmp_path / "proxy").mkdir()
    (tmp_path / "proxy" / "storage-events.sqlite").write_bytes(b"not a database" * 100)

    with pytest.raises(LocalStackError, match=r"storage-events\.sqlite is damaged.*Delete"):
        async with started_proxy():
            pass


async def test_a_taken_port_is_named(proxy, started_proxy, tmp_path):
    with pytest.raises(LocalStackError, match=f"port {proxy.port}"):
        async with started_proxy(port=proxy.port, state=tmp_path / "other"):
            pass


async def test_a_client_that_goes_away_in_the_middle_of_a_body_leaves_nothing(
    container, proxy, published
):
    _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(
        b"PUT /devstoreaccount1/%b/half.csv HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"
        b"x-ms-blob-type: BlockBlob\r\n\r\nhalf" % container.container_name.encode()
    )
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.close()
    await writer.wait_closed()

    await container.upload_blob("whole.csv", b"1")

    assert [subject.rpartition("/")[2] for _, _, subject in published.told()] == ["whole.csv"]


async def raw_put(proxy, container, name, *headers):
    """Send the head of a Put Blob with a valid signature; returns the connection."""
    signature = generate_container_sas(
        ACCOUNT_NAME,
        container.container_name,
        ACCOUNT_KEY,
        permission=ContainerSasPermissions(write=True, create=True),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    head = [
        f"PUT /{ACCOUNT_NAME}/{container.container_name}/{name}?{signature} HTTP/1.1".encode(),
        b"Host: x",
        b"x-ms-version: 2024-11-04",
        b"x-ms-blob-type: BlockBlob",
        *headers,
    ]
    writer.write(b"\r\n".join([*head, b"", b""]))
    return reader, writer


async def test_a_client_that_waits_for_leave_to_send_its_body_gets_it(container, proxy, published):
    reader, writer = await raw_put(
        proxy, container, "asked.csv", b"Content-Length: 5", b"Expect: 100-continue"
    )

    async with asyncio.timeout(5):
        leave = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"a,b\n1")
        answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()

    assert leave == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answer.startswith(b"HTTP/1.1 201 ")
    assert [event["data"]["contentLength"] for event in published.events] == [5]


async def test_a_header_that_is_no_text_is_refused_in_the_services_words(
    container, proxy, published
):
    reader, writer = await raw_put(
        proxy, container, "a.csv", b"Content-Length: 0", b"x-ms-blob-content-type: caf\xe9"
    )

    answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"x-ms-error-code: InvalidHeaderValue" in answer
    assert published.events == []


async def test_answers_come_quickly_over_kept_connections(container):
    blob = await container.upload_blob("a.csv", b"1")
    await blob.get_blob_properties()
    started = time.perf_counter()

    for _ in range(50):
        await blob.get_blob_properties()

    assert (time.perf_counter() - started) / 50 < 0.1


_LARGE_BYTES = 200 * 1024 * 1024
_UPLOAD_AND_READ_BACK = """
import sys
from azure.storage.blob import BlobClient
connection, container, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
with BlobClient.from_connection_string(
    connection, container, "large.bin", max_single_put_size=size
) as blob:
    blob.upload_blob(bytes(size), length=size)
    read = sum(len(chunk) for chunk in blob.download_blob().chunks())
sys.exit(0 if read == size else f"{read} bytes came back")
"""


async def test_two_hundred_megabytes_in_one_request_pass_in_constant_memory(
    connection, container, published
):
    client = await asyncio.create_subprocess_exec(
        *("nice", "-n", "10", sys.executable, "-c", _UPLOAD_AND_READ_BACK),
        *(connection, container.container_name, str(_LARGE_BYTES)),
        env=child_environment({}),
    )
    memory = psutil.Process().memory_info
    before = highest = memory().rss

    ended = asyncio.create_task(client.wait())
    while not ended.done():
        await asyncio.wait([ended], timeout=0.02)
        highest = max(highest, memory().rss)

    assert ended.result() == 0
    assert highest - before < _LARGE_BYTES / 8
    assert [event["data"]["contentLength"] for event in published.events] == [_LARGE_BYTES]

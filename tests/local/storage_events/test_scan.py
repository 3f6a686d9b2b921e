"""Changes that bypassed the proxy, outages, restarts and concurrent writes."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import (
    BlobServiceClient,
)

from local.azurite import Azurite
from local.errors import LocalStackError
from local.storage_events import StorageEventsProxy

pytestmark = [pytest.mark.azurite, pytest.mark.anyio]

SUBJECT = "/blobServices/default/containers/{}/blobs/{}"


async def test_scan_publishes_the_event_of_a_write_that_was_not_repeated(
    container, proxy, published
):
    published.refuse_with = LocalStackError("disk full")
    with pytest.raises(HttpResponseError):
        await container.upload_blob("a.csv", b"x", overwrite=True, retry_total=0)
    published.refuse_with = None

    await proxy.scan()
    await proxy.scan()

    assert [what for what, _, _ in published.told()] == ["BlobCreated"]


async def test_while_azurite_is_down_clients_get_503_and_the_scan_logs_it(
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


async def test_held_proxy_answers_503(container, proxy, published):
    blob = container.get_blob_client("a.csv")

    proxy.held = True
    with pytest.raises(HttpResponseError) as refused:
        await blob.upload_blob(b"1", retry_total=0)
    proxy.held = False
    await blob.upload_blob(b"1")

    assert refused.value.status_code == 503
    assert refused.value.error_code == "ServerBusy"
    assert [what for what, _, _ in published.told()] == ["BlobCreated"]


async def test_held_proxy_does_not_scan(behind, started_proxy, published, tmp_path):
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


async def test_writes_and_deletions_that_bypass_the_proxy_are_found_once(
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


async def test_blob_created_without_the_proxy_and_changed_through_it_is_found(
    container, behind, proxy, published
):
    await behind.upload_blob("new.csv", b"1")
    await container.get_blob_client("new.csv").set_blob_metadata({"a": "b"})

    await proxy.scan()

    assert [what for what, _, _ in published.told()] == ["BlobCreated"]


async def test_batch_delete_causes_one_event_per_blob_before_the_answer(container, name, published):
    for blob in ("a.csv", "b.csv"):
        await container.upload_blob(blob, b"1")
    published.events.clear()

    await container.delete_blobs("a.csv", "b.csv")

    assert sorted(published.told()) == [
        ("BlobDeleted", "DeleteBlob", SUBJECT.format(name, "a.csv")),
        ("BlobDeleted", "DeleteBlob", SUBJECT.format(name, "b.csv")),
    ]


async def test_deleting_a_container_causes_no_events(container, proxy, published):
    await container.upload_blob("a.csv", b"1")
    published.events.clear()

    await container.delete_container()
    await proxy.scan()

    assert published.events == []


async def test_container_deleted_during_a_scan_causes_no_events(
    container, behind, proxy, published
):
    await container.upload_blob("a.csv", b"x")
    published.events.clear()
    await behind.delete_container()

    await proxy.scan(container.container_name)
    await proxy.scan()

    assert published.events == []


async def test_restart_neither_loses_nor_repeats_events_and_sequencers_increase(
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


async def test_winner_of_concurrent_writes_has_the_highest_sequencer(container, published):
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


async def test_two_hundred_concurrent_uploads_cause_two_hundred_events(container, published):
    limit = asyncio.Semaphore(16)

    async def upload(number):
        async with limit:
            await container.upload_blob(f"many/{number}.csv", b"a\n%d\n" % number)

    await asyncio.gather(*(upload(number) for number in range(200)))

    assert len({event["subject"] for event in published.events}) == 200
    assert len(published.events) == 200


async def test_writes_during_a_scan_cause_one_event_each(container, proxy, published):
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

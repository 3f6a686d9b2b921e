"""The proxy as an HTTP server: ports, misbehaving clients, large bodies."""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime, timedelta

import psutil
import pytest
from azure.storage.blob import (
    ContainerSasPermissions,
    generate_container_sas,
)

from local.azurite import ACCOUNT_KEY, ACCOUNT_NAME
from local.errors import LocalStackError
from local.supervision.processes import child_environment

pytestmark = [pytest.mark.azurite, pytest.mark.anyio]


async def test_second_proxy_on_the_same_state_is_refused(started_proxy):
    async with started_proxy():
        with pytest.raises(LocalStackError, match="another stack"):
            async with started_proxy():
                pass


async def test_damaged_state_of_the_proxy_is_named_with_the_remedy(started_proxy, tmp_path):
    (tmp_path / "proxy").mkdir()
    (tmp_path / "proxy" / "storage-events.sqlite").write_bytes(b"not a database" * 100)

    with pytest.raises(LocalStackError, match=r"storage-events\.sqlite is damaged.*Delete"):
        async with started_proxy():
            pass


async def test_taken_port_of_the_proxy_is_named(proxy, started_proxy, tmp_path):
    with pytest.raises(LocalStackError, match=f"port {proxy.port}"):
        async with started_proxy(port=proxy.port, state=tmp_path / "other"):
            pass


async def test_client_that_disconnects_during_its_body_leaves_no_blob_and_no_event(
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


async def test_client_with_expect_100_continue_gets_it(container, proxy, published):
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


async def test_header_that_is_not_utf8_is_refused_as_by_the_blob_service(
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


async def test_requests_over_a_kept_connection_are_quick(container):
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


async def test_two_hundred_megabytes_pass_in_constant_memory(connection, container, published):
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

"""The collector against Microsoft's own client, with real storage behind it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid

import aiohttp
import pandas as pd
import pytest
from azure.storage.blob import BlobServiceClient
from azureml.ai.monitoring import Collector as MicrosoftsCollector
from azureml.ai.monitoring.context import BasicCorrelationContext
from azureml.ai.monitoring.init import teardown

from local.azure_ml.endpoints.collector import CollectionTarget, Collector
from local.azure_ml.workspace.blobs import BlobStore
from local.errors import LocalStackError
from local.supervision.port_allocation import free_port

pytestmark = pytest.mark.azurite

_SOURCE = "/subscriptions/s/onlineEndpoints/e/deployments/d"
_NOON = 1790000000  # 2026-09-21T14:13:20Z
_HEADERS = {"ce-type": "azureml.inference.model_inputs", "ce-time": str(_NOON)}


@pytest.fixture
def container(azurite):
    name = f"c{uuid.uuid4().hex}"
    with (
        BlobServiceClient.from_connection_string(azurite.connection_string()) as service,
        service.create_container(name) as client,
    ):
        yield client


def _target(container, **more):
    return CollectionTarget(
        source=_SOURCE,
        container=container.container_name,
        prefixes={},
        default_prefix="modelDataCollector/e/d",
        **more,
    )


def _events(container):
    return {
        blob.name: [
            json.loads(line)
            for line in container.download_blob(blob.name).readall().decode().splitlines()
        ]
        for blob in container.list_blobs()
    }


@contextlib.asynccontextmanager
async def _collector(azurite, spool):
    store = BlobStore(azurite.connection_string())
    collector = Collector(spool=spool, blob_url=store.sas_url)
    await collector.start()
    try:
        yield collector
    finally:
        await collector.stop()
        await store.close()


async def _post(session, port, rows, **headers):
    url = f"http://127.0.0.1:{port}/modeldata/log"
    async with session.post(url, json=rows, headers=_HEADERS | headers) as answer:
        return answer.status


def test_rows_of_microsofts_client_are_stored_in_azures_layout(
    azurite, container, tmp_path, monkeypatch
):
    frame = pd.DataFrame({"age": [1.5, None], "name": ["a", "ü"]})

    def send(port):
        monkeypatch.setenv("AZUREML_MDC_ENABLED", "true")
        monkeypatch.setenv("AZUREML_MDC_PORT", str(port))
        context = BasicCorrelationContext(id="request-1", timestamp=_NOON)
        sender = MicrosoftsCollector(name="model_outputs")
        sender.collect(frame, context)
        teardown(wait_for_flush=True)

    async def scenario():
        async with _collector(azurite, tmp_path) as collector:
            port = await collector.open(_target(container))
            await asyncio.to_thread(send, port)

    asyncio.run(scenario())

    ((name, (event,)),) = _events(container).items()
    folder = "modelDataCollector/e/d/model_outputs/2026/09/21/14/"
    assert name.startswith(folder)
    assert name.endswith(".jsonl")
    assert event["data"] == json.loads(frame.to_json(orient="records"))
    assert set(event) == {
        "specversion",
        "id",
        "source",
        "type",
        "datacontenttype",
        "time",
        "data",
        "correlationid",
        "xrequestid",
        "modelversion",
        "collectdatatype",
        "agent",
        "contentrange",
    }
    assert event["source"] == _SOURCE
    assert event["type"] == "azureml.inference.model_outputs"
    assert event["time"] == "2026-09-21T14:13:20Z"
    assert event["correlationid"] == "request-1"
    assert event["collectdatatype"] == "pandas.core.frame.DataFrame"
    assert not list(tmp_path.rglob("*.jsonl"))


def test_lines_are_uploaded_within_seconds_once_and_in_order(azurite, container, tmp_path):
    async def scenario():
        async with _collector(azurite, tmp_path) as collector:
            port = await collector.open(_target(container))
            async with aiohttp.ClientSession() as session:
                first = [await _post(session, port, [{"n": n}]) for n in range(20)]
                for _ in range(100):
                    stored = [one for events in _events(container).values() for one in events]
                    if len(stored) == 20:
                        break
                    await asyncio.sleep(0.1)
                rest = await asyncio.gather(
                    *(_post(session, port, [{"n": n}]) for n in range(20, 120))
                )
        assert {*first, *rest} == {202}
        assert len(stored) == 20

    asyncio.run(scenario())

    ((_, events),) = _events(container).items()
    numbers = [event["data"][0]["n"] for event in events]
    assert numbers[:20] == list(range(20))
    assert sorted(numbers) == list(range(120))


def test_rows_accepted_while_storage_is_down_are_stored_by_the_next_run(
    azurite, container, tmp_path
):
    down = f"http://127.0.0.1:{free_port()}/devstoreaccount1"

    async def without_storage():
        store = BlobStore(azurite.connection_string(blob_endpoint=down))

        collector = Collector(spool=tmp_path, blob_url=store.sas_url)
        await collector.start()
        port = await collector.open(_target(container))
        async with aiohttp.ClientSession() as session:
            assert await _post(session, port, [{"n": 1}]) == 202
        await collector.stop()
        await store.close()

    async def again():
        async with _collector(azurite, tmp_path):
            pass

    asyncio.run(without_storage())
    assert list(tmp_path.rglob("*.jsonl"))
    asyncio.run(again())

    ((_, (event,)),) = _events(container).items()
    assert event["data"] == [{"n": 1}]
    assert not list(tmp_path.rglob("*.jsonl"))


def test_crash_after_an_upload_neither_repeats_nor_loses_lines(azurite, container, tmp_path):
    name = "modelDataCollector/e/d/model_inputs/2026/09/21/14/one.jsonl"
    spooled = tmp_path / container.container_name / name
    spooled.parent.mkdir(parents=True)
    spooled.write_bytes(b'{"n":1}\n{"n":2}\n{"n":3}\n{"half')
    with container.get_blob_client(name) as blob:
        blob.create_append_blob()
        blob.append_block(b'{"n":1}\n')

    async def scenario():
        async with _collector(azurite, tmp_path):
            pass

    asyncio.run(scenario())

    assert _events(container)[name] == [{"n": 1}, {"n": 2}, {"n": 3}]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"not json", {}),
        (b'{"a": 1}', {}),
        (b"[]", {"ce-type": "somebody.else"}),
        (b"[]", {"ce-type": "azureml.inference.../../up"}),
        (b"[]", {"ce-time": "noon"}),
        (b"[]", {"ce-time": "99999999999999999999"}),
    ],
)
def test_request_that_is_not_a_collector_event_is_refused(
    azurite, container, tmp_path, body, headers
):
    async def scenario():
        async with _collector(azurite, tmp_path) as collector:
            port = await collector.open(_target(container))
            url = f"http://127.0.0.1:{port}/modeldata/log"
            async with (
                aiohttp.ClientSession() as session,
                session.post(url, data=body, headers=_HEADERS | headers) as answer,
            ):
                assert answer.status == 400

    asyncio.run(scenario())

    assert _events(container) == {}


def test_daily_rolling_rate_has_one_folder_a_day(azurite, container, tmp_path):
    async def scenario():
        async with _collector(azurite, tmp_path) as collector:
            port = await collector.open(_target(container, rolling_rate="Day"))
            async with aiohttp.ClientSession() as session:
                await _post(session, port, [])

    asyncio.run(scenario())

    (name,) = _events(container)
    assert name.rsplit("/", 1)[0] == "modelDataCollector/e/d/model_inputs/2026/09/21"


def test_stopped_collector_accepts_nothing(azurite, container, tmp_path):
    async def scenario():
        async with _collector(azurite, tmp_path) as collector:
            port = await collector.open(_target(container))
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientConnectorError):
                await _post(session, port, [])
        with pytest.raises(LocalStackError, match="stopped"):
            await collector._spool.append("c", "n.jsonl", b"{}")

    asyncio.run(scenario())

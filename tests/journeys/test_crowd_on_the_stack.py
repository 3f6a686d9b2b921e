"""A burst of files through the whole stack: two hosts, every event doubled and shuffled."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient

from demo.plan import prepare
from local.event_grid import Faults
from local.stack import Stack
from local.stack_file import read_stack_file
from local.stack_options import StackOptions

pytestmark = pytest.mark.stack

ROOT = Path(__file__).resolve().parents[2]
FILES = 500
PATIENCE_SECONDS = 240.0


def _drop_all(connection_string: str, content: bytes) -> None:
    with BlobServiceClient.from_connection_string(connection_string) as client:
        landing = client.get_container_client("landing")

        def drop(number: int) -> None:
            landing.upload_blob(f"iris/part-{number:03}.csv", content)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(drop, range(FILES)))


def _recorded(connection_string: str) -> int:
    with TableClient.from_connection_string(connection_string, "ledger") as table:
        rows = table.query_entities(
            "PartitionKey eq 'iris' and RowKey ge 'url:' and RowKey lt 'url;'", select=["RowKey"]
        )
        return sum(1 for _ in rows)


def _poisoned(connection_string: str) -> int:
    found = 0
    for name in ("events-poison", "work-poison"):
        with QueueClient.from_connection_string(connection_string, name) as queue:
            if _exists(queue):
                found += len(queue.peek_messages(max_messages=32))
    return found


def _exists(queue: QueueClient) -> bool:
    try:
        queue.get_queue_properties()
    except ResourceNotFoundError:
        return False
    return True


async def _burst(state: Path) -> tuple[int, int]:
    options = StackOptions(
        app_dir=ROOT,
        file=read_stack_file(ROOT / "infra" / "local.yml"),
        state=state,
        cache=ROOT / ".local" / "cache",
        faults=Faults(duplicates=1, longest_delay_seconds=1.0, seed=2),
        hosts=2,
    )
    async with Stack(options) as stack:
        storage = stack.storage_connection_string
        await asyncio.to_thread(_drop_all, storage, prepare("iris", None).first)
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        recorded = 0
        while recorded < FILES and asyncio.get_running_loop().time() < deadline:
            recorded = await asyncio.to_thread(_recorded, storage)
            await asyncio.sleep(1.0)
        return recorded, await asyncio.to_thread(_poisoned, storage)


def test_five_hundred_files_at_once_are_all_recorded_and_none_is_poisoned(tmp_path):
    recorded, poisoned = asyncio.run(_burst(tmp_path / "state"))

    assert recorded == FILES
    assert poisoned == 0

"""A burst of files and a large one through the whole stack: two hosts, every event doubled."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
from shared.adapters.table_rows import read_fact
from shared.domain.facts import DataTested

pytestmark = pytest.mark.stack

ROOT = Path(__file__).resolve().parents[2]
FILES = 500
SMALL_BYTES = 9_000  # less than the large file; one of the burst has 1,700
LARGE = "diabetes/large $(kill $$) ü.csv"  # would end the shell that took it for a command
PATIENCE_SECONDS = 240.0


def _drop_all(connection_string: str, content: bytes) -> None:
    with BlobServiceClient.from_connection_string(connection_string) as client:
        landing = client.get_container_client("landing")

        def drop(number: int) -> None:
            landing.upload_blob(f"iris/part-{number:03}.csv", content)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(drop, range(FILES)))


def _drop(connection_string: str, name: str, content: bytes) -> None:
    with BlobServiceClient.from_connection_string(connection_string) as client:
        client.get_blob_client("landing", name).upload_blob(content)


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


def _tested(connection_string: str) -> DataTested | None:
    with TableClient.from_connection_string(connection_string, "ledger") as table:
        rows = table.query_entities(
            "PartitionKey eq 'diabetes' and RowKey ge 'fact:' and RowKey lt 'fact;'"
        )
        facts = [read_fact(row).fact for row in rows]
        return next((fact for fact in facts if isinstance(fact, DataTested)), None)


def _kept(connection_string: str) -> list[str]:
    with BlobServiceClient.from_connection_string(connection_string) as client:
        data = client.get_container_client("data")
        return [name for name in data.list_blob_names() if not name.endswith(".json")]


@dataclass(frozen=True)
class Seen:
    recorded: int
    poisoned: int
    tested: DataTested | None
    kept: list[str]


async def _burst(state: Path) -> Seen:
    file = read_stack_file(ROOT / "infra" / "local.yml")
    settings = {**file.settings, "RETRAIN_FUNCTION_DATA_LIMIT_BYTES": str(SMALL_BYTES)}
    options = StackOptions(
        app_dir=ROOT,
        file=file.model_copy(update={"settings": settings}),
        state=state,
        cache=ROOT / ".local" / "cache",
        faults=Faults(duplicates=1, longest_delay_seconds=1.0, seed=2),
        hosts=2,
    )
    async with Stack(options) as stack:
        storage = stack.storage_connection_string
        await asyncio.to_thread(_drop, storage, LARGE, prepare("diabetes", None).first)
        await asyncio.to_thread(_drop_all, storage, prepare("iris", None).first)
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        recorded, tested = 0, None
        while recorded < FILES or tested is None:
            assert asyncio.get_running_loop().time() < deadline, f"{recorded} recorded, {tested}"
            recorded = await asyncio.to_thread(_recorded, storage)
            tested = await asyncio.to_thread(_tested, storage)
            await asyncio.sleep(1.0)
        poisoned = await asyncio.to_thread(_poisoned, storage)
        return Seen(recorded, poisoned, tested, await asyncio.to_thread(_kept, storage))


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    return asyncio.run(_burst(tmp_path_factory.mktemp("crowd") / "state"))


def test_five_hundred_files_at_once_are_all_recorded_and_none_is_poisoned(seen):
    assert seen.recorded == FILES
    assert seen.poisoned == 0


def test_a_large_file_of_any_name_is_tested_by_a_job_and_accepted(seen):
    assert (seen.tested.accepted, seen.tested.quarantined) == (1, 0)
    assert seen.tested.rows > 150
    (kept,) = (name for name in seen.kept if name.startswith("diabetes/"))
    assert kept.startswith("diabetes/files/")

"""Models of the tests' own on the real stack: two hosts, every event doubled and late.

Traffic of `meters` shifts, the model follows, and it is quiet again. Then `crowd`, its twin, gets a
file that is too large for a function, under a name no shell should see, and five hundred small ones
at once while that is tested.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import random
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient

from demo.client import DemoClient
from local.event_grid import Faults
from local.stack.assembly import Stack
from local.stack.file import read_stack_file
from local.stack.options import StackOptions

pytestmark = pytest.mark.stack

ROOT = Path(__file__).resolve().parents[2]
MODEL = "meters"
CROWD = "crowd"
WORKSPACE = "azureml-blobstore"
PATIENCE_SECONDS = 240.0
TRAINED_ROWS = 2000
SCORED_ROWS = 1500
BATCH_ROWS = 50
LARGE = "large $(kill $$) ü.csv"  # would end the shell that took it for a command
LARGE_ROWS = 20_000
LARGE_BYTES = 600_000  # LARGE_ROWS are more; a day of `meters`, with predictions and labels, less
BURST = 500


def population(rows: int, *, warm: bool, first_day: date, first_id: int) -> list[dict[str, Any]]:
    """Warm days shift `outside` by more than three sd and turn what it does to the load round.

    The load itself is spread alike: only its cause has changed.
    """
    chance = random.Random(first_id)  # noqa: S311 - rows, no secret
    found = []
    for number in range(rows):
        deviation = chance.gauss(0, 3)
        load = 50 + (-2 if warm else 2) * deviation + chance.gauss(0, 1)
        found.append(
            {
                "meter_id": first_id + number,
                "read_on": (first_day + timedelta(days=number % 60)).isoformat(),
                "outside": round((20 if warm else 10) + deviation, 3),
                "pressure": round(chance.gauss(100, 10), 3),
                "load": round(load, 3),
            }
        )
    return found


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def app_with_the_models(folder: Path) -> Path:
    """A copy of the deployed app with two more models."""
    left_out = shutil.ignore_patterns("__pycache__")
    for name in ("functions", "shared", "ml"):
        shutil.copytree(ROOT / name, folder / name, ignore=left_out)
    for name in ("function_app.py", "host.json", "requirements.txt", ".amlignore"):
        if (ROOT / name).exists():
            shutil.copyfile(ROOT / name, folder / name)
    own = Path(__file__).parent / "models" / MODEL
    for name in (MODEL, CROWD):
        twin = folder / "ml" / "models" / name
        shutil.copytree(own, twin, ignore=left_out)
        config = (twin / "model.yml").read_text("utf-8")
        (twin / "model.yml").write_text(config.replace(f"name: {MODEL}", f"name: {name}"), "utf-8")
    return folder


@dataclass(frozen=True)
class Burst:
    large: dict[str, Any]  # cycle of the large file
    kept: list[str]  # files accepted of it
    recorded: int  # small ones in the ledger
    poisoned: int  # messages that were given up, from first to last


@dataclass
class Seen:
    shifted: dict[str, Any] = field(default_factory=dict)  # last_drift after the shift
    report: str = ""
    answered: dict[str, Any] = field(default_factory=dict)  # by the report's own address
    cycle: dict[str, Any] = field(default_factory=dict)
    notices: int = 0
    after: dict[str, Any] = field(default_factory=dict)  # last_drift against the new champion
    status: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)  # of the champion's version
    run_tags: dict[str, str] = field(default_factory=dict)  # of its training job's MLflow run
    jobs: list[str] = field(default_factory=list)  # names, all there were
    burst: Burst | None = None


class Way:
    """A data producer, a client of the endpoint and an operator, through their own doors."""

    def __init__(self, client: DemoClient) -> None:
        self._client = client
        self._cycles = 0
        self._collected = 0

    async def run(self) -> Seen:
        seen = Seen()
        home = population(TRAINED_ROWS, warm=False, first_day=date(2025, 10, 1), first_id=1_000_000)
        warm = population(TRAINED_ROWS, warm=True, first_day=date(2026, 5, 1), first_id=2_000_000)
        await self._drop("home.csv", home)
        await self._cycle("not_retrained")  # data alone is not a reason for this model
        await self._client.retrain("the first version")
        await self._cycle("promoted")

        await self._score(warm)
        await self._drop("warm.csv", warm)
        await self._cycle("not_retrained")
        await self._client.fire_timer("drift_daily")
        seen.cycle = await self._cycle("promoted")
        seen.shifted = (await self._client.status())["last_drift"]
        container, _, name = seen.shifted["report"].partition("/")
        seen.report = (await self._client.read(container, name)).decode()
        seen.notices = await self._client.drift_notices("notices")

        await self._score(warm)
        today = datetime.now(UTC).date().isoformat()
        asked = await self._client._app("POST", f"/api/models/{MODEL}/drift-check?date={today}")
        assert asked["new"], asked
        seen.after = await until(self._client, self._checked_against_the_new_champion)
        seen.answered = await self._client._app("GET", f"/api/models/{MODEL}/drift/{today}")
        seen.status = await self._client.status()
        seen.tags = await until(self._client, self._noted)
        seen.run_tags = await until(self._client, lambda: self._noted_at_the_run(seen.tags))
        return seen

    async def _drop(self, name: str, rows: list[dict[str, Any]]) -> None:
        await self._client.put("landing", f"{MODEL}/{name}", as_csv(rows))

    async def _score(self, rows: list[dict[str, Any]]) -> None:
        address = await self._client.scoring()
        asked = [
            {name: row[name] for name in ("meter_id", "outside", "pressure")}
            for row in rows[:SCORED_ROWS]
        ]
        for start in range(0, len(asked), BATCH_ROWS):
            await self._client.score(address, asked[start : start + BATCH_ROWS])
        self._collected += len(asked)
        for collection in ("model_inputs", "model_outputs"):
            await until(self._client, lambda kind=collection: self._rows_collected(kind))

    async def _rows_collected(self, collection: str) -> bool:
        rows = 0
        for name in await self._client.names(WORKSPACE, f"modelDataCollector/retrain-{MODEL}/"):
            if f"/{collection}/" in name:
                text = (await self._client.read(WORKSPACE, name)).decode()
                rows += sum(len(json.loads(line)["data"]) for line in text.splitlines())
        return rows >= self._collected

    async def _cycle(self, outcome: str) -> dict[str, Any]:
        """The next cycle's end."""
        self._cycles += 1

        async def ended() -> dict[str, Any] | None:
            cycles = (await self._client.status())["cycles"]
            return cycles[-self._cycles] if len(cycles) >= self._cycles else None

        past = await until(self._client, ended)
        assert past["outcome"] == outcome, past
        return await self._client.cycle(past["cycle_id"])

    async def _checked_against_the_new_champion(self) -> dict[str, Any] | None:
        status = await self._client.status()
        drift = status["last_drift"]
        return drift if drift["profile"] == status["champion"]["version"] else None

    async def _noted(self) -> dict[str, str] | None:
        version = (await self._client.status())["champion"]["version"]
        found = await self._client._arm("GET", f"/models/{MODEL}/versions/{version}")
        tags = found["properties"]["tags"]
        return tags if "drift_report" in tags else None

    async def _noted_at_the_run(self, version: dict[str, str]) -> dict[str, str] | None:
        """Found as a user finds it: in MLflow's UI, by the job's name."""
        job = f"retrain-{version['cycle_id']}-{version['attempt']}"
        api = f"{self._client._record.mlflow_url}/ajax-api/2.0/mlflow"
        named = f"{api}/experiments/get-by-name?experiment_name={MODEL}"
        experiment = (await self._client._answer("GET", named))["experiment"]["experiment_id"]
        wanted = {"experiment_ids": [experiment], "filter": f"tags.`azureml.jobName` = '{job}'"}
        found = await self._client._answer("POST", f"{api}/runs/search", json=wanted)
        (run,) = found["runs"]
        tags = {tag["key"]: tag["value"] for tag in run["data"]["tags"]}
        return tags if "drift_report" in tags else None


async def until(client: DemoClient, true: Any) -> Any:
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while not (found := await true()):
        if asyncio.get_running_loop().time() > deadline:
            status = await client.status()
            raise AssertionError(f"waited {PATIENCE_SECONDS:.0f} s: {status}")
        await asyncio.sleep(0.5)
    return found


async def burst(client: DemoClient, storage: str) -> Burst:
    """Five hundred files while a job tests a large one: what lands then waits for the next cycle.

    Args:
        client: of the model `crowd`.
        storage: connection string.
    """
    rows = population(LARGE_ROWS, warm=False, first_day=date(2025, 10, 1), first_id=3_000_000)
    await client.put("landing", f"{CROWD}/{LARGE}", as_csv(rows))

    async def opened() -> Any:
        return (await client.status())["open_cycle"]

    cycle_id = (await until(client, opened))["cycle_id"]
    await asyncio.to_thread(drop_burst, storage, as_csv(rows[:50]))

    async def recorded() -> int | None:
        files = await asyncio.to_thread(arrived, storage) - 1
        return files if files >= BURST else None

    async def tested() -> dict[str, Any] | None:
        cycle = await client.cycle(cycle_id)
        return cycle if cycle["outcome"] is not None else None

    async def handled() -> bool:
        return await asyncio.to_thread(waiting, storage, "events") == 0

    files = await until(client, recorded)
    await until(client, handled)  # none of them can be given up any more
    large = await until(client, tested)
    kept = [name for name in await client.names("data", CROWD) if name.endswith(LARGE[-7:])]
    given_up = [
        await asyncio.to_thread(waiting, storage, queue)
        for queue in ("events-poison", "work-poison")
    ]
    return Burst(large, kept, files, sum(given_up))


def drop_burst(connection_string: str, content: bytes) -> None:
    with BlobServiceClient.from_connection_string(connection_string) as client:
        landing = client.get_container_client("landing")

        def drop(number: int) -> None:
            landing.upload_blob(f"{CROWD}/part-{number:03}.csv", content)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(drop, range(BURST)))


def arrived(connection_string: str) -> int:
    """Files in the ledger: there is one row for each, however often its event came."""
    with TableClient.from_connection_string(connection_string, "ledger") as table:
        rows = table.query_entities(
            f"PartitionKey eq '{CROWD}' and RowKey ge 'url:' and RowKey lt 'url;'",
            select=["RowKey"],
        )
        return sum(1 for _ in rows)


def waiting(connection_string: str, queue: str) -> int:
    """Messages of a queue, including those being handled."""
    with QueueClient.from_connection_string(connection_string, queue) as client:
        try:
            return int(client.get_queue_properties().approximate_message_count)
        except ResourceNotFoundError:
            return 0  # a poison queue is made with its first message


async def _run(folder: Path) -> Seen:
    file = read_stack_file(ROOT / "infra" / "local.yml")
    settings = {**file.settings, "RETRAIN_FUNCTION_DATA_LIMIT_BYTES": str(LARGE_BYTES)}
    options = StackOptions(
        app_dir=app_with_the_models(folder / "app"),
        file=file.model_copy(update={"settings": settings}),
        state=folder / "state",
        cache=ROOT / ".local" / "cache",
        faults=Faults(duplicates=1, longest_delay_seconds=1.0, seed=2),
        hosts=2,
    )
    async with Stack(options) as stack, DemoClient(stack.record(), MODEL) as client:
        seen = await Way(client).run()
        async with DemoClient(stack.record(), CROWD) as crowd:
            seen.burst = await burst(crowd, stack.storage_connection_string)
        seen.jobs = [job["name"] for job in (await client._arm("GET", "/jobs"))["value"]]
        return seen


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    return asyncio.run(_run(tmp_path_factory.mktemp("meters")))


def test_large_file_with_special_characters_in_its_name_is_tested_by_a_job_and_accepted(seen):
    (tested,) = (one["fact"] for one in seen.burst.large["facts"] if "tested" in one["key"])

    assert (tested["accepted"], tested["quarantined"]) == (1, 0)
    assert tested["rows"] == LARGE_ROWS
    assert len([name for name in seen.jobs if name.startswith("test-")]) == 1
    (kept,) = seen.burst.kept
    assert kept.startswith(f"{CROWD}/files/")


def test_five_hundred_files_at_once_are_all_recorded_without_a_poison_message(seen):
    assert seen.burst.recorded == BURST
    assert seen.burst.poisoned == 0


def test_daily_check_reports_the_column_that_drifted(seen):
    assert seen.shifted["verdict"] == "drift"
    leading = seen.shifted["signals"][0]
    assert leading["feature"] == "outside"
    assert leading["measure"] == "distance"
    # The mean moved by 10 / 3 sd; what lies beyond the reference's outer quantiles counts less.
    assert 2.5 < leading["statistic"] < 3.5
    assert "outside" in seen.report
    assert "pressure" not in seen.shifted["sentence"]
    # Small enough for the app itself.
    assert not [name for name in seen.jobs if name.startswith("drift-")]


def test_labels_show_that_the_champion_got_worse(seen):
    performance = seen.shifted["performance"]

    assert performance["verdict"] == "worse"
    assert performance["metric"] == "mae"
    assert performance["value"] > 5 * performance["baseline"]


def test_drift_and_worse_performance_open_one_cycle_that_links_the_report(seen):
    opened = seen.cycle["facts"][0]["fact"]
    reason = next(step for step in seen.cycle["steps"] if step["name"] == "Reason")

    assert [one["kind"] for one in opened["reasons"]] == ["drift", "performance"]
    assert seen.shifted["report_address"] in reason["sentence"]


def test_drift_event_is_published_once(seen):
    assert seen.notices == 1


def test_next_check_against_the_new_champions_reference_finds_no_drift(seen):
    assert seen.after["verdict"] == "no_drift", seen.after
    assert seen.after["profile"] == seen.status["champion"]["version"]
    assert seen.after["performance"]["verdict"] == "not_worse"
    assert seen.status["open_cycle"] is None
    assert len(seen.status["cycles"]) == 4


def test_newest_drift_result_is_served_over_http_and_tagged_on_the_version(seen):
    assert seen.answered["check"]["verdict"] == "no_drift"
    assert seen.answered["report"] == seen.after["report"]
    assert seen.tags["drift_report"] == seen.after["report"]
    assert seen.tags["drift_verdict"] == "no_drift"


def test_newest_drift_result_is_tagged_on_the_run_that_trained_the_champion(seen):
    assert seen.run_tags["drift_report"] == seen.after["report"]
    assert seen.run_tags["drift_verdict"] == "no_drift"

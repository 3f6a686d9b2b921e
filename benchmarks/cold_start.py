"""CPU of a cold start: the function app against a hello-world app, on the same host.

Two figures, each the worker process's own CPU from its start, with warm bytecode caches. The apps
take turns, and a ratio is the median of the rounds' own ratios: what else the machine does then
weighs on both sides of each. The table shows each side's median and the distance of its quartiles.

- until all functions are indexed, limit 1.3 times hello-world's;
- until the first message is handled, limit 2.2 times hello-world's. For the app that is a
  BlobCreated whose fact is committed to Azurite, and it includes making the app's identity, which
  on Azure stands before the first commit and which Azurite does not ask for.

The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import statistics
import sys
import tempfile
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from azure.data.tables.aio import TableServiceClient  # noqa: E402 - after the path is set
from azure.storage.queue.aio import QueueServiceClient  # noqa: E402 - same

from local.azure_ml.identity import Identity  # noqa: E402 - same
from local.azurite import Azurite, create_resources, install_azurite  # noqa: E402 - same
from local.environments.builds import Environments  # noqa: E402 - same
from local.functions_host import FunctionsHost  # noqa: E402 - same

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

CACHE = ROOT / ".local" / "cache"
HELLO = Path(__file__).parent / "hello_world"
LIMITS = {"indexed_ratio": 1.3, "first_event_ratio": 2.2}
DEVELOPMENT_STORAGE = "UseDevelopmentStorage=true"
HANDLED_LIMIT_SECONDS = 60.0
LEAST_ROUNDS = 2
# Appended to the app's own script, so that its first message pays for an identity as on Azure.
WITH_IDENTITY = """

def _with_identity(call):
    import functools

    @functools.wraps(call)
    def first(*args, **kwargs):
        from shared.adapters.identity import app_identity

        app_identity()
        print("identity made", flush=True)
        return call(*args, **kwargs)

    return first


for _function in app.get_functions():
    if _function.get_function_name() == "{name}":
        _function._func = _with_identity(_function._func)
app.functions_bindings = None  # the worker asks for the functions again
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """One app to be measured, and what its first message is."""

    name: str
    app_dir: Path
    settings: Mapping[str, str]
    queue: str
    message: str
    function: str


@dataclass(slots=True)
class Figures:
    """CPU seconds, one value a round."""

    indexed: list[float] = field(default_factory=list)
    first_event: list[float] = field(default_factory=list)

    def line(self, name: str) -> str:
        """One row of the table."""
        indexed, first = map(statistics.median, (self.indexed, self.first_event))
        spread = _quartile_distance(self.indexed), _quartile_distance(self.first_event)
        return (
            f"{name:<12} {indexed * 1000:>10.0f} {spread[0] * 1000:>8.0f} "
            f"{first * 1000:>14.0f} {spread[1] * 1000:>8.0f}"
        )


def _quartile_distance(values: list[float]) -> float:
    low, _, high = statistics.quantiles(values, n=4)
    return high - low


def median_ratio(values: list[float], to: list[float]) -> float:
    """Median of the rounds' ratios."""
    return statistics.median(value / base for value, base in zip(values, to, strict=True))


def blob_created(model: str) -> str:
    """A BlobCreated for a file that no round has had before."""
    name = f"{model}/{uuid.uuid4().hex}.csv"
    return json.dumps(
        {
            "id": str(uuid.uuid4()),
            "topic": "/subscriptions/0/resourceGroups/local/providers/Microsoft.Storage/"
            "storageAccounts/devstoreaccount1",
            "subject": f"/blobServices/default/containers/landing/blobs/{name}",
            "eventType": "Microsoft.Storage.BlobCreated",
            "eventTime": datetime.now(UTC).isoformat(),
            "data": {
                "api": "PutBlob",
                "eTag": f"0x{uuid.uuid4().hex[:15].upper()}",
                "contentType": "text/csv",
                "contentLength": 1000,
                "blobType": "BlockBlob",
                "url": f"http://127.0.0.1:10000/devstoreaccount1/landing/{name}",
                "sequencer": "00000000000000000000000000000001",
            },
            "dataVersion": "",
            "metadataVersion": "1",
        }
    )


def app_settings(app_dir: Path, connection: str) -> dict[str, str]:
    """The app's sample settings with Azurite in place of development storage."""
    sample = json.loads((app_dir / "local.settings.sample.json").read_text(encoding="utf-8"))
    return {
        name: connection if value == DEVELOPMENT_STORAGE else value
        for name, value in sample["Values"].items()
    }


def with_identity(app_dir: Path, function: str, folder: Path) -> Path:
    """The app seen from another folder, where `function` makes an identity first."""
    for entry in app_dir.iterdir():
        if entry.name != "function_app.py" and not entry.name.startswith("."):
            (folder / entry.name).symlink_to(entry)
    script = (app_dir / "function_app.py").read_text(encoding="utf-8")
    extended = script + WITH_IDENTITY.replace("{name}", function)
    (folder / "function_app.py").write_text(extended, encoding="utf-8")
    return folder


@asynccontextmanager
async def azurite(folder: Path) -> AsyncIterator[str]:
    """A fresh Azurite; gives its connection string."""
    program = await install_azurite(CACHE / "azurite")
    server = Azurite(program=program, data=folder / "azurite", log=folder / "azurite.log")
    await server.start()
    try:
        yield server.connection_string()
    finally:
        await server.stop()


async def measure(
    subject: Subject, *, python: Path, connection: str, folder: Path
) -> tuple[float, float]:
    """One cold start: CPU seconds until indexed, and until the first message is handled."""
    host = FunctionsHost(
        app_dir=subject.app_dir,
        python=python,
        settings=subject.settings,
        state=folder / subject.name,
        log=folder / f"{subject.name}.log",
        storage_connection_string=connection,
    )
    await host.start()
    try:
        indexed = host.worker.cpu_seconds
        async with QueueServiceClient.from_connection_string(connection) as queues:
            queue = queues.get_queue_client(subject.queue)
            await queue.send_message(base64.b64encode(subject.message.encode()).decode())
        async with asyncio.timeout(HANDLED_LIMIT_SECONDS):
            # The only function that is not switched off reports its CPU with its first result.
            while host.worker.cpu_seconds == indexed:  # noqa: ASYNC110 - it is another process's
                await asyncio.sleep(0.01)
        return indexed, host.worker.cpu_seconds
    finally:
        await host.stop()
        log = (folder / f"{subject.name}.log").read_text(encoding="utf-8")
        if f"'Functions.{subject.function}' (Succeeded" not in log:
            raise SystemExit(f"{subject.function} did not succeed:\n{log[-3000:]}")


async def count_rows(connection: str, table: str) -> int:
    """Rows in a table."""
    async with TableServiceClient.from_connection_string(connection) as tables:
        return len([row async for row in tables.get_table_client(table).list_entities()])


@asynccontextmanager
async def identity() -> AsyncIterator[Mapping[str, str]]:
    """A managed identity; gives the settings that name it, as Functions does."""
    served = Identity()
    await served.start()
    try:
        yield served.environ()
    finally:
        await served.stop()


def subjects(
    arguments: argparse.Namespace, connection: str, platform: Mapping[str, str], seen_from: Path
) -> list[Subject]:
    """Hello-world and the app, each with only the measured function switched on."""
    storage = {"AzureWebJobsStorage": connection}
    others = {f"AzureWebJobs.{name}.Disabled": "true" for name in arguments.switch_off.split(",")}
    return [
        Subject("hello-world", HELLO, storage, "hello", "world", "hello"),
        Subject(
            "app",
            seen_from,
            app_settings(arguments.app, connection) | storage | others | dict(platform),
            arguments.queue,
            "",
            arguments.function,
        ),
    ]


async def run(arguments: argparse.Namespace, folder: Path) -> dict[str, float]:
    """Measure all rounds and print the table; returns the ratios."""
    python = await Environments(CACHE / "environments").for_requirements(
        arguments.app / "requirements.txt"
    )
    seen_from = folder / "app-with-identity"
    seen_from.mkdir()
    with_identity(arguments.app, arguments.function, seen_from)
    figures = {"hello-world": Figures(), "app": Figures()}
    async with azurite(folder) as connection, identity() as platform:
        await create_resources(
            connection,
            containers=["landing", "data", "quarantine"],
            queues=["hello", arguments.queue, "work"],
            tables=[arguments.table],
        )
        for number in range(arguments.rounds + 1):
            for subject in subjects(arguments, connection, platform, seen_from):
                is_app = subject.name == "app"
                message = blob_created(arguments.model) if is_app else subject.message
                before = await count_rows(connection, arguments.table)
                indexed, first = await measure(
                    Subject(
                        subject.name,
                        subject.app_dir,
                        subject.settings,
                        subject.queue,
                        message,
                        subject.function,
                    ),
                    python=python,
                    connection=connection,
                    folder=folder,
                )
                if is_app and await count_rows(connection, arguments.table) <= before:
                    raise SystemExit("the event was handled and no fact was committed")
                if is_app and "identity made" not in (folder / "app.log").read_text("utf-8"):
                    raise SystemExit("the event was handled and no identity was made")
                if number > 0:  # the first round fills the bytecode caches
                    figures[subject.name].indexed.append(indexed)
                    figures[subject.name].first_event.append(first)
    print(f"{'CPU ms':<12} {'indexed':>10} {'spread':>8} {'first message':>14} {'spread':>8}")
    for name, values in figures.items():
        print(values.line(name))
    hello, app = figures["hello-world"], figures["app"]
    return {
        "indexed_ratio": median_ratio(app.indexed, hello.indexed),
        "first_event_ratio": median_ratio(app.first_event, hello.first_event),
    }


def main() -> int:
    """Measure; exit code 1 when a ratio is above its limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--app", type=Path, default=ROOT, help="folder of the function app")
    parser.add_argument("--function", default="on_event", help="queue function that takes events")
    parser.add_argument("--queue", default="events", help="its queue")
    parser.add_argument("--table", default="ledger", help="table that its facts go to")
    parser.add_argument("--model", default="diabetes", help="model whose file arrives")
    parser.add_argument(
        "--switch-off",
        default="on_work,reconcile,drift_daily",
        help="functions that must not run meanwhile",
    )
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    arguments.app = arguments.app.resolve()
    if arguments.rounds < LEAST_ROUNDS:
        parser.error(f"--rounds {arguments.rounds}: at least {LEAST_ROUNDS} are needed")
    with tempfile.TemporaryDirectory() as folder:
        ratios = asyncio.run(run(arguments, Path(folder)))
    for name, limit in LIMITS.items():
        verdict = "within" if ratios[name] <= limit else "ABOVE"
        print(f"{name}: {ratios[name]:.2f}, {verdict} the limit {limit}")
    print(json.dumps({name: round(value, 3) for name, value in ratios.items()}))
    return int(any(ratios[name] > limit for name, limit in LIMITS.items()))


if __name__ == "__main__":
    sys.exit(main())

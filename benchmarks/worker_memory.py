"""Memory of the function app's worker on the local stack, before and after a drift check.

One model is trained and put into production from its first file, and rows are scored. Then the host
is started anew, as on Azure after an idle night, and the daily timer fires: the worker that makes
the check, and does all that the ledger owes by it, is the one whose resident memory counts.

RSS holds what the worker shares with other processes, PSS its share of it, USS what is its own. The
row "while it checked" is the most that the worker and the process it starts held together, as PSS.
The last line is one JSON object.
"""

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import isnan, nan
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from demo.client import DemoClient  # noqa: E402 - after the path is set
from demo.memory import stack_bytes  # noqa: E402 - same
from demo.plan import prepare  # noqa: E402 - same
from local.stack.assembly import Stack  # noqa: E402 - same
from local.stack.file import read_stack_file  # noqa: E402 - same
from local.stack.options import StackOptions  # noqa: E402 - same

LIMIT_MB = 250
MODEL = "diabetes"
COLLECTED = "azureml-blobstore"
SCORED_ROWS = 400
BATCH_ROWS = 50
PATIENCE_SECONDS = 240.0
OFTEN_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of one process, in MB: RSS, PSS and USS."""

    rss: float
    pss: float
    uss: float

    @classmethod
    def of(cls, pid: int | None) -> "Memory":
        """Measure a process now."""
        if pid is None:
            raise SystemExit("the host has no worker")
        found = psutil.Process(pid).memory_full_info()
        return cls(*(value / 2**20 for value in (found.rss, found.pss, found.uss)))


async def until(what: str, true: Callable[[], Awaitable[Any]]) -> Any:
    """Wait for something to be true; returns it."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while not (found := await true()):
        if asyncio.get_running_loop().time() > deadline:
            raise SystemExit(f"waited {PATIENCE_SECONDS:.0f} s for {what}")
        await asyncio.sleep(0.5)
    return found


async def into_production(client: DemoClient) -> None:
    """Train and deploy a first version, score rows of the same population."""
    data = prepare(MODEL, None)
    await client.put("landing", f"{MODEL}/first.csv", data.first)

    async def ended() -> list[dict[str, Any]]:
        cycles: list[dict[str, Any]] = (await client.status())["cycles"]
        return cycles

    (cycle,) = await until("the first version", ended)
    if cycle["outcome"] != "promoted":
        raise SystemExit(f"the first version was not promoted: {cycle['sentence']}")
    await until("what the promotion owes", lambda: nothing_owed(client))
    address = await client.scoring()
    rows = (list(data.home_rows) * (SCORED_ROWS // len(data.home_rows) + 1))[:SCORED_ROWS]
    for start in range(0, SCORED_ROWS, BATCH_ROWS):
        await client.score(address, rows[start : start + BATCH_ROWS])
    await until("collected rows", lambda: rows_collected(client))


async def rows_collected(client: DemoClient) -> bool:
    """Whether both collections hold every scored row."""
    rows = {"model_inputs": 0, "model_outputs": 0}
    for name in await client.names(COLLECTED, f"modelDataCollector/retrain-{MODEL}/"):
        text = (await client.read(COLLECTED, name)).decode()
        kind = name.split("/")[3]
        rows[kind] += sum(len(json.loads(line)["data"]) for line in text.splitlines())
    return min(rows.values()) >= SCORED_ROWS


async def nothing_owed(client: DemoClient) -> bool:
    """Whether every effect was performed."""
    return not (await client.status())["outstanding_effects"]


async def most_together(pid: int | None) -> float:
    """MB of a process and its children, PSS, the most that was seen until this is cancelled."""
    most = 0.0
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            most = max(most, stack_bytes(pid or 0) / 2**20)
            await asyncio.sleep(OFTEN_SECONDS)
    return most


async def measure(stack: Stack, figures: dict[str, Memory]) -> str:
    """Fill the table; returns what the check found."""
    (host,) = stack.hosts
    async with DemoClient(stack.record(), MODEL) as client:
        await into_production(client)
        figures["after a whole cycle"] = Memory.of(host.worker.pid)
    await host.stop()
    await host.start()
    figures["started anew, indexed"] = Memory.of(host.worker.pid)
    async with DemoClient(stack.record(), MODEL) as client:
        watch = asyncio.create_task(most_together(host.worker.pid))
        await client.fire_timer("drift_daily")

        async def found() -> dict[str, Any] | None:
            drift: dict[str, Any] | None = (await client.status())["last_drift"]
            return drift

        drift = await until("the drift check", found)
        await until("what the check owes", lambda: nothing_owed(client))
        watch.cancel()
        together = await watch
        figures["while it checked"] = Memory(rss=nan, pss=together, uss=nan)
        figures["after its first drift check"] = Memory.of(host.worker.pid)
    if drift["verdict"] != "no_drift":
        raise SystemExit(f"rows of the same population: {drift['sentence']}")
    return str(drift["sentence"])


async def run(state: Path) -> dict[str, Memory]:
    """One stack, started and stopped here."""
    options = StackOptions(
        app_dir=ROOT,
        file=read_stack_file(ROOT / "infra" / "local.yml"),
        state=state,
        cache=ROOT / ".local" / "cache",
    )
    figures: dict[str, Memory] = {}
    async with Stack(options) as stack:
        print(await measure(stack, figures))
    return figures


def main() -> int:
    """Measure; exit code 1 when the worker is above the limit."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(run(Path(folder)))
    print(f"{'MB':<30}{'RSS':>8}{'PSS':>8}{'USS':>8}")
    for name, found in figures.items():
        cells = (found.rss, found.pss, found.uss)
        print(f"{name:<30}" + "".join(f"{'':>8}" if isnan(c) else f"{c:>8.0f}" for c in cells))
    worker_mb = figures["after its first drift check"].rss
    verdict = "within" if worker_mb <= LIMIT_MB else "ABOVE"
    print(f"worker_mb: {worker_mb:.0f}, {verdict} the limit {LIMIT_MB}")
    print(json.dumps({"worker_mb": round(worker_mb, 1)}))
    return int(worker_mb > LIMIT_MB)


if __name__ == "__main__":
    sys.exit(main())

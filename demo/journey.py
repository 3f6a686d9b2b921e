"""The five steps. Each waits until what it promises was seen, and fails by name if it was not."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from demo.failures import StepFailedError
from demo.load import SteadyLoad, Tally
from demo.waiting import Watch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection
    from pathlib import Path

    from demo.client import DemoClient
    from demo.cycle import Cycle
    from demo.narrator import Narrator
    from demo.plan import DemoData

_LOAD_PER_SECOND = 25.0
_SWITCHED_ANSWERS = 25  # so many in a row from the new version: the switch is over
_BATCH_ROWS = 50
_SHIFTED_ROWS = 3000
_WORKSPACE_CONTAINER = "azureml-blobstore"


class Step(StrEnum):
    """In the order they are taken, as they are called on the screen."""

    FIRST_FILE = "first file, first model"
    SECOND_FILE = "second file, fair contest"
    BROKEN_FILE = "broken file, set aside"
    DRIFT = "another population, drift"
    BY_HAND = "retraining by hand"


@dataclass(slots=True)
class Summary:
    """The result to keep: one sentence per step, and the files that were produced."""

    sentences: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    swap: Tally | None = None
    outcomes: list[str] = field(default_factory=list)


class Journey:
    """One model's way through the whole loop.

    Args:
        client: of the running stack.
        data: what is dropped and scored.
        narrator: is told each step.
        reports: folder for what is kept.
        logs: of the stack, for error messages.
        patience_seconds: longest wait without any change before a step fails.
        left_out: steps that are not taken. The others need the first one, and drift the second.
        poll_seconds: between two looks at what happens.
    """

    def __init__(
        self,
        *,
        client: DemoClient,
        data: DemoData,
        narrator: Narrator,
        reports: Path,
        logs: Path,
        patience_seconds: float = 240.0,
        left_out: Collection[Step] = (),
        poll_seconds: float = 0.5,
    ) -> None:
        self._client = client
        self._data = data
        self._narrator = narrator
        self._reports = reports
        self._logs = logs
        self._left_out = left_out
        self._watch = Watch(
            client,
            narrator,
            logs=logs,
            patience_seconds=patience_seconds,
            poll_seconds=poll_seconds,
        )
        self._scored_home = 0
        self.summary = Summary()

    async def run(self) -> Summary:
        """All steps in order.

        Raises:
            StepFailedError: the first one that did not happen.
        """
        ways: dict[Step, Callable[[], Awaitable[str]]] = {
            Step.FIRST_FILE: self._first_file,
            Step.SECOND_FILE: self._second_file,
            Step.BROKEN_FILE: self._broken_file,
            Step.DRIFT: self._drift,
            Step.BY_HAND: self._ask_by_hand,
        }
        steps = [(step, way) for step, way in ways.items() if step not in self._left_out]
        for number, (step, way) in enumerate(steps, start=1):
            self._narrator.say(f"▶ step {number} of {len(steps)}: {step}")
            try:
                sentence = await way()
            except StepFailedError as exc:
                raise StepFailedError(f"step {number} of {len(steps)}, {step}: {exc}") from exc
            self._narrator.say(f"✓ {sentence}")
            self.summary.sentences.append(sentence)
        return self.summary

    # --- the steps

    async def _first_file(self) -> str:
        await self._drop("first.csv", self._data.first, self._data.counts[0])
        cycle = await self._cycle("the first model", {"promoted"})
        version = (await self._champion())["version"]
        address = await self._client.scoring()
        answer = await self._client.score(address, [self._data.home_rows[0]])
        if str(answer["model_version"]) != version:
            raise StepFailedError(
                f"version {version} is champion but {answer['model_version']} answered"
            )
        self._narrator.say(f"  a row was scored over HTTP: {answer['predictions'][0]}")
        return cycle.told

    async def _second_file(self) -> str:
        address = await self._client.scoring()
        load = SteadyLoad(
            url=address.url,
            key=address.key,
            rows=self._data.home_rows,
            per_second=_LOAD_PER_SECOND,
        )
        async with contextlib.AsyncExitStack() as running:

            async def start_load() -> None:
                self._narrator.say(f"  scoring {_LOAD_PER_SECOND:.0f} rows a second from now on")
                await running.enter_async_context(load)

            await self._drop("second.csv", self._data.second, self._data.counts[1])
            cycle = await self._cycle(
                "the challenger", {"promoted", "rejected"}, once_better=start_load
            )
            if cycle.outcome == "promoted":
                await self._switched(load, to=(await self._champion())["version"])
        # Only rows that were answered are collected.
        self._scored_home = load.tally(0.0).by_version.total()
        return self._contest(cycle, load)

    async def _switched(self, load: SteadyLoad, *, to: str) -> None:
        """Wait until the new version alone answers."""

        async def over() -> bool:
            return load.latest(_SWITCHED_ANSWERS).by_version == {to: _SWITCHED_ANSWERS}

        def seen() -> str:
            latest = load.latest(_SWITCHED_ANSWERS)
            return f"the last {latest.answers} answers came from {_who(latest) or 'nobody'}"

        await self._watch.until(over, f"version {to} to give all the answers", seen=seen)

    def _contest(self, cycle: Cycle, load: SteadyLoad) -> str:
        if cycle.outcome != "promoted":
            return f"{cycle.told} No traffic moved."
        deployed_utc = cycle.step("Deployed").at_utc
        if deployed_utc is None:
            raise StepFailedError("the challenger was promoted, but its deployment has no time")
        tally = load.tally(_monotonic(deployed_utc))
        self.summary.swap = tally
        if tally.failed:
            raise StepFailedError(
                f"{tally.failed} of {tally.answers} scoring requests failed: {_who(tally)}"
            )
        return (
            f"{cycle.told} While traffic moved, {tally.answers} requests were answered, "
            f"{tally.per_second:.0f} a second, and none failed ({_who(tally)})."
        )

    async def _broken_file(self) -> str:
        before = await self._champion()
        await self._drop("broken.csv", self._data.broken, self._data.counts[1])
        cycle = await self._cycle("the data tests", {"quarantined"})
        prefix = f"{self._data.model}/{cycle.cycle_id}/"
        reports = [
            name
            for name in await self._client.names("quarantine", prefix)
            if name.endswith(".report.json")
        ]
        if not reports:
            raise StepFailedError(f"no report below quarantine/{prefix}")
        saved = await self._client.save(
            "quarantine", reports[0], self._reports / "quarantine-report.json"
        )
        self.summary.files.append(saved)
        if self._data.broken_column not in saved.read_text(encoding="utf-8"):
            raise StepFailedError(f"{saved} does not name column {self._data.broken_column}")
        if await self._champion() != before:
            raise StepFailedError("a quarantined file changed the champion")
        return f"{cycle.told} The champion is untouched."

    async def _drift(self) -> str:
        address = await self._client.scoring()
        rows = list(self._data.other_rows)
        sent = 0
        while sent < _SHIFTED_ROWS:
            batch = (rows * (_BATCH_ROWS // len(rows) + 2))[sent % len(rows) :][:_BATCH_ROWS]
            await self._client.score(address, batch)
            sent += len(batch)
        self._narrator.say(f"  {sent} rows scored: {self._data.population}")
        await self._collected(sent + self._scored_home)
        await self._drop("labelled.csv", self._data.labelled, self._data.counts[2])
        declined = await self._cycle("the retrain policy", {"not_retrained"})
        if "cooldown" not in declined.sentence.lower():
            raise StepFailedError(f"expected a cooldown, got: {declined.sentence}")
        self._narrator.say(f"  {declined.sentence}")
        await self._client.fire_timer("drift_daily")
        drift = await self._drift_check()
        if drift["verdict"] != "drift":
            raise StepFailedError(f"expected drift, got {drift['verdict']}: {drift['sentence']}")
        self._narrator.say(f"  {drift['sentence']}")
        await self._keep_drift_report(drift)
        cycle = await self._cycle(
            "the retraining that drift started", {"promoted", "rejected"}, opened_by="drift"
        )
        await self._keep_explanation(cycle)
        await self._watch.until(
            self._notice_sent,
            "the DriftDetected event at its other subscriber",
            seen=lambda: "none came yet",
        )
        return f"{drift['sentence']} Then: {cycle.told}"

    async def _ask_by_hand(self) -> str:
        accepted = await self._client.retrain("shown in the demo")
        self._narrator.say(f"  {accepted['sentence']}")
        cycle = await self._cycle(
            "the retraining asked for", {"promoted", "rejected"}, opened_by="manual"
        )
        return cycle.told

    # --- watching

    async def _drop(self, name: str, content: bytes, rows: int) -> None:
        await self._client.put("landing", f"{self._data.model}/{name}", content)
        self._narrator.say(f"  dropped landing/{self._data.model}/{name}, {rows} rows")

    async def _champion(self) -> dict[str, Any]:
        champion: dict[str, Any] = (await self._client.status())["champion"] or {}
        return champion

    async def _cycle(
        self,
        what: str,
        outcomes: Collection[str],
        *,
        opened_by: str | None = None,
        once_better: Callable[[], Awaitable[None]] | None = None,
    ) -> Cycle:
        """The next cycle, which has to end with one of `outcomes`."""
        cycle = await self._watch.next_cycle(what, once_better=once_better)
        self.summary.outcomes.append(str(cycle.outcome))
        await self._keep_evaluation(cycle)
        if cycle.outcome not in outcomes:
            raise StepFailedError(
                f"cycle {cycle.cycle_id} ended {cycle.outcome}, expected "
                f"{' or '.join(sorted(outcomes))}: {cycle.sentence} "
                f"Logs: {self._logs}/functions.log"
            )
        if opened_by is not None and not cycle.opened_by(opened_by):
            raise StepFailedError(f"the cycle was not opened by {opened_by}: {cycle.facts[0]}")
        return cycle

    async def _collected(self, expected: int) -> None:
        """Wait until so many scored rows are in storage."""
        prefix = f"modelDataCollector/retrain-{self._data.model}/"
        rows = 0

        async def all_there() -> bool:
            nonlocal rows
            rows = 0
            for name in await self._client.names(_WORKSPACE_CONTAINER, prefix):
                if "/model_inputs/" in name:
                    text = (await self._client.read(_WORKSPACE_CONTAINER, name)).decode()
                    rows += sum(len(json.loads(line)["data"]) for line in text.splitlines())
            return rows >= expected

        await self._watch.until(
            all_there, "the collected rows in storage", seen=lambda: f"{rows} of {expected}"
        )

    async def _drift_check(self) -> dict[str, Any]:
        """Wait for the first drift check and return it."""
        found: dict[str, Any] = {}

        async def done() -> bool:
            found.update((await self._client.status())["last_drift"] or {})
            return bool(found)

        await self._watch.until(done, "the daily drift check", seen=lambda: "no verdict yet")
        return found

    async def _notice_sent(self) -> bool:
        return await self._client.drift_notices("notices") > 0

    # --- what is kept

    async def _keep_evaluation(self, cycle: Cycle) -> None:
        prefix = f"evidence/{self._data.model}/"
        for name in await self._client.names(_WORKSPACE_CONTAINER, prefix):
            if cycle.cycle_id in name and name.endswith("/report.html"):
                target = self._reports / f"evaluation-{cycle.cycle_id}.html"
                self.summary.files.append(
                    await self._client.save(_WORKSPACE_CONTAINER, name, target)
                )

    async def _keep_explanation(self, cycle: Cycle) -> None:
        target = self._reports / f"explain-{cycle.cycle_id}.txt"
        target.write_text(await self._client.explanation(cycle.cycle_id), encoding="utf-8")
        self.summary.files.append(target)

    async def _keep_drift_report(self, drift: dict[str, Any]) -> None:
        if not drift["report"]:
            raise StepFailedError("the drift check wrote no report")
        container, _, name = drift["report"].partition("/")
        target = self._reports / f"drift-{drift['date']}.html"
        self.summary.files.append(await self._client.save(container, name, target))


def _who(tally: Tally) -> str:
    """`version 1: 20, version 2: 5, status 503: 1`."""
    versions = [f"version {name}: {count}" for name, count in sorted(tally.by_version.items())]
    faults = [f"{fault}: {count}" for fault, count in sorted(tally.faults.items())]
    return ", ".join(versions + faults)


def _monotonic(moment_utc: datetime) -> float:
    """The monotonic time of a UTC moment in the past."""
    return time.monotonic() - (datetime.now(UTC) - moment_utc).total_seconds()

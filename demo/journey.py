"""The five steps. Each waits until what it promises was seen, and fails by name if it was not."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from demo.failures import StepFailedError
from demo.load import SteadyLoad, Tally

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection
    from pathlib import Path

    from demo.client import DemoClient
    from demo.narrator import Narrator
    from demo.plan import DemoData

_SHORT_SECONDS = 120.0
_LOAD_PER_SECOND = 25.0
_FEWEST_PER_SECOND = 20.0
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
    """What a person wants to keep: a sentence a step, and the files that were produced."""

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
        patience_seconds: how long one cycle may take.
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
        self._patience_seconds = patience_seconds
        self._left_out = left_out
        self._poll_seconds = poll_seconds
        self._seen: set[str] = set()
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
        cycle = await self._next_cycle("the first model")
        self._expect(cycle, {"promoted"})
        version = (await self._champion())["version"]
        address = await self._client.scoring()
        answer = await self._client.score(address, [self._data.home_rows[0]])
        if str(answer["model_version"]) != version:
            raise StepFailedError(
                f"version {version} is champion but {answer['model_version']} answered"
            )
        self._narrator.say(f"  a row was scored over HTTP: {answer['predictions'][0]}")
        return _sentence(cycle)

    async def _second_file(self) -> str:
        address = await self._client.scoring()
        load = SteadyLoad(
            url=address.url,
            key=address.key,
            rows=self._data.home_rows,
            per_second=_LOAD_PER_SECOND,
        )
        before = (await self._champion())["version"]
        started = time.monotonic()
        async with contextlib.AsyncExitStack() as running:

            async def start_load() -> None:
                self._narrator.say(f"  scoring {_LOAD_PER_SECOND:.0f} rows a second from now on")
                await running.enter_async_context(load)

            await self._drop("second.csv", self._data.second, self._data.counts[1])
            cycle = await self._next_cycle("the challenger", once_better=start_load)
            self._expect(cycle, {"promoted", "rejected"})
            if cycle["outcome"] == "promoted":
                # The swap is over once the new version alone answers.
                await self._until(
                    lambda: _answers(load, exclude=before), "the new version to answer"
                )
        # Only rows that were answered are collected.
        self._scored_home = load.tally(started, time.monotonic()).by_version.total()
        return self._contest(cycle, load)

    def _contest(self, cycle: dict[str, Any], load: SteadyLoad) -> str:
        if cycle["outcome"] != "promoted":
            return f"{_sentence(cycle)} No traffic moved."
        tally = load.tally(_monotonic(_step_named(cycle, "Deployed")["at"]), load.ended)
        self._check(tally)
        self.summary.swap = tally
        versions = ", ".join(f"version {name}: {n}" for name, n in sorted(tally.by_version.items()))
        return (
            f"{_sentence(cycle)} While traffic moved, {tally.requests} requests came at "
            f"{tally.per_second:.0f} a second and {tally.failed} failed ({versions})."
        )

    def _check(self, tally: Tally) -> None:
        if tally.failed:
            raise StepFailedError(f"{tally.failed} of {tally.requests} scoring requests failed")
        if tally.per_second < _FEWEST_PER_SECOND:
            raise StepFailedError(
                f"only {tally.per_second:.1f} requests a second were sent, at least "
                f"{_FEWEST_PER_SECOND:.0f} are needed to call it a swap under load"
            )

    async def _broken_file(self) -> str:
        before = await self._champion()
        await self._drop("broken.csv", self._data.broken, self._data.counts[1])
        cycle = await self._next_cycle("the data tests")
        self._expect(cycle, {"quarantined"})
        prefix = f"{self._data.model}/{cycle['cycle_id']}/"
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
        return f"{_sentence(cycle)} The champion is untouched."

    async def _drift(self) -> str:
        address = await self._client.scoring()
        rows = list(self._data.other_rows)
        sent = 0
        while sent < _SHIFTED_ROWS:
            batch = (rows * (_BATCH_ROWS // len(rows) + 2))[sent % len(rows) :][:_BATCH_ROWS]
            await self._client.score(address, batch)
            sent += len(batch)
        self._narrator.say(f"  {sent} rows scored: {self._data.population}")
        expected = sent + self._scored_home
        await self._until(
            lambda: self._collected(at_least=expected), f"{expected} collected rows in storage"
        )
        await self._drop("labelled.csv", self._data.labelled, self._data.counts[2])
        declined = await self._next_cycle("the retrain policy")
        self._expect(declined, {"not_retrained"})
        if "cooldown" not in declined["sentence"].lower():
            raise StepFailedError(f"expected a cooldown, got: {declined['sentence']}")
        self._narrator.say(f"  {declined['sentence']}")
        await self._client.fire_timer("drift_daily")
        await self._until(self._drift_found, "the daily drift check")
        drift = (await self._client.status())["last_drift"]
        if drift["verdict"] != "drift":
            raise StepFailedError(f"expected drift, got {drift['verdict']}: {drift['sentence']}")
        self._narrator.say(f"  {drift['sentence']}")
        await self._keep_drift_report(drift)
        cycle = await self._next_cycle("the retraining that drift started")
        self._expect(cycle, {"promoted", "rejected"}, reason="drift")
        await self._until(self._notice_sent, "the DriftDetected event at its other subscriber")
        return f"{drift['sentence']} Then: {_sentence(cycle)}"

    async def _ask_by_hand(self) -> str:
        accepted = await self._client.retrain("shown in the demo")
        self._narrator.say(f"  {accepted['sentence']}")
        cycle = await self._next_cycle("the retraining asked for")
        self._expect(cycle, {"promoted", "rejected"}, reason="manual")
        return _sentence(cycle)

    # --- watching

    async def _drop(self, name: str, content: bytes, rows: int) -> None:
        await self._client.put("landing", f"{self._data.model}/{name}", content)
        self._narrator.say(f"  dropped landing/{self._data.model}/{name}, {rows} rows")

    async def _champion(self) -> dict[str, Any]:
        champion: dict[str, Any] = (await self._client.status())["champion"] or {}
        return champion

    async def _next_cycle(
        self, what: str, *, once_better: Callable[[], Awaitable[None]] | None = None
    ) -> dict[str, Any]:
        """Follow the next cycle to its end, saying each step as it is settled.

        Args:
            what: is awaited, in words.
            once_better: called when the challenger has won and its deployment begins.
        """
        said: set[str] = set()
        seen: dict[str, Any] = {}
        deadline = time.monotonic() + self._patience_seconds
        async with self._narrator.waiting_for(f"waiting for {what}"):
            while time.monotonic() < deadline:
                status = await self._client.status()
                ids = [status["open_cycle"]["cycle_id"]] if status["open_cycle"] else []
                ids += [past["cycle_id"] for past in status["cycles"]]
                fresh = [cycle_id for cycle_id in ids if cycle_id not in self._seen]
                if fresh and status != seen:
                    seen = status
                    cycle = await self._client.cycle(fresh[-1])
                    self._say_settled(cycle, said)
                    if once_better is not None and _step_named(cycle, "Compared")["sign"] == "✓":
                        await once_better()
                        once_better = None
                    if cycle["outcome"] is not None:
                        self._seen.add(fresh[-1])
                        self.summary.outcomes.append(cycle["outcome"])
                        await self._keep_evaluation(cycle)
                        return cycle
                await asyncio.sleep(self._poll_seconds)
        raise StepFailedError(
            f"waited {self._patience_seconds:.0f} s for {what}. Logs: {self._logs}/functions.log"
        )

    def _say_settled(self, cycle: dict[str, Any], said: set[str]) -> None:
        for step in cycle["steps"]:
            line = f"    {step['sign']} {step['name']}: {step['sentence']}"
            if step["sign"] != "–" and line not in said:  # noqa: RUF001 - the API's own sign
                said.add(line)
                self._narrator.say(line)

    def _expect(
        self, cycle: dict[str, Any], outcomes: set[str], *, reason: str | None = None
    ) -> None:
        if cycle["outcome"] not in outcomes:
            raise StepFailedError(
                f"cycle {cycle['cycle_id']} ended {cycle['outcome']}, expected "
                f"{' or '.join(sorted(outcomes))}: {cycle['sentence']} "
                f"Logs: {self._logs}/functions.log"
            )
        opened = json.dumps(cycle["facts"][0]["fact"])
        if reason is not None and reason not in opened:
            raise StepFailedError(f"the cycle was not opened by {reason}: {opened}")

    async def _until(self, true: Callable[[], Awaitable[bool]], what: str) -> None:
        deadline = time.monotonic() + _SHORT_SECONDS
        async with self._narrator.waiting_for(f"waiting for {what}"):
            while not await true():
                if time.monotonic() > deadline:
                    raise StepFailedError(
                        f"waited {_SHORT_SECONDS:.0f} s for {what}. Logs: {self._logs}"
                    )
                await asyncio.sleep(self._poll_seconds)

    async def _collected(self, *, at_least: int) -> bool:
        prefix = f"modelDataCollector/retrain-{self._data.model}/"
        rows = 0
        for name in await self._client.names(_WORKSPACE_CONTAINER, prefix):
            if "/model_inputs/" in name:
                text = (await self._client.read(_WORKSPACE_CONTAINER, name)).decode()
                rows += sum(len(json.loads(line)["data"]) for line in text.splitlines())
        return rows >= at_least

    async def _drift_found(self) -> bool:
        return (await self._client.status())["last_drift"] is not None

    async def _notice_sent(self) -> bool:
        return await self._client.drift_notices("notices") > 0

    # --- what is kept

    async def _keep_evaluation(self, cycle: dict[str, Any]) -> None:
        evaluated = [f["fact"] for f in cycle["facts"] if "job_name" in json.dumps(f["fact"])]
        if not evaluated or not any("evaluated" in f["key"] for f in cycle["facts"]):
            return
        prefix = f"evidence/{self._data.model}/"
        for name in await self._client.names(_WORKSPACE_CONTAINER, prefix):
            if cycle["cycle_id"] in name and name.endswith("/report.html"):
                target = self._reports / f"evaluation-{cycle['cycle_id']}.html"
                self.summary.files.append(
                    await self._client.save(_WORKSPACE_CONTAINER, name, target)
                )

    async def _keep_drift_report(self, drift: dict[str, Any]) -> None:
        if not drift["report"]:
            raise StepFailedError("the drift check wrote no report")
        container, _, name = drift["report"].partition("/")
        target = self._reports / f"drift-{drift['date']}.html"
        self.summary.files.append(await self._client.save(container, name, target))


async def _answers(load: SteadyLoad, *, exclude: str) -> bool:
    now = time.monotonic()
    recent = load.tally(now - 1.0, now).by_version
    return bool(recent) and exclude not in recent


def _sentence(cycle: dict[str, Any]) -> str:
    """The cycle's own words, with a capital and a full stop; a file's name stays as it is."""
    text = str(cycle["sentence"]).rstrip(".")
    first = text.split(maxsplit=1)[0]
    return f"{text}." if "." in first else f"{text[:1].upper()}{text[1:]}."


def _step_named(cycle: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(step for step in cycle["steps"] if step["name"] == name)
    return found


def _monotonic(iso: str) -> float:
    """The monotonic time of a UTC moment in the past."""
    ago = datetime.now(UTC) - datetime.fromisoformat(iso)
    return time.monotonic() - ago.total_seconds()

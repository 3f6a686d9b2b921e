"""`make demo`: starts the stack, runs the journey, stops the stack, exits as it says."""

from __future__ import annotations

import argparse
import asyncio
import shlex
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from demo.failures import DemoClientError, DemoDataError, StepFailedError
from demo.memory import MemoryWatch
from demo.narrator import Activity, Narrator
from demo.plan import prepare
from local.errors import LocalStackError
from local.supervision.processes import Command, ManagedProcess
from local.supervision.stack_record import RunningStack
from local.supervision.state_lock import clear_state

if TYPE_CHECKING:
    from demo.journey import Summary
    from demo.plan import DemoData

ROOT = Path(__file__).resolve().parent.parent
_START_SECONDS = 120.0
_POLL_SECONDS = 0.2
_LOG_LINES = 15


async def _run(
    data: DemoData, *, state: Path, reports: Path, trace: Path | None, narrator: Narrator
) -> int:
    stack_log = state / "logs" / "stack.log"
    up = ["-m", "local", "--app", str(ROOT), "--state", str(state), "up"]
    if trace is not None:
        up += ["--trace", str(trace)]
    narrator.plain("2/3 Starting: storage, events, Azure ML, functions")
    process = await ManagedProcess.start(
        Command(name="stack", argv=[sys.executable, *up], log=stack_log, environ={}, cwd=ROOT)
    )
    try:
        record = await _until_up(process, state, narrator)
        async with MemoryWatch(record.pid) as memory:
            summary = await _journey(record, data, reports, narrator, logs=state / "logs")
        narrator.plain(
            f"    The stack held at most {memory.most_bytes / 2**20:.0f} MB (PSS, job steps apart)."
        )
    finally:
        # It stops its own children within seconds; what does not is killed with its group.
        await process.stop(grace_seconds=30.0)
    _conclude(summary, narrator)
    return 0


async def _until_up(process: ManagedProcess, state: Path, narrator: Narrator) -> RunningStack:
    began_utc = datetime.now(UTC)
    deadline = asyncio.get_running_loop().time() + _START_SECONDS
    log = process.command.log

    async def starting() -> Activity:
        parts = [line for line in process.last_lines(_LOG_LINES).splitlines() if line[:2] == "… "]
        return Activity(f"starting {parts[-1][2:] if parts else 'the stack'}", began_utc)

    async with narrator.telling(starting):
        while asyncio.get_running_loop().time() < deadline:
            if process.returncode is not None:
                raise LocalStackError(
                    f"the stack did not start. Log: {log}\n{process.last_lines(_LOG_LINES)}"
                )
            if (state / "stack.json").exists():
                return RunningStack.read(state)
            await asyncio.sleep(_POLL_SECONDS)
    raise LocalStackError(
        f"the stack was not up after {_START_SECONDS:.0f} s. Log: {log}\n"
        f"{process.last_lines(_LOG_LINES)}"
    )


async def _journey(
    record: RunningStack, data: DemoData, reports: Path, narrator: Narrator, *, logs: Path
) -> Summary:
    from demo.client import DemoClient  # noqa: PLC0415 - Azure's clients: after the first line
    from demo.journey import Journey  # noqa: PLC0415 - same

    narrator.plain(
        f"    functions {record.functions_url}   MLflow {record.mlflow_url}   "
        f"endpoints {record.scoring_url}"
    )
    narrator.plain(f"3/3 Loop: model {data.model}")
    narrator.restart_clock()
    async with DemoClient(record, data.model) as client:
        journey = Journey(client=client, data=data, narrator=narrator, reports=reports, logs=logs)
        summary = await journey.run()
    narrator.say("✓ all five steps were seen")
    return summary


def _conclude(summary: Summary, narrator: Narrator) -> None:
    narrator.plain()
    narrator.plain("What happened")
    for number, sentence in enumerate(summary.sentences, start=1):
        narrator.plain(f"  {number}. {sentence}")
    narrator.plain("To read")
    for file in summary.files:
        narrator.plain(f"  {_short(file)}")


def look_around(state: Path) -> list[str]:
    """How a person sees what the demo left behind: lines to print, with commands to type."""
    local = shlex.join([_short(Path(sys.executable)), "-m", "local", "--state", _short(state)])
    return [
        "Nothing is left running. To look around in what the demo made, start its stack again:",
        f"  {local} up",
        "and ask in another terminal:",
        f"  {local} status",
    ]


def _short(path: Path) -> str:
    """From here where it is below here; a command may name it so."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


async def _main(arguments: argparse.Namespace) -> int:
    narrator = Narrator()
    state: Path = arguments.state
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel if task else lambda: None)
    try:
        data = prepare(arguments.model, arguments.data)
        # A demo starts from nothing, so that it always tells the same story.
        await clear_state(state)
        reports = state / "reports"
        code = await _run(
            data, state=state, reports=reports, trace=arguments.trace, narrator=narrator
        )
    except asyncio.CancelledError:
        narrator.plain("Interrupted; nothing is left running.")
        return 130
    except (LocalStackError, DemoDataError, DemoClientError) as exc:
        narrator.plain(f"✕ {exc}")
        return 1
    except StepFailedError as exc:
        narrator.plain(f"✕ {exc}")
        code = 1
    for line in look_around(state):
        narrator.plain(line)
    return code


def main() -> int:
    """Exit code 0: every step was seen; 1: one was not, and which; 130: interrupted."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--model", default="diabetes", help="a folder under ml/models")
    parser.add_argument(
        "--data", type=Path, help="CSV file; needed for models without bundled data"
    )
    parser.add_argument("--state", type=Path, default=ROOT / ".local" / "demo")
    parser.add_argument("--trace", type=Path, help="write every exchange with Azure ML")
    return asyncio.run(_main(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())

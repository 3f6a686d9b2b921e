"""The command line of the local stack: up, put FILE, fire TIMER, status, logs, down, prepare."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from local.errors import LocalStackError
from local.running import RunningStack, StateLock
from local.stack_file import read_stack_file

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from local.stack import StackOptions

_STOP_SECONDS = 60.0
_POLL_SECONDS = 0.1
_SHOWN_LINES = 20


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("--app", type=Path, default=Path(), help="folder of the function app")
    parser.add_argument(
        "--file", type=Path, help="what to set up around it (default: infra/local.yml of the app)"
    )
    parser.add_argument(
        "--state", type=Path, help="folder for everything that lasts (default: .local/state)"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="start the stack and stay until Ctrl-C")
    up.add_argument("--trace", type=Path, metavar="FILE", help="write every exchange with Azure ML")
    up.add_argument(
        "--port",
        action="append",
        default=[],
        metavar="SERVICE=PORT",
        help="fix a port: functions, storage, azure_ml, scoring, blob, queue, table",
    )
    up.add_argument("--hosts", type=int, default=1, help="Functions hosts over the same storage")
    put = commands.add_parser("put", help="put a file into storage, as a client would")
    put.add_argument("path", type=Path, metavar="FILE")
    put.add_argument(
        "--to",
        required=True,
        metavar="CONTAINER/PATH",
        help="where to; a path that ends with / keeps the file's name",
    )
    fire = commands.add_parser("fire", help="run a timer function now")
    fire.add_argument("timer", metavar="TIMER")
    commands.add_parser("status", help="what runs, and where it answers")
    logs = commands.add_parser("logs", help="the end of a log, or the list of logs")
    logs.add_argument("name", nargs="?", metavar="NAME")
    logs.add_argument("--lines", type=int, default=_SHOWN_LINES)
    commands.add_parser("down", help="stop the stack that runs over the state folder")
    prepare = commands.add_parser("prepare", help="download what the stack needs, start nothing")
    prepare.add_argument(
        "--environment",
        type=Path,
        action="append",
        default=[],
        metavar="CONDA_FILE",
        help="build this environment too",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 it went wrong, 2 wrong call."""
    arguments = _parser().parse_args(argv)
    app: Path = arguments.app.resolve()
    state: Path = (arguments.state or app / ".local" / "state").resolve()
    commands: dict[str, Callable[[], int]] = {
        "up": lambda: asyncio.run(_up(_options(arguments, app=app, state=state))),
        "prepare": lambda: asyncio.run(_prepare(app, arguments.environment)),
        "put": lambda: _put(state, arguments.path, arguments.to),
        "fire": lambda: _fire(state, arguments.timer),
        "status": lambda: _status(state),
        "logs": lambda: _logs(state, arguments.name, arguments.lines),
        "down": lambda: _down(state),
    }
    try:
        return commands[arguments.command]()
    except LocalStackError as exc:
        print(f"✕ {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _options(arguments: argparse.Namespace, *, app: Path, state: Path) -> StackOptions:
    from local.stack import StackOptions  # noqa: PLC0415 - a second of imports, for `up` alone

    ports: dict[str, int] = {}
    for text in arguments.port:
        service, _, number = text.partition("=")
        if not number.isdigit():
            raise LocalStackError(f"--port {text}: write SERVICE=PORT, e.g. functions=7071")
        ports[service] = int(number)
    return StackOptions(
        app_dir=app,
        file=read_stack_file(arguments.file or app / "infra" / "local.yml"),
        state=state,
        cache=app / ".local" / "cache",
        trace=arguments.trace,
        ports=ports,
        hosts=arguments.hosts,
    )


async def _up(options: StackOptions) -> int:
    from local.stack import Stack  # noqa: PLC0415 - same

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    stop = asyncio.Event()
    main_task = asyncio.current_task()
    loop = asyncio.get_running_loop()

    def stop_now() -> None:
        # While starting there is nobody to wait for `stop` yet: cancel what is being started.
        if started:
            stop.set()
        elif main_task is not None:
            main_task.cancel()

    started = False
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop_now)
    began = time.monotonic()
    with contextlib.suppress(asyncio.CancelledError):
        async with Stack(options, say=_say_waiting) as stack:
            started = True
            print(f"✓ the stack is up ({time.monotonic() - began:.1f} s)", file=sys.stderr)
            _print_record(stack.record())
            await stop.wait()
            print("stopping …", file=sys.stderr)
    print("stopped, nothing is left running", file=sys.stderr)
    return 0


def _say_waiting(part: str) -> None:
    print(f"… {part}", file=sys.stderr, flush=True)


def _print_record(record: RunningStack) -> None:
    print(f"functions    {record.functions_url}  (key: {record.function_key})")
    print(f"MLflow UI    {record.mlflow_url}")
    print(f"endpoints    {record.scoring_url}/<endpoint>/score")
    print(f"workspace    {record.workspace_url}")
    print(f"storage      {record.storage_connection_string}")
    sys.stdout.flush()


async def _prepare(app: Path, environments: Sequence[Path]) -> int:
    from local.azurite import install_azurite  # noqa: PLC0415 - only here
    from local.environments import Environments  # noqa: PLC0415 - only here

    cache = app / ".local" / "cache"
    builder = Environments(cache / "environments")
    try:
        conda_files = {path.name: path.read_text(encoding="utf-8") for path in environments}
    except OSError as exc:
        raise LocalStackError(f"cannot read {exc.filename}: {exc.strerror}") from exc

    def progress(text: str) -> None:
        print(f"    … {text}", file=sys.stderr, flush=True)

    async def timed(what: str, building: Awaitable[object]) -> None:
        started = time.monotonic()
        await building
        took = time.monotonic() - started
        if took > 1:
            print(f"    ✓ {what} ({took:.0f} s)", file=sys.stderr, flush=True)

    await asyncio.gather(
        timed("Azurite", install_azurite(cache / "azurite", progress=progress)),
        timed("function app", builder.for_requirements(app / "requirements.txt")),
        *(timed(name, builder.for_conda(text)) for name, text in conda_files.items()),
    )
    return 0


def _put(state: Path, path: Path, to: str) -> int:
    from azure.storage.blob import BlobServiceClient  # noqa: PLC0415 - only here

    record = RunningStack.read(state)
    container, _, name = to.partition("/")
    if not name or name.endswith("/"):
        name += path.name
    if not path.is_file():
        raise LocalStackError(f"{path} is no file")
    with (
        BlobServiceClient.from_connection_string(record.storage_connection_string) as client,
        path.open("rb") as data,
    ):
        blob = client.get_blob_client(container, name)
        blob.upload_blob(data, overwrite=True)
    print(f"put {path} to {container}/{name}")
    return 0


def _fire(state: Path, timer: str) -> int:
    import requests  # noqa: PLC0415 - only here

    record = RunningStack.read(state)
    answer = requests.post(
        f"{record.functions_url}/admin/functions/{timer}",
        headers={"x-functions-key": record.master_key},
        json={},
        timeout=30,
    )
    if answer.status_code != requests.codes.accepted:
        raise LocalStackError(f"the host refused ({answer.status_code}): {answer.text}")
    print(f"fired {timer}")
    return 0


def _status(state: Path) -> int:
    record = RunningStack.read(state)
    print(f"running      process {record.pid}, state {state}")
    _print_record(record)
    return 0


def _logs(state: Path, name: str | None, lines: int) -> int:
    folder = state / "logs"
    files = sorted(folder.rglob("*.log"))
    names = [str(path.relative_to(folder).with_suffix("")) for path in files]
    if name is None:
        print("\n".join(names) or f"no logs in {folder}")
        return 0
    if name not in names:
        raise LocalStackError(f"no log {name!r}; there are: {', '.join(names) or 'none'}")
    text = files[names.index(name)].read_text(encoding="utf-8", errors="replace")
    print("\n".join(text.splitlines()[-lines:]))
    return 0


def _down(state: Path) -> int:
    record = RunningStack.read(state)
    os.kill(record.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while StateLock.is_held(state):
        if time.monotonic() > deadline:
            raise LocalStackError(
                f"process {record.pid} did not stop in {_STOP_SECONDS:.0f} s; see {state / 'logs'}"
            )
        time.sleep(_POLL_SECONDS)
    print("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())

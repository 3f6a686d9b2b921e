"""The command line of the local stack.

up, put FILE, withdraw MODEL FILE, lookup MODEL FILE, fire TIMER, status, logs, down, prepare.
"""

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
from typing import TYPE_CHECKING, Any

from local.commands.data_set import lookup, withdraw
from local.commands.fire import fire
from local.commands.logs import log_end
from local.commands.put import put
from local.commands.running import addresses, status, stop
from local.errors import LocalStackError
from local.supervision.port_allocation import HIGHEST_PORT, SERVICES
from local.supervision.reaper import REAPER
from local.supervision.tasks import run_together

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from local.stack.options import StackOptions

_SHOWN_LINES = 20
_PUT_SECONDS = 30.0


class _Parser(argparse.ArgumentParser):
    """Takes options as they are written: an abbreviation may be a typing mistake."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m local", description=__doc__)
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
        type=_port,
        default=[],
        metavar="SERVICE=PORT",
        help=f"fix a port: {', '.join(SERVICES)}",
    )
    up.add_argument("--hosts", type=_count, default=1, help="Functions hosts over the same storage")
    put = commands.add_parser("put", help="put a file into storage, as a client would")
    put.add_argument("path", type=Path, metavar="FILE")
    put.add_argument(
        "--to",
        required=True,
        metavar="CONTAINER/PATH",
        help="where to; a path that ends with / keeps the file's name",
    )
    put.add_argument(
        "--no-wait", action="store_true", help="do not wait for the function that takes its event"
    )
    withdraw = commands.add_parser("withdraw", help="take a file out of a model's data set")
    lookup = commands.add_parser("lookup", help="what became of a file")
    for about_a_file in (withdraw, lookup):
        about_a_file.add_argument("model", metavar="MODEL")
        about_a_file.add_argument("path", metavar="FILE", help="as below landing/MODEL/")
    withdraw.add_argument("--reason", required=True, metavar="TEXT", help="why; it is kept")
    fire = commands.add_parser("fire", help="run a timer function now")
    fire.add_argument("timer", metavar="TIMER")
    commands.add_parser("status", help="what runs, and where it answers")
    logs = commands.add_parser("logs", help="the end of a log, or the list of logs")
    logs.add_argument("name", nargs="?", metavar="NAME")
    logs.add_argument("--lines", type=_count, default=_SHOWN_LINES)
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


def _port(text: str) -> tuple[str, int]:
    service, _, number = text.partition("=")
    if service not in SERVICES or not number.isdigit() or int(number) > HIGHEST_PORT:
        raise argparse.ArgumentTypeError(
            f"{text}: write SERVICE=PORT, e.g. functions=7071; services are {', '.join(SERVICES)}"
        )
    return service, int(number)


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 up")
    return int(text)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit code: 0 done, 1 failed, 2 wrong usage, 128 + n interrupted by signal n.
    """
    arguments = _parser().parse_args(argv)
    app: Path = arguments.app.resolve()
    state: Path = (arguments.state or app / ".local" / "state").resolve()
    commands: dict[str, Callable[[], int]] = {
        "up": lambda: asyncio.run(_up(_options(arguments, app=app, state=state))),
        "prepare": lambda: asyncio.run(_prepare(app, arguments.environment)),
        "put": lambda: _tell(_put(state, arguments)),
        "withdraw": lambda: _tell(
            withdraw(state, arguments.model, arguments.path, reason=arguments.reason)
        ),
        "lookup": lambda: _tell(lookup(state, arguments.model, arguments.path)),
        "fire": lambda: _tell(fire(state, arguments.timer)),
        "status": lambda: _tell(status(state)),
        "logs": lambda: _tell(log_end(state, arguments.name, lines=arguments.lines)),
        "down": lambda: _tell(stop(state)),
    }
    try:
        return commands[arguments.command]()
    except LocalStackError as exc:
        print(f"✕ {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:  # the reader of our output, such as head, has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at the end
        return 128 + signal.SIGPIPE


def _put(state: Path, arguments: argparse.Namespace) -> str:
    wait_seconds = 0.0 if arguments.no_wait else _PUT_SECONDS
    return put(state, arguments.path, arguments.to, wait_seconds=wait_seconds)


def _tell(text: str) -> int:
    print(text, flush=True)
    return 0


def _options(arguments: argparse.Namespace, *, app: Path, state: Path) -> StackOptions:
    from local.stack.file import read_stack_file  # noqa: PLC0415 - same
    from local.stack.options import StackOptions  # noqa: PLC0415 - imports much, for `up` alone

    return StackOptions(
        app_dir=app,
        file=read_stack_file(arguments.file or app / "infra" / "local.yml"),
        state=state,
        cache=app / ".local" / "cache",
        trace=arguments.trace,
        ports=dict(arguments.port),
        hosts=arguments.hosts,
    )


async def _up(options: StackOptions) -> int:
    from local.serving.http_server import ignore_client_errors  # noqa: PLC0415 - imports aiohttp

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    ignore_client_errors()
    os.umask(0o077)  # state, logs and traces hold data and keys: for their owner only
    serving = asyncio.create_task(_serve(options))
    received: list[signal.Signals] = []

    def stop_now(number: signal.Signals) -> None:
        received.append(number)
        if len(received) == 1:
            print("stopping … (once more to stop at once)", file=sys.stderr, flush=True)
            serving.cancel()
        else:
            REAPER.close(now=True)
            print("stopped at once, nothing is left running", file=sys.stderr, flush=True)
            os._exit(128 + number)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop_now, number)
    try:
        await serving
    except asyncio.CancelledError:
        code = 128 + received[0]
    else:
        code = 0
    REAPER.close()  # also processes that have left their group
    print("stopped, nothing is left running", file=sys.stderr)
    return code


async def _serve(options: StackOptions) -> None:
    """Run the stack until cancelled; raises CancelledError only while it was still starting."""
    from local.stack.assembly import Stack  # noqa: PLC0415 - a second of imports, for `up` alone

    began = time.monotonic()
    async with Stack(options, say=_say_waiting) as stack:
        print(f"✓ the stack is up ({time.monotonic() - began:.1f} s)", file=sys.stderr)
        # More people read a log file than a terminal.
        print(addresses(stack.record(), options.state, with_key=sys.stdout.isatty()), flush=True)
        with contextlib.suppress(asyncio.CancelledError):
            await stack.keep_running()


def _say_waiting(part: str) -> None:
    print(f"… {part}", file=sys.stderr, flush=True)


async def _prepare(app: Path, environments: Sequence[Path]) -> int:
    from local.azurite import install_azurite  # noqa: PLC0415 - only here
    from local.environments.builds import Environments  # noqa: PLC0415 - only here

    cache = app / ".local" / "cache"
    builder = Environments(cache / "environments")
    try:
        conda_files = {path.name: path.read_text(encoding="utf-8") for path in environments}
    except OSError as exc:
        raise LocalStackError(f"cannot read {exc.filename}: {exc.strerror}") from exc

    def progress(text: str) -> None:
        print(f"    … {text}", file=sys.stderr, flush=True)

    async def timed(what: str, building: Coroutine[Any, Any, object]) -> None:
        started = time.monotonic()
        await building
        took = time.monotonic() - started
        if took > 1:
            print(f"    ✓ {what} ({took:.0f} s)", file=sys.stderr, flush=True)

    await run_together(
        timed("Azurite", install_azurite(cache / "azurite", progress=progress)),
        timed("function app", builder.for_requirements(app / "requirements.txt")),
        *(timed(name, builder.for_conda(text)) for name, text in conda_files.items()),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Shows a running stack, and stops it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING

from local.commands.endpoints import endpoint_lines
from local.errors import LocalStackError
from local.supervision.stack_record import RunningStack
from local.supervision.state_lock import StateLock, typed

if TYPE_CHECKING:
    from pathlib import Path

_STOP_SECONDS = 60.0
_POLL_SECONDS = 0.1


def status(state: Path) -> str:
    """What runs, and where it answers.

    Raises:
        LocalStackError: no stack runs, or it is still starting.
    """
    record = RunningStack.read(state)
    where = addresses(record, state, with_key=True)
    try:
        endpoints = endpoint_lines(record)
    except LocalStackError as exc:  # the addresses are true all the same
        endpoints = [f"not listed: {exc}"]
    listed = "".join(f"\n             {line}" for line in endpoints)
    return f"running      process {record.pid}, state {state}\n{where}{listed}"


def addresses(record: RunningStack, state: Path, *, with_key: bool) -> str:
    """Where everything answers, one line per service.

    The key opens the app's functions, on this machine only; the host's master key is never shown.
    """
    key = record.function_key if with_key else f"shown by: {typed(state, 'status')}"
    return (
        f"functions    {record.functions_url}  (key: {key})\n"
        f"MLflow UI    {record.mlflow_url}\n"
        f"workspace    {record.workspace_url}\n"
        f"storage      {record.storage_connection_string}\n"
        f"endpoints    {record.scoring_url}/<endpoint>/score"
    )


def stop(state: Path) -> str:
    """Stop the stack over `state`, also while it starts; returns when all has ended.

    Raises:
        LocalStackError: no stack runs, or it does not end.
    """
    if not StateLock.is_held(state):
        raise LocalStackError(f"no stack runs over {state}")
    process: int | None = None
    deadline = time.monotonic() + _STOP_SECONDS
    while StateLock.is_held(state):
        if process is None:
            process = _signal_stop(state)
        if time.monotonic() > deadline:
            raise LocalStackError(
                f"process {process or '(unknown)'} did not stop in {_STOP_SECONDS:.0f} s; see "
                f"{state / 'logs'}, then end it with kill -9"
            )
        time.sleep(_POLL_SECONDS)
    return "stopped"


def _signal_stop(state: Path) -> int | None:
    """The process that was signalled; None while the lock file names none."""
    # Not from the record: a stack that is still starting has none.
    process = StateLock.holder(state)
    if process is not None:
        with contextlib.suppress(ProcessLookupError):  # killed already; its reaper cleans up
            os.kill(process, signal.SIGTERM)
    return process

"""What a person asks of a stack that runs: each command returns what it has to say."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from local.errors import LocalStackError
from local.supervision.stack_record import RunningStack
from local.supervision.state_lock import StateLock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_STOP_SECONDS = 60.0
_POLL_SECONDS = 0.1
_CALL_SECONDS = 30
# Long enough for storage that is being started again; by itself the SDK waits for minutes.
_BRIEF_RETRIES: dict[str, Any] = {
    "retry_total": 4,
    "initial_backoff": 1,
    "increment_base": 2,
    "connection_timeout": 5,
}


def put(state: Path, path: Path, to: str) -> str:
    """Upload a file as `container/path`; a path that ends with / keeps the file's name.

    Raises:
        LocalStackError: no stack, no such file or container, or storage refused.
    """
    from azure.core.exceptions import AzureError, ResourceNotFoundError  # noqa: PLC0415 - only here
    from azure.storage.blob import BlobServiceClient  # noqa: PLC0415 - only here

    record = RunningStack.read(state)
    container, _, name = to.partition("/")
    if not name or name.endswith("/"):
        name += path.name
    with BlobServiceClient.from_connection_string(
        record.storage_connection_string, **_BRIEF_RETRIES
    ) as client:
        try:
            with path.open("rb") as data:
                client.get_blob_client(container, name).upload_blob(data, overwrite=True)
        except ResourceNotFoundError as exc:
            there = ", ".join(one.name for one in client.list_containers())
            raise LocalStackError(f"no container {container!r}; there are: {there}") from exc
        except (AzureError, ValueError) as exc:
            raise LocalStackError(f"storage refused {to!r}: {exc}") from exc
        except OSError as exc:
            raise LocalStackError(f"cannot read {path}: {exc.strerror}") from exc
    return f"put {path} to {container}/{name}"


def fire(state: Path, timer: str) -> str:
    """Run a timer function now, through the host's admin route as on Azure.

    Raises:
        LocalStackError: no stack, no such timer, or the host did not take it.
    """
    import requests  # noqa: PLC0415 - only here

    record = RunningStack.read(state)
    functions = f"{record.functions_url}/admin/functions"
    headers = {"x-functions-key": record.master_key}
    try:
        listed = requests.get(functions, headers=headers, timeout=_CALL_SECONDS)
        listed.raise_for_status()
        timers = [item["name"] for item in listed.json() if _is_timer(item)]
        if timer not in timers:
            raise LocalStackError(f"no timer {timer!r}; there are: {', '.join(timers) or 'none'}")
        answer = requests.post(
            f"{functions}/{timer}", headers=headers, json={}, timeout=_CALL_SECONDS
        )
        answer.raise_for_status()
    except requests.RequestException as exc:
        raise LocalStackError(
            f"the Functions host refused or did not answer: {exc}. Log: {state / 'logs'}"
        ) from exc
    return f"fired {timer}; how it went: python -m local logs functions"


def _is_timer(function: Mapping[str, Any]) -> bool:
    return any(binding["type"] == "timerTrigger" for binding in function["config"]["bindings"])


def status(state: Path) -> str:
    """What runs, and where it answers.

    Raises:
        LocalStackError: no stack runs, or it is still starting.
    """
    record = RunningStack.read(state)
    return f"running      process {record.pid}, state {state}\n{addresses(record, with_key=True)}"


def addresses(record: RunningStack, *, with_key: bool) -> str:
    """Where everything answers, one line a service.

    The key opens the app's functions, on this machine only; the host's master key is never shown.
    """
    key = record.function_key if with_key else "shown by: python -m local status"
    return (
        f"functions    {record.functions_url}  (key: {key})\n"
        f"MLflow UI    {record.mlflow_url}\n"
        f"endpoints    {record.scoring_url}/<endpoint>/score\n"
        f"workspace    {record.workspace_url}\n"
        f"storage      {record.storage_connection_string}"
    )


def log_end(state: Path, name: str | None, *, lines: int) -> str:
    """The last lines of a log; without a name, the logs' names.

    Raises:
        LocalStackError: no such log.
    """
    folder = state / "logs"
    files = {
        str(path.relative_to(folder).with_suffix("")): path
        for path in sorted(folder.rglob("*.log"))
    }
    if not files:
        raise LocalStackError(f"no logs in {folder}; start a stack with: make local")
    if name is None:
        return "\n".join(files)
    if name not in files:
        raise LocalStackError(f"no log {name!r}; there are: {', '.join(files)}")
    with files[name].open(encoding="utf-8", errors="replace") as log:
        return "".join(deque(log, maxlen=lines)).rstrip("\n")


def stop(state: Path) -> str:
    """End the stack over `state`, also one that is still starting; returns when all is gone.

    Raises:
        LocalStackError: no stack runs, or it does not end.
    """
    if not StateLock.is_held(state):
        raise LocalStackError(f"no stack runs over {state}")
    process: int | None = None
    deadline = time.monotonic() + _STOP_SECONDS
    while StateLock.is_held(state):
        if process is None:
            process = _told_to_stop(state)
        if time.monotonic() > deadline:
            raise LocalStackError(
                f"process {process or '(unknown)'} did not stop in {_STOP_SECONDS:.0f} s; see "
                f"{state / 'logs'}, then end it with kill -9"
            )
        time.sleep(_POLL_SECONDS)
    return "stopped"


def _told_to_stop(state: Path) -> int | None:
    """The process that was told; None when the lock does not say yet, or any more, whose it is."""
    # Not from the record: a stack that is still starting has none.
    process = StateLock.holder(state)
    if process is not None:
        with contextlib.suppress(ProcessLookupError):  # killed already; its guard cleans up
            os.kill(process, signal.SIGTERM)
    return process

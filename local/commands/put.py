"""Putting a file into storage, as a client would, and what becomes of its event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.commands.event_outcome import FunctionsLog
from local.commands.unknown import unknown
from local.errors import LocalStackError
from local.supervision.stack_record import RunningStack

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Long enough for a restart of storage; the SDK's default waits for minutes.
_BRIEF_RETRIES: dict[str, Any] = {
    "retry_total": 4,
    "initial_backoff": 1,
    "increment_base": 2,
    "connection_timeout": 5,
}
# What the storage proxy adds to its answer to a write that is an event.
_EVENT, _SUBSCRIPTIONS = "x-local-event-id", "x-local-event-subscriptions"


def put(state: Path, path: Path, to: str, *, wait_seconds: float) -> str:
    """Upload a file as `container/path`; a path that ends with / keeps the file's name.

    Args:
        state: folder of the stack.
        path: the file.
        to: its place in the storage account.
        wait_seconds: for the function that takes the file's event; 0 does not wait.

    Returns:
        Where the file is, who is told of it, and what the function said of it.

    Raises:
        LocalStackError: no stack, no such file or container, or storage refused.
    """
    record = RunningStack.read(state)
    container, _, name = to.partition("/")
    if not name or name.endswith("/"):
        name += path.name
    log = FunctionsLog(state / "logs")
    headers = _upload(record.storage_connection_string, path, container=container, name=name)
    done = f"put {path} to {container}/{name}"
    if _EVENT not in headers:
        return done
    subscriptions = headers[_SUBSCRIPTIONS]
    if not subscriptions:
        return f"{done}\nno event subscription takes it: no function hears of it"
    told = f"{done}\nits event goes to {subscriptions}"
    if not wait_seconds:
        return told
    return f"{told}\n{log.outcome(headers[_EVENT], wait_seconds=wait_seconds)}"


def _upload(connection: str, path: Path, *, container: str, name: str) -> Mapping[str, str]:
    """Headers of the answer that completed the upload."""
    from azure.core.exceptions import AzureError, ResourceNotFoundError  # noqa: PLC0415 - only here
    from azure.storage.blob import BlobServiceClient  # noqa: PLC0415 - only here

    headers: dict[str, str] = {}

    def keep(response: Any) -> None:
        headers.update(response.http_response.headers)

    with BlobServiceClient.from_connection_string(connection, **_BRIEF_RETRIES) as client:
        try:
            with path.open("rb") as data:
                client.get_blob_client(container, name).upload_blob(
                    data, overwrite=True, raw_response_hook=keep
                )
        except ResourceNotFoundError as exc:
            there = [str(one.name) for one in client.list_containers()]
            raise unknown("container", container, there) from exc
        except (AzureError, ValueError) as exc:
            raise LocalStackError(f"storage refused '{container}/{name}': {exc}") from exc
        except OSError as exc:
            raise LocalStackError(f"cannot read {path}: {exc.strerror}") from exc
    return headers

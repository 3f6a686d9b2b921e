"""Files that a drift check reads and writes in blob storage."""

from __future__ import annotations

import os
import re
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from shared.adapters.storage_account import storage_errors
from shared.errors import EvidenceError
from shared.ports.drift import StoredCheck, StoredFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from azure.storage.blob import ContainerClient

    from shared.domain.drift import CheckDrift

REPORT = "report.html"
RESULT = "drift.json"
CHECK = "check.json"  # written last, so the others exist where it does
_TYPES = {".html": "text/html; charset=utf-8", ".json": "application/json"}
_FOLDER = re.compile(
    r"version-(?P<profile>[^/]+)/(?P<day>\d{4}-\d{2}-\d{2})(-revision-(?P<revision>\d{1,4}))?"
)


def collected_folder(endpoint: str) -> str:
    """The folder into which Azure's collector writes the inputs and outputs of an endpoint."""
    return f"modelDataCollector/{endpoint}/"


def list_blobs(container: ContainerClient, prefix: str) -> list[StoredFile]:
    """All blobs whose path starts with a prefix.

    Raises:
        TransientError: storage did not answer.
    """
    with storage_errors(f"list {container.container_name}/{prefix}"):
        return [
            StoredFile(str(item.name), int(item.size), item.last_modified)
            for item in container.list_blobs(name_starts_with=prefix)
        ]


def list_collected(
    container: ContainerClient, endpoint: str, *, collection: str, hours: Sequence[datetime]
) -> tuple[StoredFile, ...]:
    """Files that the collector wrote in these UTC hours, for every deployment of an endpoint."""
    from azure.storage.blob import BlobPrefix  # noqa: PLC0415 - with the SDK

    root = collected_folder(endpoint)
    with storage_errors(f"list {root}"):
        deployments = [
            str(item.name)
            for item in container.walk_blobs(root, delimiter="/")
            if isinstance(item, BlobPrefix)
        ]
    days = sorted({hour.date() for hour in hours})
    wanted = {f"{hour:%Y/%m/%d/%H}" for hour in hours}
    found: list[StoredFile] = []
    for deployment in deployments:
        for day in days:
            prefix = f"{deployment}{collection}/"
            found += [
                item
                for item in list_blobs(container, f"{prefix}{day:%Y/%m/%d}/")
                if item.path.endswith(".jsonl")
                and item.path.removeprefix(prefix).rpartition("/")[0] in wanted
            ]
    return tuple(found)


def hours_between(start_utc: datetime, end_utc: datetime) -> list[datetime]:
    """Every full UTC hour that overlaps [start, end)."""
    hour, hours = start_utc.replace(minute=0, second=0, microsecond=0), []
    while hour < end_utc:
        hours.append(hour)
        hour += timedelta(hours=1)
    return hours


def download(container: ContainerClient, path: str, to: Path) -> None:
    """Download one blob to a file, block by block.

    Raises:
        EvidenceError: there is no such blob.
    """
    from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415 - with the SDK

    to.parent.mkdir(parents=True, exist_ok=True)
    with storage_errors(f"read {path}"), to.open("wb") as file:
        try:
            container.download_blob(path).readinto(file)
        except ResourceNotFoundError:
            raise EvidenceError(f"{container.container_name}/{path} is gone") from None


def download_all(
    container: ContainerClient, files: Iterable[StoredFile], *, below: str, to: Path
) -> None:
    """Download files with their paths below `below` and their mtimes, by which labels are dated."""
    for item in files:
        target = to / item.path.removeprefix(below)
        download(container, item.path, target)
        moment = item.modified_utc.timestamp()
        os.utime(target, (moment, moment))


def upload_result(container: ContainerClient, folder: Path, to: str) -> None:
    """Upload the report and the figures; check.json goes last, so it marks a complete result."""
    from azure.storage.blob import ContentSettings  # noqa: PLC0415 - with the SDK

    for name in (REPORT, RESULT, CHECK):
        kind = ContentSettings(content_type=_TYPES[(folder / name).suffix])
        with storage_errors(f"write {to}/{name}"), (folder / name).open("rb") as file:
            container.upload_blob(f"{to}/{name}", file, overwrite=True, content_settings=kind)


def results_folder(model: str, profile: str) -> str:
    """The folder of all results for one version, so that its past is one listing."""
    return f"drift/{model}/version-{profile}"


def folder_of(model: str, check: CheckDrift) -> str:
    """The folder of one revision of one day; no other revision writes there."""
    suffix = f"-revision-{check.revision}" if check.revision else ""
    return f"{results_folder(model, check.profile)}/{check.day.isoformat()}{suffix}"


def stored_checks(
    container: ContainerClient, model: str, *, profile: str | None = None
) -> Iterator[StoredCheck]:
    """All complete results of a model, or of one of its versions."""
    root = f"drift/{model}/"
    prefix = root if profile is None else f"{results_folder(model, profile)}/"
    for item in list_blobs(container, prefix):
        folder, _, name = item.path.rpartition("/")
        match = _FOLDER.fullmatch(folder.removeprefix(root))
        if name == CHECK and match is not None:
            day = date.fromisoformat(match["day"])
            revision = int(match["revision"] or 0)
            yield StoredCheck(
                match["profile"],
                day,
                revision=revision,
                folder=folder,
                written_utc=item.modified_utc,
            )

"""Which requests to a blob service change a blob, and which of those cause events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

if TYPE_CHECKING:
    from collections.abc import Mapping

# Uncommitted blocks and leases leave the ETag alone.
_NOT_A_WRITE = frozenset({"block", "lease"})


@dataclass(frozen=True, slots=True)
class BlobName:
    """A blob of the one account: container and name, both decoded."""

    container: str
    name: str


@dataclass(frozen=True, slots=True)
class Created:
    """New content under a name; `api` as Azure calls it in the event's data."""

    blob: BlobName
    api: str


@dataclass(frozen=True, slots=True)
class Changed:
    """A new ETag without an event: metadata, properties, appended blocks, pages."""

    blob: BlobName


@dataclass(frozen=True, slots=True)
class Deleted:
    """A blob was deleted."""

    blob: BlobName


@dataclass(frozen=True, slots=True)
class ContainerDeleted:
    """Azure sends no event for the blobs that go with it."""

    container: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Several deletions in one body; `container` is None when it may touch all of them."""

    container: str | None


Operation = Created | Changed | Deleted | ContainerDeleted | Batch


def operation_of(method: str, raw_path: str, headers: Mapping[str, str]) -> Operation | None:
    """What a request will do when it succeeds; None when no blob changes.

    Args:
        method: upper case.
        raw_path: as on the request line, with the query: `/account/container/blob?comp=…`.
        headers: case-insensitive.

    Source:
        Blob service REST reference, "Operations on blobs"; Azure Blob Storage as an Event Grid
        source, "Available event types".
    """
    if method not in ("PUT", "DELETE", "POST"):
        return None
    path, _, raw_query = raw_path.partition("?")
    query = {key.lower(): value for key, value in parse_qsl(raw_query, keep_blank_values=True)}
    _, _, below_account = path.lstrip("/").partition("/")
    first, _, rest = below_account.partition("/")
    if method == "POST":
        is_batch = query.get("comp") == "batch"
        return Batch(unquote(first) or None) if is_batch else None
    if query.get("restype") == "container":
        return ContainerDeleted(unquote(first)) if method == "DELETE" else None
    if not first:
        return None
    # A single segment is a blob in the root container.
    blob = BlobName(unquote(first), unquote(rest)) if rest else BlobName("$root", unquote(first))
    if method == "DELETE":
        return _deletion(blob, query, headers)
    return _write(blob, query.get("comp"), headers)


def _deletion(
    blob: BlobName, query: Mapping[str, str], headers: Mapping[str, str]
) -> Operation | None:
    of_a_copy = "snapshot" in query or "versionid" in query
    if of_a_copy or headers.get("x-ms-delete-snapshots", "").lower() == "only":
        return None
    return Deleted(blob)


def _write(blob: BlobName, comp: str | None, headers: Mapping[str, str]) -> Operation | None:
    if comp == "blocklist":
        return Created(blob, "PutBlockList")
    if comp is not None:
        return None if comp in _NOT_A_WRITE else Changed(blob)
    # With a blob type it is Put Blob From URL, which replaces content as Put Blob does.
    copies = "x-ms-copy-source" in headers and "x-ms-blob-type" not in headers
    return Created(blob, "CopyBlob" if copies else "PutBlob")

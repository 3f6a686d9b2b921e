"""Microsoft.Storage.BlobCreated -> DataArrived, BlobDeleted -> BlobDeletion."""

from __future__ import annotations

import ipaddress
from urllib.parse import unquote, urlsplit

from shared.domain.data import BlobDeletion, BlobRef, DataArrived
from shared.domain.value import Value, value
from shared.errors import EventRejectedError
from shared.wire.envelope import Event, member, text

_LONGEST_URL = 16_384  # a name of 1,024 characters, nine for one where it is escaped


def read_blob_created(event: Event) -> DataArrived:
    """The arrival of a blob; its place is taken from the URL, not from the subject.

    Raises:
        EventRejectedError: no readable url or eTag, or a size that is not a whole number.
    """
    address = _address(event)
    return DataArrived(
        blob=BlobRef(
            container=address.container,
            path=address.name,
            etag=bare_etag(text(event, "eTag")),
        ),
        size_bytes=_size(event),
        sequencer=_sequencer(event),
    )


def read_blob_deleted(event: Event) -> BlobDeletion:
    """The blob that is gone.

    Raises:
        EventRejectedError: no readable url, or nothing that names the deletion.
    """
    address, sequencer = _address(event), _sequencer(event)
    request = sequencer or text(event, "requestId")
    return BlobDeletion(address.container, address.name, sequencer, request)


def _address(event: Event) -> BlobAddress:
    # A data lake's event holds its dfs address in `url`, sometimes the blob's beside it.
    url = member(event.data, "blobUrl")
    return read_blob_url(url if isinstance(url, str) and url else _url(event))


def _sequencer(event: Event) -> str | None:
    sequencer = member(event.data, "sequencer")
    return sequencer if isinstance(sequencer, str) and sequencer else None


def _url(event: Event) -> str:
    return text(event, "url", longest=_LONGEST_URL)


def bare_etag(etag: str) -> str:
    """The ETag without quotes and `W/`, which events, headers and listings write differently."""
    return etag.removeprefix("W/").strip('"')


def _size(event: Event) -> int:
    value = member(event.data, "contentLength")
    if value is None:
        return 0
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise EventRejectedError(
            f"{event.event_type}: data.contentLength is {value!r}, a number of bytes is needed"
        )
    return value


@value
class BlobAddress(Value):
    """Container and blob name, decoded; the name may hold folders."""

    container: str
    name: str


def read_blob_url(url: str) -> BlobAddress:
    """Split a blob URL into container and name.

    Azure puts the account into the host (`https://account.blob.core.windows.net/container/name`),
    Azurite and hosts that are IP addresses put it into the path
    (`http://127.0.0.1:10000/account/container/name`).

    Raises:
        EventRejectedError: not an http(s) URL, or without container and blob.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError as exc:
        raise EventRejectedError(f"blob url {url!r} cannot be read: {exc}") from exc
    if parts.scheme not in {"http", "https"} or not host:
        raise EventRejectedError(f"blob url {url!r} is not an http(s) address")
    path = parts.path.removeprefix("/")
    if _account_is_in_the_path(host):
        _, _, path = path.partition("/")
    container, _, name = path.partition("/")
    container, name = unquote(container), _decoded(url, name)
    if not container or not name.strip("/"):
        raise EventRejectedError(f"blob url {url!r} does not name a blob in a container")
    return BlobAddress(container=container, name=name)


def _decoded(url: str, name: str) -> str:
    try:
        return unquote(name, errors="strict")
    except UnicodeDecodeError as exc:
        raise EventRejectedError(f"blob url {url!r} is not UTF-8 once decoded") from exc


def _account_is_in_the_path(host: str) -> bool:
    if "." not in host and ":" not in host:  # localhost, azurite (a container's name)
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True

"""Microsoft.Storage.BlobCreated -> DataArrived."""

from __future__ import annotations

from shared.domain.data import BlobRef, DataArrived
from shared.errors import EventRejectedError
from shared.wire.blob_url import read_blob_url
from shared.wire.envelope import Event, member, text

BLOB_CREATED = "Microsoft.Storage.BlobCreated"
_LONGEST_URL = 16_384  # a name of 1,024 characters, nine for one where it is escaped


def read_blob_created(event: Event) -> DataArrived:
    """The blob content that landed; its place is taken from the URL, not from the subject.

    Raises:
        EventRejectedError: no readable url or eTag, or a size that is no whole number.
    """
    # A data lake's event holds its dfs address in `url`, sometimes the blob's beside it.
    url = member(event.data, "blobUrl")
    address = read_blob_url(url if isinstance(url, str) and url else _url(event))
    sequencer = member(event.data, "sequencer")
    return DataArrived(
        blob=BlobRef(
            container=address.container,
            path=address.name,
            etag=bare_etag(text(event, "eTag")),
        ),
        size_bytes=_size(event),
        sequencer=sequencer if isinstance(sequencer, str) and sequencer else None,
    )


def _url(event: Event) -> str:
    return text(event, "url", longest=_LONGEST_URL)


def bare_etag(etag: str) -> str:
    """The ETag without quotes and weakness mark: events, headers and listings differ in them."""
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

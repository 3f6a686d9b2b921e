"""Which container and blob a storage URL means, whatever shape the account gives it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from shared.errors import EventRejectedError


@dataclass(frozen=True, slots=True)
class BlobAddress:
    """Container and blob name, decoded; the name may hold folders."""

    container: str
    name: str


def read_blob_url(url: str) -> BlobAddress:
    """Split a blob URL into container and name.

    Azure puts the account into the host (`https://account.blob.core.windows.net/container/name`),
    Azurite and private hosts addressed by number into the path
    (`http://127.0.0.1:10000/account/container/name`).

    Raises:
        EventRejectedError: no http(s) URL, or no container and blob in it.
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
    if not container or not name or name.endswith("/"):
        raise EventRejectedError(f"blob url {url!r} names no blob in a container")
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

"""Authentication of publishers to custom topics: bearer token, the topic's key, or a SAS."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def may_publish(headers: Mapping[str, str], *, key: str, token: Callable[[str], bool]) -> bool:
    """Whether a request's headers allow publishing to a topic.

    Args:
        headers: case-insensitive.
        key: the topic's access key.
        token: whether an Authorization header is valid.
    """
    given_key = headers.get("aeg-sas-key")
    if given_key is not None:
        return hmac.compare_digest(given_key.encode(), key.encode())
    signature = headers.get("aeg-sas-token")
    if signature is not None:
        return _is_signed(signature, key=key)
    return token(headers.get("Authorization", ""))


def _is_signed(given: str, *, key: str) -> bool:
    """`r=<resource>&e=<expiry, UTC>&s=<signature of r and e>`, each quoted.

    Source: learn.microsoft.com/azure/event-grid,
    authenticate-with-access-keys-shared-access-signatures
    """
    unsigned, _, quoted = given.partition("&s=")
    fields = dict(part.partition("=")[::2] for part in unsigned.split("&"))
    expected = hmac.new(base64.b64decode(key), unsigned.encode(), hashlib.sha256).digest()
    signed = hmac.compare_digest(unquote_plus(quoted).encode(), base64.b64encode(expected))
    return signed and _expiry(unquote_plus(fields.get("e", ""))) > datetime.now(UTC)


def _expiry(text: str) -> datetime:
    """The Python SDK writes ISO, others `6/12/2026 10:15:00 PM`; the past when it is neither."""
    for parse in (datetime.fromisoformat, _american):
        try:
            found = parse(text)
        except ValueError:
            continue
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return datetime.min.replace(tzinfo=UTC)


def _american(text: str) -> datetime:
    return datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC)

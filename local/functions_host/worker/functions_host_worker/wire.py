"""The protocol between host and worker: frames of JSON over one socket.

A frame is its length in 4 bytes, big-endian, then one JSON object in UTF-8. A datum is a typed
value, `{"type": ..., "value": ...}`; bytes travel as base64.
"""

from __future__ import annotations

import asyncio
import base64
import json
import struct
from typing import Any, Literal

Message = dict[str, Any]

_LENGTH = struct.Struct(">I")


def encode(message: Message, *, errors: Literal["strict", "replace"] = "strict") -> bytes:
    """One frame.

    `errors` is what becomes of lone surrogates, which JSON's escapes can hold and UTF-8 cannot: on
    Azure the host replaces them, and the worker fails the call.

    Raises:
        UnicodeEncodeError: a lone surrogate, when strict.
    """
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode(errors=errors)
    return _LENGTH.pack(len(body)) + body


async def read(reader: asyncio.StreamReader) -> Message | None:
    """The next message, or None when the other side is gone."""
    try:
        header = await reader.readexactly(_LENGTH.size)
        body = await reader.readexactly(_LENGTH.unpack(header)[0])
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    message: Message = json.loads(body)
    return message


def datum(kind: str | None, value: Any) -> Message:
    """A typed value ready for a frame."""
    if kind == "bytes":
        value = base64.b64encode(value).decode("ascii")
    return {"type": kind, "value": value}


def value_of(message: Message) -> Any:
    """The value inside a datum; bytes are bytes again."""
    if message["type"] == "bytes":
        return base64.b64decode(message["value"])
    return message["value"]

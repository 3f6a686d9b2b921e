"""Conversion of queue messages to function inputs, and of function outputs to messages.

Azure's rules, from its host's source (FunctionBinding.ReadAsEnumerable, Utility.ApplyBindingData):
surprising, but an app meets them on Azure, so it must meet them here.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from local.functions_host.worker.functions_host_worker import wire

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from azure.storage.queue import QueueMessage


def decode_body(raw: str, *, is_base64: bool) -> bytes:
    """The bytes inside a message's text.

    Raises:
        ValueError: host.json says Base64 and the text is not.
    """
    if not is_base64:
        return raw.encode()
    try:
        return base64.b64decode(raw, validate=True)
    except binascii.Error as exc:
        raise ValueError(
            f"the message is not Base64 ({exc}); send it encoded, or set "
            'extensions.queues.messageEncoding to "none" in host.json'
        ) from exc


def encode_body(body: bytes, *, is_base64: bool) -> str:
    """A message's text around its bytes.

    Raises:
        UnicodeDecodeError: bytes that are not UTF-8, with `messageEncoding` none.
    """
    return base64.b64encode(body).decode("ascii") if is_base64 else body.decode()


def trigger_metadata(message: QueueMessage, text: str) -> dict[str, wire.Message]:
    """What a queue trigger tells beside the body.

    Top-level members of a JSON body are among it, and replace what has the same name in any case.
    """
    metadata = {
        "QueueTrigger": wire.datum("string", text),
        "Id": wire.datum("string", message.id),
        "PopReceipt": wire.datum("string", message.pop_receipt),
        "DequeueCount": wire.datum("json", json.dumps(message.dequeue_count)),
        "ExpirationTime": _time(message.expires_on),
        "InsertionTime": _time(message.inserted_on),
        "NextVisibleTime": _time(message.next_visible_on),
    }
    add_json_members(metadata, text)
    return metadata


def add_json_members(metadata: dict[str, wire.Message], text: str) -> None:
    """Add the members of a JSON object as Azure does: no arrays, no nulls, scalars as text."""
    members = _object(text)
    known = {name.lower(): name for name in metadata}
    for name, value in members.items():
        if value is None or isinstance(value, list):
            continue
        item = (
            wire.datum("json", json.dumps(value, ensure_ascii=False))
            if isinstance(value, dict)
            else wire.datum("string", _dotnet_text(value))
        )
        metadata[known.get(name.lower(), name)] = item


def output_messages(output: wire.Message) -> list[bytes]:
    """The messages in one output value; empty when nothing was set.

    Text that looks like a JSON array becomes one message an element, on Azure too.

    Raises:
        ValueError: text that looks like JSON and is not.
        TypeError: a value that no queue takes.
    """
    value = wire.value_of(output)
    match output["type"]:
        case None:
            return []
        case "bytes":
            return [value]
        case "string" if not _looks_like_json(value):
            return [value.encode()]
        case "string" | "json":
            content = json.loads(value)
            elements = content if isinstance(content, list) else [content]
            return [_element(element) for element in elements]
        case "int" | "double":
            return [str(value).encode()]
        case kind:
            raise TypeError(f"a queue takes text, bytes or JSON, not {kind}")


def _element(element: Any) -> bytes:
    if isinstance(element, dict | list):
        return json.dumps(element, ensure_ascii=False, indent=2).encode()
    return _dotnet_text(element).encode()


def _dotnet_text(value: Any) -> str:
    if value is None:
        return ""
    return str(value)  # True and False are spelled alike in both worlds


def _time(moment: datetime | None) -> wire.Message:
    return wire.datum("json", json.dumps(moment.isoformat() if moment else None))


def _looks_like_json(text: str) -> bool:
    trimmed = text.strip()
    return (trimmed.startswith("{") and trimmed.endswith("}")) or (
        trimmed.startswith("[") and trimmed.endswith("]")
    )


def _object(text: str) -> Mapping[str, Any]:
    if not _looks_like_json(text):
        return {}
    try:
        content = json.loads(text)
    except ValueError:
        return {}  # not an error on Azure either
    return content if isinstance(content, dict) else {}

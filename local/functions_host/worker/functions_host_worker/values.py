"""Converts wire values to function inputs and back, with azure.functions' converters."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from azure.functions import get_binding_registry
from azure.functions.meta import Datum

from . import wire

if TYPE_CHECKING:
    from http.cookies import SimpleCookie

GENERIC = "generic"


class GenericConverter:
    """For parameters annotated `str` or `bytes`, and for types that the library does not know."""

    @staticmethod
    def check_input_type_annotation(pytype: type) -> bool:
        """Only text and bytes can be handed over without a converter."""
        return issubclass(pytype, (str, bytes))

    @staticmethod
    def check_output_type_annotation(pytype: type) -> bool:
        """Only text and bytes can be taken without a converter."""
        return issubclass(pytype, (str, bytes, bytearray))

    @staticmethod
    def has_implicit_output() -> bool:
        """A function with an unknown binding may return a value."""
        return True

    @staticmethod
    def has_trigger_support() -> bool:
        """Only real converters read the trigger's metadata."""
        return False

    @staticmethod
    def decode(data: Datum | None, *, trigger_metadata: Any) -> Any:  # noqa: ARG004 - the library's signature
        """The bare value: a `bytes` parameter gets text when text came, as on Azure."""
        if data is None or data.type is None:
            return None
        if data.type in {"string", "bytes", "json"}:
            return data.value
        raise ValueError(f'unexpected type of data for the "generic" binding: {data.type!r}')

    @staticmethod
    def encode(obj: Any, *, expected_type: Any) -> Datum:  # noqa: ARG004 - the library's signature
        """Text, bytes, or JSON of what JSON can hold."""
        match obj:
            case str():
                return Datum(obj, "string")
            case bytes() | bytearray():
                return Datum(bytes(obj), "bytes")
            case None:
                return Datum(None, None)
            case dict() | list():
                return Datum(json.dumps(obj), "json")
            case int():
                return Datum(int(obj), "int")
            case float():
                return Datum(obj, "double")
        raise NotImplementedError


def converter(binding_type: str) -> Any:
    """The library's converter for a binding type, else the generic one."""
    registry = get_binding_registry()  # type: ignore[no-untyped-call] # the library has no types here
    return registry.get(binding_type) or GenericConverter


def has_implicit_output(binding_type: str) -> bool:
    """Whether a function with this binding may return a value without a `$return` binding."""
    check = getattr(converter(binding_type), "has_implicit_output", None)
    return bool(check and check())


def decode(binding_type: str, message: wire.Message, metadata: wire.Message) -> Any:
    """What a function's parameter receives.

    Raises:
        TypeError: the binding cannot take a value of this kind.
    """
    chosen = converter(binding_type)
    trigger = {name: _incoming(item) for name, item in metadata.items()}
    try:
        return chosen.decode(
            _incoming(message), trigger_metadata=trigger if chosen.has_trigger_support() else {}
        )
    except NotImplementedError as exc:
        raise TypeError(
            f"unable to decode incoming data of type {message['type']!r} for {chosen.__name__}"
        ) from exc


def encode(binding_type: str, obj: Any, pytype: Any) -> wire.Message:
    """What a function's output becomes on the wire.

    Raises:
        TypeError: the binding cannot take this object.
    """
    chosen = converter(binding_type)
    try:
        return _outgoing(chosen.encode(obj, expected_type=pytype))
    except NotImplementedError as exc:
        raise TypeError(
            f"unable to encode outgoing data: {chosen.__name__} does not take "
            f'"{type(obj).__name__}"'
        ) from exc


def _incoming(message: wire.Message) -> Datum:
    if message["type"] != "http":
        return Datum(wire.value_of(message), message["type"])
    request = message["value"]
    value: dict[str, Any] = {
        "method": Datum(request["method"], "string"),
        "url": Datum(request["url"], "string"),
        "body": _incoming(request["body"]),
    }
    for name in ("headers", "params", "query"):
        value[name] = {key: Datum(text, "string") for key, text in request[name].items()}
    return Datum(value, "http")


def _outgoing(data: Datum | None) -> wire.Message:
    if data is None:
        return wire.datum(None, None)
    if data.type != "http":
        return wire.datum(data.type, data.value)
    response = data.value
    cookies: list[SimpleCookie] = response.get("cookies") or []
    return wire.datum(
        "http",
        {
            "status": int(response["status_code"].value),
            "headers": {key: item.value for key, item in response["headers"].items()},
            "cookies": [morsel.OutputString() for jar in cookies for morsel in jar.values()],
            "body": _outgoing(response["body"]),
        },
    )

"""Calls one function: values in, the call on a thread or on the loop, values out."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import azure.functions as func

from . import values, wire

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Executor

    from .signature import Signature

# Read by the log formatter, on whatever thread or task the function logs from.
current_invocation: contextvars.ContextVar[str] = contextvars.ContextVar(
    "current_invocation", default=""
)
_thread_local = threading.local()


class Out(func.Out[Any]):
    """An output parameter; not set means nothing is written."""

    def __init__(self) -> None:
        self._value: Any = None

    def set(self, val: Any) -> None:
        """Set what is written when the function succeeds."""
        self._value = val

    def get(self) -> Any:
        """What was set."""
        return self._value


@dataclass(frozen=True, slots=True)
class TraceContext:
    """W3C trace context of the invocation."""

    trace_parent: str
    trace_state: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RetryContext:
    """Which try this is; zeros without a retry policy."""

    retry_count: int
    max_retry_count: int
    exception: Any = None


class Context(func.Context):
    """What a function that asks for `context` receives."""

    def __init__(self, request: wire.Message, directory: str) -> None:
        self._request = request
        self._directory = directory
        retry = request.get("retry") or {}
        self._retry = RetryContext(retry.get("count", 0), retry.get("limit", 0))
        self._trace = TraceContext(request.get("traceparent", ""), "", {})

    @property
    def invocation_id(self) -> str:
        """Id of this invocation."""
        return str(self._request["id"])

    @property
    def thread_local_storage(self) -> Any:
        """Holds `invocation_id` for threads that the function starts itself."""
        return _thread_local

    @property
    def function_name(self) -> str:
        """Name of the function."""
        return str(self._request["function"])

    @property
    def function_directory(self) -> str:
        """Folder of the file that defines the function."""
        return self._directory

    @property
    def trace_context(self) -> Any:
        """Trace context of the invocation."""
        return self._trace

    @property
    def retry_context(self) -> Any:
        """Retry context of the invocation."""
        return self._retry


async def run(signature: Signature, request: wire.Message, pool: Executor) -> wire.Message:
    """Call the function; returns `{"outputs": {name: datum}, "returned": datum | None}`.

    Raises:
        Exception: whatever the function raises, or a TypeError for a value that does not fit.
    """
    current_invocation.set(request["id"])
    arguments = {
        name: values.decode(
            signature.inputs[name].converter, message, request.get("metadata") or {}
        )
        for name, message in request["inputs"].items()
    }
    outs = {name: Out() for name in signature.outputs}
    context = Context(request, signature.directory)
    if signature.wants_context:
        arguments["context"] = context
    result = await _call(signature, arguments | outs, context, pool)
    if result is not None and signature.returned is None:
        raise RuntimeError(
            f"function {request['function']!r} without a $return binding returned a non-None value"
        )
    returned = signature.returned
    return {
        "outputs": {
            name: values.encode(typed.converter, outs[name].get(), typed.pytype)
            for name, typed in signature.outputs.items()
            if outs[name].get() is not None
        },
        "returned": returned and values.encode(returned.converter, result, returned.pytype),
    }


async def _call(
    signature: Signature, arguments: Mapping[str, Any], context: Context, pool: Executor
) -> Any:
    if signature.is_async:
        _thread_local.invocation_id = context.invocation_id
        return await signature.call(**arguments)

    def on_thread() -> Any:
        _thread_local.invocation_id = context.invocation_id
        try:
            return signature.call(**arguments)
        finally:
            _thread_local.invocation_id = None

    inside = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(pool, inside.run, on_thread)

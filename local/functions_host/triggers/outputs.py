"""Writes a function's outputs, after it succeeded and before its message is deleted."""

from __future__ import annotations

import contextlib
import json
import re
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError

from local.functions_host.configuration.definitions import BlobOutput, HttpOutput, QueueOutput
from local.functions_host.errors import InvocationError
from local.functions_host.triggers.queue_values import encode_body, output_messages
from local.functions_host.worker.functions_host_worker import wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.functions_host.configuration.definitions import FunctionDefinition
    from local.functions_host.storage import Storage

_EXPRESSION = re.compile(r"\{([^{}]+)\}")


class Outputs:
    """Queue and blob outputs of one host."""

    def __init__(self, storage: Storage, *, is_base64: bool) -> None:
        self._storage = storage
        self._is_base64 = is_base64

    async def write(
        self,
        function: FunctionDefinition,
        answer: wire.Message,
        *,
        metadata: Mapping[str, wire.Message],
    ) -> wire.Message | None:
        """Write all outputs of one call; returns the HTTP answer, if there is one.

        Raises:
            InvocationError: storage refused, or a value does not fit its binding.
        """
        response: wire.Message | None = None
        values = {**answer["outputs"], "$return": answer["returned"]}
        for output in function.outputs:
            value = values.get(output.name)
            if value is None or value["type"] is None:
                continue
            try:
                match output:
                    case HttpOutput():
                        response = value
                    case QueueOutput():
                        await self._send(output, value)
                    case BlobOutput():
                        await self._upload(output, value, metadata)
            except (AzureError, ValueError, TypeError) as exc:
                raise InvocationError(
                    f"output {output.name!r} was not written: {type(exc).__name__}: {exc}"
                ) from exc
        return response

    async def _send(self, output: QueueOutput, value: wire.Message) -> None:
        queue = self._storage.queue(output.connection, output.queue)
        for body in output_messages(value):
            text = encode_body(body, is_base64=self._is_base64)
            try:
                await queue.send_message(text)
            except ResourceNotFoundError:
                with contextlib.suppress(ResourceExistsError):  # another invocation was faster
                    await queue.create_queue()
                await queue.send_message(text)

    async def _upload(
        self, output: BlobOutput, value: wire.Message, metadata: Mapping[str, wire.Message]
    ) -> None:
        path = resolve(output.path, metadata)
        name, _, blob = path.partition("/")
        container = self._storage.container(output.connection, name)
        body = wire.value_of(value)
        data = body if isinstance(body, bytes) else str(body).encode()
        try:
            await container.upload_blob(blob, data, overwrite=True)
        except ResourceNotFoundError:
            with contextlib.suppress(ResourceExistsError):  # another invocation was faster
                await container.create_container()
            await container.upload_blob(blob, data, overwrite=True)


def resolve(path: str, metadata: Mapping[str, wire.Message]) -> str:
    """Fill in the expressions of a blob path from the trigger's metadata.

    Raises:
        ValueError: an expression that the trigger says nothing about.
    """
    known = {name.lower(): item for name, item in metadata.items()}

    def replaced(match: re.Match[str]) -> str:
        expression = match[1]
        if expression.lower() == "rand-guid":
            return str(uuid.uuid4())
        if expression.lower() == "datetime":
            return datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
        name, *members = expression.split(".")
        if name.lower() not in known:
            raise ValueError(
                f"{{{expression}}} in path {path!r} is not known; the trigger has "
                f"{', '.join(sorted(metadata)) or 'no metadata'}, and there are rand-guid, DateTime"
            )
        return _member(known[name.lower()], members, expression)

    return _EXPRESSION.sub(replaced, path)


def _member(item: wire.Message, members: list[str], expression: str) -> str:
    value: Any = wire.value_of(item)
    if item["type"] == "json":
        value = json.loads(value)
    for member in members:
        if not isinstance(value, dict) or member not in value:
            raise ValueError(f"{{{expression}}}: the event has no {member!r}")
        value = value[member]
    return str(value)

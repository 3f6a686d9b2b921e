"""Calls a function, whatever triggered it: time limit, log, outputs, orderly shutdown."""

from __future__ import annotations

import asyncio
import secrets
import time
import uuid
from typing import TYPE_CHECKING

from local.functions_host.errors import HostStoppingError, InvocationError

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping
    from datetime import timedelta

    from local.functions_host.configuration.definitions import FunctionDefinition
    from local.functions_host.triggers.outputs import Outputs
    from local.functions_host.worker.functions_host_worker import wire
    from local.functions_host.worker_process import Worker


class Invoker:
    """Calls functions of one app.

    Args:
        timeout: `functionTimeout`; None for no limit.
    """

    def __init__(
        self,
        *,
        worker: Worker,
        outputs: Outputs,
        timeout: timedelta | None,
        log: logging.Logger,
    ) -> None:
        self._worker = worker
        self._outputs = outputs
        self._limit_seconds = None if timeout is None else timeout.total_seconds()
        self._log = log
        self._stopping = False
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def invoke(
        self,
        function: FunctionDefinition,
        value: wire.Message,
        *,
        metadata: Mapping[str, wire.Message],
        reason: str,
        details: str = "",
        retry: Mapping[str, int] | None = None,
    ) -> wire.Message | None:
        """Call `function` with its trigger's value; returns its HTTP answer, if any.

        Args:
            function: one of the app's.
            value: of its trigger.
            metadata: of its trigger.
            reason: why it is called, for the log.
            details: what else the log should say of the trigger.
            retry: which try this is.

        Raises:
            InvocationError: it failed, or an output could not be written.
            HostStoppingError: the host ended first; the call may be repeated elsewhere.
        """
        if self._stopping:
            raise HostStoppingError("the host is stopping")
        invocation = str(uuid.uuid4())
        request = {
            "type": "invoke",
            "id": invocation,
            "function": function.name,
            "inputs": {function.trigger.argument: value},
            "metadata": dict(metadata),
            "retry": dict(retry or {}),
            "traceparent": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00",
        }
        self._log.info(
            "Executing 'Functions.%s' (Reason='%s', Id=%s)", function.name, reason, invocation
        )
        if details:
            self._log.info("Trigger Details: (Id=%s, %s)", invocation, details)
        started = time.monotonic()
        self._running += 1
        self._idle.clear()
        try:
            answer = await self._worker.invoke(request, limit_seconds=self._limit_seconds)
            response = await self._outputs.write(function, answer, metadata=metadata)
        except InvocationError as exc:
            self._log.error(
                "Executed 'Functions.%s' (Failed, Id=%s, Duration=%.0fms): %s",
                function.name,
                invocation,
                (time.monotonic() - started) * 1000,
                exc,
            )
            raise
        finally:
            self._running -= 1
            if self._running == 0:
                self._idle.set()
        self._log.info(
            "Executed 'Functions.%s' (Succeeded, Id=%s, Duration=%.0fms)",
            function.name,
            invocation,
            (time.monotonic() - started) * 1000,
        )
        return response

    async def drain(self, grace_seconds: float) -> bool:
        """Take no new calls and wait for running ones; False when some are still running."""
        self._stopping = True
        try:
            await asyncio.wait_for(self._idle.wait(), grace_seconds)
        except TimeoutError:
            return False
        return True

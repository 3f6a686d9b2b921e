"""How much memory a stack holds: proportional set size of its processes, job steps apart."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Self

import psutil

if TYPE_CHECKING:
    from types import TracebackType

_EVERY_SECONDS = 2.0
_JOB_STEP_VARIABLE = "AZUREML_RUN_ID"  # set in every step of a job, here as on Azure


def stack_bytes(pid: int) -> int:
    """Sum of PSS over a process and its descendants, without those that run a job's step."""
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            # A process may end between being listed and being read.
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                if _JOB_STEP_VARIABLE not in process.environ():
                    held = process.memory_full_info()
                    # Only Linux tells PSS; elsewhere what the process has for itself.
                    total += int(getattr(held, "pss", held.uss))
    return total


class MemoryWatch:
    """Remembers the most a stack held while it was watched."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._task: asyncio.Task[None] | None = None
        self.most_bytes = 0

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _watch(self) -> None:
        while True:
            held = await asyncio.to_thread(stack_bytes, self._pid)
            self.most_bytes = max(self.most_bytes, held)
            await asyncio.sleep(_EVERY_SECONDS)

"""Fires timers: on one host at a time, and once for runs that were missed."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, ResourceNotFoundError

from local.functions_host.errors import HostStoppingError, InvocationError
from local.functions_host.triggers.lease import BlobLock
from local.functions_host.worker.functions_host_worker import wire

if TYPE_CHECKING:
    import logging

    from azure.storage.blob.aio import ContainerClient

    from local.functions_host.configuration.definitions import FunctionDefinition, TimerTrigger
    from local.functions_host.configuration.ncrontab import Schedule
    from local.functions_host.triggers.invoker import Invoker

# Laptops sleep and clocks are changed: check the wall clock at least this often.
_LONGEST_NAP_SECONDS = 30.0
_MONITOR_FROM = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ScheduleStatus:
    """A timer's status, kept between runs of the host."""

    last_utc: datetime | None
    next_utc: datetime
    updated_utc: datetime

    def to_json(self) -> dict[str, str]:
        """The form that functions see and that is stored."""
        last = self.last_utc.isoformat() if self.last_utc else "0001-01-01T00:00:00+00:00"
        return {
            "Last": last,
            "Next": self.next_utc.isoformat(),
            "LastUpdated": self.updated_utc.isoformat(),
        }

    @classmethod
    def from_json(cls, content: Any) -> ScheduleStatus:
        """Read the stored form.

        Raises:
            ValueError, KeyError, TypeError: it is damaged.
        """
        last = datetime.fromisoformat(content["Last"])
        return cls(
            last_utc=last if last.year > 1 else None,
            next_utc=datetime.fromisoformat(content["Next"]),
            updated_utc=datetime.fromisoformat(content["LastUpdated"]),
        )


def is_monitored(trigger: TimerTrigger, now_utc: datetime) -> bool:
    """Whether missed runs are made up for: not if they are under a minute apart, as on Azure."""
    first = trigger.schedule.after(now_utc)
    frequent = trigger.schedule.after(first) - first < _MONITOR_FROM
    return trigger.use_monitor is not False and not frequent


def first_run(
    schedule: Schedule, status: ScheduleStatus | None, now_utc: datetime
) -> tuple[datetime, bool]:
    """When a timer runs first after a start, and whether that run is past due."""
    if status is None:
        return schedule.after(now_utc), False
    # The schedule may have changed since the status was written: what counts is today's.
    due_utc = schedule.after(status.last_utc or status.updated_utc)
    return due_utc, due_utc <= now_utc


class TimerListener:
    """One timer function of one host."""

    def __init__(
        self,
        function: FunctionDefinition,
        trigger: TimerTrigger,
        *,
        container: ContainerClient,
        host_id: str,
        invoker: Invoker,
        log: logging.Logger,
    ) -> None:
        self._function = function
        self._trigger = trigger
        self._lock = BlobLock(container, f"locks/{host_id}/{function.name}.Listener")
        self._status_blob = container.get_blob_client(f"timers/{host_id}/{function.name}/status")
        self._invoker = invoker
        self._log = log
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start: wait for the lease, then for the next scheduled time."""
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(self._tell_if_broken)

    def _tell_if_broken(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error("Timer %s failed", self._function.name, exc_info=error)

    async def stop_listening(self) -> None:
        """Start no new calls; a running one continues."""
        self._stopping.set()

    async def stop(self) -> None:
        """Wait for a running call and release the lock."""
        self._stopping.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while not self._stopping.is_set():
            if not await self._or_stop(self._lock.acquire()):
                return
            keeper = asyncio.create_task(self._lock.keep())
            try:
                await self._serve()
            finally:
                keeper.cancel()
                await asyncio.wait({keeper})
                await self._lock.release()

    async def _or_stop(self, waiting: Any) -> bool:
        """Await something, unless the host stops first; says whether it came."""
        task = asyncio.ensure_future(waiting)
        stop = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
                return True
            return False
        finally:
            task.cancel()
            stop.cancel()
            await asyncio.wait({task, stop})

    async def _serve(self) -> None:
        """Fire by the clock while the lock is ours."""
        now = datetime.now(UTC)
        schedule = self._trigger.schedule
        monitored = is_monitored(self._trigger, now)
        known = await self._read_status() if monitored else None
        due_utc, past_due = first_run(schedule, known, now)
        status = known or ScheduleStatus(None, due_utc, now)
        if self._trigger.run_on_startup and not past_due:
            due_utc = now
        elif monitored and known is None:
            await self._write_status(status)
        while await self._until(due_utc):
            ran_utc = max(datetime.now(UTC), due_utc)
            if not await self._fire(status if monitored else None, past_due=past_due):
                return
            due_utc, past_due = schedule.after(max(datetime.now(UTC), due_utc)), False
            status = ScheduleStatus(ran_utc, due_utc, datetime.now(UTC))
            if monitored:
                await self._write_status(status)

    async def _until(self, due_utc: datetime) -> bool:
        """Wait for a moment; False when the host stops or the lock is lost before it comes."""
        while True:
            if self._stopping.is_set() or not self._lock.is_held:
                return False
            left = (due_utc - datetime.now(UTC)).total_seconds()
            if left <= 0:
                return True
            with contextlib.suppress(TimeoutError):
                # The lock may be lost while we wait: look again before it could have lapsed.
                nap = min(left, _LONGEST_NAP_SECONDS)
                await asyncio.wait_for(self._stopping.wait(), nap)

    async def _fire(self, status: ScheduleStatus | None, *, past_due: bool) -> bool:
        """Run the function; False when the host stopped first, and the run is still due."""
        reason = f"Timer fired at {datetime.now(UTC).isoformat()}"
        try:
            await self.invoke(status, past_due=past_due, reason=reason)
        except HostStoppingError:
            return False
        except InvocationError:
            pass  # logged where it failed; Azure waits for the next occurrence too
        return True

    async def invoke(self, status: ScheduleStatus | None, *, past_due: bool, reason: str) -> None:
        """Call the function now, with `@retry` if it has one.

        Raises:
            InvocationError: the last try failed.
        """
        value = wire.datum(
            "json",
            json.dumps(
                {
                    "Schedule": {"AdjustForDST": True},
                    "ScheduleStatus": status.to_json() if status else None,
                    "IsPastDue": past_due,
                }
            ),
        )
        retry = self._function.retry
        limit = retry.limit if retry else 0
        failures = 0
        while True:
            try:
                await self._invoker.invoke(
                    self._function,
                    value,
                    metadata={},
                    reason=reason,
                    retry={"count": failures, "limit": limit},
                )
            except HostStoppingError:
                raise
            except InvocationError:
                failures += 1
                if retry is None or (0 <= limit < failures):
                    raise
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(
                        self._stopping.wait(), retry.delay(failures).total_seconds()
                    )
                if self._stopping.is_set():
                    raise
            else:
                return

    async def _read_status(self) -> ScheduleStatus | None:
        try:
            stored = await (await self._status_blob.download_blob()).readall()
            return ScheduleStatus.from_json(json.loads(stored))
        except ResourceNotFoundError:
            return None
        except (AzureError, ValueError, KeyError, TypeError) as exc:
            self._log.warning(
                "What timer %s did last is not known (%s): it is not made up for",
                self._function.name,
                exc,
            )
            return None

    async def _write_status(self, status: ScheduleStatus) -> None:
        try:
            await self._status_blob.upload_blob(json.dumps(status.to_json()), overwrite=True)
        except AzureError as exc:
            self._log.warning(
                "Status of timer %s was not written (%s): it may run again after a restart",
                self._function.name,
                exc,
            )

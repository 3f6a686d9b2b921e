"""Work that runs to its end even if its caller is cancelled."""

import asyncio
import threading

import pytest

from local.supervision.tasks import uninterrupted

pytestmark = pytest.mark.anyio


async def test_caller_cancelled_twice_still_waits_for_the_work():
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go_on.wait()
        ended.set()

    task = asyncio.ensure_future(uninterrupted(asyncio.to_thread(work)))
    await asyncio.to_thread(begun.wait)
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0)
    held = not task.done()
    go_on.set()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert held
    assert ended.is_set()


async def test_error_of_the_work_is_raised():
    def work() -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        await uninterrupted(asyncio.to_thread(work))

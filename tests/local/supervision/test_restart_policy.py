"""The restart policy: a program that exits is restarted, and given up if it keeps exiting."""

from __future__ import annotations

import asyncio

import pytest

from local.errors import ProcessFailedError
from local.supervision.restart_policy import RestartPolicy, Restarts, keep_running

pytestmark = pytest.mark.anyio


class Flaky:
    """A program that exits after each of the given run times, then runs for ever."""

    def __init__(self, *lives):
        self.lives = list(lives)
        self.now = 0.0
        self.told = []
        self.lasting = asyncio.Event()

    def clock(self):
        return self.now

    async def ended(self):
        if not self.lives:
            self.lasting.set()
            await asyncio.get_running_loop().create_future()
        self.now += self.lives.pop(0)
        return 137

    async def start(self):
        self.told.append("start")

    async def stop(self):
        self.told.append("stop")


def kept(program):
    return keep_running(
        program,
        name="Azurite",
        consequence="",
        policy=RestartPolicy(first_pause_seconds=0.001, max_ends=5),
        clock=program.clock,
    )


async def test_exited_program_is_cleaned_up_and_restarted():
    program = Flaky(5, 5)

    keeping = asyncio.create_task(kept(program))
    await asyncio.wait_for(program.lasting.wait(), 5)
    keeping.cancel()
    await asyncio.wait({keeping})

    assert program.told == ["stop", "start"] * 2


async def test_program_that_keeps_exiting_is_given_up_with_its_last_exit_code():
    program = Flaky(*[1] * 10)

    with pytest.raises(ProcessFailedError, match=r"Azurite ended 6 times.*code 137"):
        await asyncio.wait_for(kept(program), 5)


async def test_program_that_exits_rarely_is_always_restarted():
    program = Flaky(*[61] * 20)

    keeping = asyncio.create_task(kept(program))
    await asyncio.wait_for(program.lasting.wait(), 5)
    keeping.cancel()
    await asyncio.wait({keeping})

    assert program.told.count("start") == 20


async def test_program_that_cannot_be_restarted_is_an_error():
    class Damaged(Flaky):
        async def start(self):
            raise ProcessFailedError("its state is damaged")

    with pytest.raises(ProcessFailedError, match="its state is damaged"):
        await kept(Damaged(1))


def test_pause_doubles_up_to_the_longest_and_starts_over_after_a_steady_run():
    restarts = Restarts(RestartPolicy(first_pause_seconds=1, longest_pause_seconds=3))

    assert [restarts.pause_after(10.0) for _ in range(4)] == [1, 2, 3, 3]
    assert restarts.pause_after(61.0) == 1
    assert {restarts.pause_after(0.0) for _ in range(2000)} == {2, 3}
    assert not restarts.are_used_up

"""Child processes: none outlives the parent, however the parent ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from local.errors import ProcessFailedError
from local.supervision.file_lock import try_lock
from local.supervision.processes import Command, ManagedProcess, child_environment

ROOT = Path(__file__).resolve().parents[3]
# A child in the group, one in its own session, one that ignores SIGTERM.
FAMILY = (
    "echo $$; sleep 300 & echo $!; setsid sleep 300 & echo $!; "
    # It prints its pid once its trap is set: an earlier signal would end it.
    "sh -c \"trap '' TERM; echo \\$\\$; while true; do sleep 0.1; done\" & wait"
)
PARENT = """
import asyncio, os, signal, sys
from pathlib import Path
from local.supervision.reaper import REAPER
from local.supervision.processes import Command, ManagedProcess

async def main(log, how):
    with open(f"{log}.lock", "a") as lock:
        import fcntl
        fcntl.flock(lock, fcntl.LOCK_EX)
        REAPER.keep_locked(lock.fileno())
        command = Command(name="family", argv=["bash", "-c", sys.argv[3]], log=log, environ={})
        await ManagedProcess.start(command)
        while len(log.read_text().split()) < int(sys.argv[4]):
            await asyncio.sleep(0.02)
        if how == "kill -9":
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "_exit":
            os._exit(0)

asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
"""


def command(log: Path, script: str, **environ: str) -> Command:
    return Command(name="child", argv=["bash", "-c", script], log=log, environ=environ)


def alive(log: Path) -> list[int]:
    found = []
    for pid in [int(word) for word in log.read_text().split() if word.isdigit()]:
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
    return found


async def until(condition) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - other processes do not tell us
            await asyncio.sleep(0.02)


def test_stop_ends_the_group_processes_that_left_it_and_those_that_ignore_sigterm(tmp_path):
    log = tmp_path / "log"

    async def story() -> None:
        # given
        process = await ManagedProcess.start(command(log, FAMILY))
        await until(lambda: len(log.read_text().split()) == 4)
        assert len(alive(log)) == 4

        # when
        await process.stop(grace_seconds=0.3)

        # then
        assert alive(log) == []
        await process.stop()  # harmless

    asyncio.run(story())


def test_grandchild_gets_the_grace_period_too(tmp_path):
    log = tmp_path / "log"
    slow = "trap 'sleep 0.4; echo done; exit' TERM; echo ready; while true; do sleep 0.05; done"

    async def story() -> None:
        # given: a shell that ends at once, and a program in it that tidies up
        process = await ManagedProcess.start(command(log, f'bash -c "{slow}" & wait'))
        await until(lambda: "ready" in log.read_text())

        # when
        await process.stop(grace_seconds=10)

    asyncio.run(story())

    # then
    assert "done" in log.read_text()


def test_cancelled_stop_still_kills_the_process(tmp_path):
    log = tmp_path / "log"

    async def story() -> None:
        # given
        process = await ManagedProcess.start(command(log, FAMILY))
        await until(lambda: len(log.read_text().split()) == 4)

        # when
        stopping = asyncio.create_task(process.stop(grace_seconds=60))
        await asyncio.sleep(0.2)
        stopping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopping

        # then
        await until(lambda: alive(log) == [])
        await process.stop()

    asyncio.run(story())


@pytest.mark.parametrize("how", ["kill -9", "_exit"])
def test_after_the_parents_end_children_are_ended_before_its_locks_are_released(tmp_path, how):
    # given
    log = tmp_path / "log"
    obedient = FAMILY.replace("trap '' TERM; ", "")
    slow = obedient.replace("wait", "trap 'sleep 1; exit' TERM; while true; do sleep 0.1; done")

    # when
    done = subprocess.run(
        [sys.executable, "-c", PARENT, log, how, slow, "4"],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        check=False,
    )

    # then
    assert done.returncode == (-signal.SIGKILL if how == "kill -9" else 0)
    with Path(f"{log}.lock").open("a") as lock:
        deadline = time.monotonic() + 20
        while not try_lock(lock):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert alive(log) == []


def test_children_that_were_not_stopped_are_ended_at_exit(tmp_path):
    # given: the family is not stopped
    log = tmp_path / "log"
    obedient = FAMILY.replace("trap '' TERM; ", "")

    # when
    subprocess.run(
        [sys.executable, "-c", PARENT, log, "return", obedient, "4"],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        check=True,
    )

    # then
    assert alive(log) == []


FORGETFUL = "touch $TMPDIR/forgotten; echo $TMPDIR; sleep 300"


def test_temporary_folder_of_a_child_is_removed_when_it_is_stopped(tmp_path):
    log = tmp_path / "log"

    async def story() -> Path:
        process = await ManagedProcess.start(command(log, FORGETFUL))
        await until(lambda: log.read_text().endswith("\n"))
        folder = log.read_text().strip()
        assert os.listdir(folder) == ["forgotten"]  # noqa: PTH208 - pathlib is not for coroutines
        await process.stop()
        return Path(folder)

    assert not asyncio.run(story()).exists()


@pytest.mark.parametrize("how", ["kill -9", "_exit", "return"])
def test_temporary_folder_of_a_child_is_removed_after_the_parents_end(tmp_path, how):
    # given
    log = tmp_path / "log"

    # when
    subprocess.run(
        [sys.executable, "-c", PARENT, log, how, FORGETFUL, "1"],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        check=False,
    )

    # then
    with Path(f"{log}.lock").open("a") as lock:  # held until all is cleaned up
        deadline = time.monotonic() + 20
        while not try_lock(lock):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert not Path(log.read_text().strip()).exists()


def test_temporary_folder_is_removed_when_the_program_cannot_be_started(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    absent = Command(name="thing", argv=["no-such-program"], log=tmp_path / "log", environ={})

    with pytest.raises(ProcessFailedError):
        asyncio.run(ManagedProcess.start(absent))

    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_child_environment_omits_misleading_variables(monkeypatch):
    # given
    monkeypatch.setenv("CONTAINER_NAME", "a cloud shell")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("AZURITE_DB", "mssql://somewhere")
    monkeypatch.setenv("AZURITE_ACCOUNTS", "mine:key")

    # when
    environ = child_environment({"MINE": "1"})

    # then
    assert environ["MINE"] == "1"
    assert environ["DO_NOT_TRACK"] == "1"
    assert not {"CONTAINER_NAME", "PYTHONDONTWRITEBYTECODE"} & set(environ)
    assert not [name for name in environ if name.startswith("AZURITE_")]
    assert environ["PATH"] == os.environ["PATH"]


def test_missing_program_is_named(tmp_path):
    absent = Command(name="thing", argv=["no-such-program"], log=tmp_path / "log", environ={})
    with pytest.raises(ProcessFailedError, match="thing: cannot start no-such-program"):
        asyncio.run(ManagedProcess.start(absent))


def test_log_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ProcessFailedError, match="cannot write its log"):
        asyncio.run(ManagedProcess.start(command(tmp_path / "file" / "log", "true")))

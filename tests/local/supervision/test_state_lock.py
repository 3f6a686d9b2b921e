"""The lock and the record of a state folder: one stack each, found by other commands."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from local.errors import LocalStackError
from local.supervision.stack_record import RunningStack
from local.supervision.state_lock import StateLock, clear_state

ROOT = Path(__file__).resolve().parents[3]
RECORD = RunningStack(
    pid=1,
    functions_url="http://127.0.0.1:1",
    master_key="m",
    function_key="f",
    mlflow_url="http://127.0.0.1:2",
    workspace_url="https://127.0.0.1:3",
    scoring_url="http://127.0.0.1:4",
    storage_connection_string="s",
    workspace_id="/w",
    environ={"A": "b"},
)
HOLDER = """
import asyncio, sys
from pathlib import Path
from local.supervision.processes import Command, ManagedProcess
from local.supervision.state_lock import StateLock

async def main(state):
    async with StateLock(state):
        command = Command(
            name="slow",
            argv=["bash", "-c", "trap 'sleep 1; exit' TERM; while true; do sleep 0.1; done"],
            log=state / "log",
            environ={},
        )
        await ManagedProcess.start(command)
        print("held", flush=True)
        await asyncio.sleep(300)

asyncio.run(main(Path(sys.argv[1])))
"""


def test_record_is_read_as_written_and_readable_by_its_owner_only(tmp_path):
    async def story() -> None:
        async with StateLock(tmp_path):
            RECORD.write(tmp_path)
            replace(RECORD, pid=2).write(tmp_path)
            assert RunningStack.read(tmp_path) == replace(RECORD, pid=2)

    asyncio.run(story())
    assert stat.S_IMODE((tmp_path / "stack.json").stat().st_mode) == 0o600


def test_record_without_a_running_stack_is_ignored(tmp_path):
    # given: what a killed stack leaves
    RECORD.write(tmp_path)

    # then
    with pytest.raises(LocalStackError, match="no stack runs over"):
        RunningStack.read(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", '{"pid": 1}', "\x00"])
def test_damaged_record_is_reported_with_its_path(tmp_path, text):
    async def story() -> None:
        async with StateLock(tmp_path):
            (tmp_path / "stack.json").write_text(text, encoding="utf-8")
            RunningStack.read(tmp_path)

    with pytest.raises(LocalStackError, match=r"stack\.json cannot be read"):
        asyncio.run(story())


def test_record_of_a_starting_stack_is_an_error_that_says_so(tmp_path):
    async def story() -> None:
        async with StateLock(tmp_path):
            RunningStack.read(tmp_path)

    with pytest.raises(LocalStackError, match="still starting"):
        asyncio.run(story())


def test_second_lock_on_a_state_folder_is_refused_with_the_remedy(tmp_path):
    async def story() -> None:
        async with StateLock(tmp_path), StateLock(tmp_path):
            pass

    with pytest.raises(LocalStackError, match=rf"process {os.getpid()}.* down"):
        asyncio.run(story())
    assert not StateLock.is_held(tmp_path)


def test_state_folder_is_created_for_its_owner_only(tmp_path):
    async def story() -> None:
        async with StateLock(tmp_path / "a" / "state"):
            assert StateLock.is_held(tmp_path / "a" / "state")

    asyncio.run(story())
    assert stat.S_IMODE((tmp_path / "a" / "state").stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_state_folder_that_cannot_be_used_is_reported(tmp_path, name):
    # given
    (tmp_path / "file").write_text("", encoding="utf-8")

    async def story() -> None:
        async with StateLock(tmp_path / name):
            pass

    # then
    with pytest.raises(LocalStackError, match="cannot be used"):
        asyncio.run(story())
    assert not StateLock.is_held(tmp_path / name)


def test_next_stack_waits_for_processes_of_a_killed_one(tmp_path):
    # given
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.send_signal(signal.SIGKILL)
        holder.wait()

        # when: the child takes a second to end
        assert StateLock.is_held(tmp_path)
        assert StateLock.holder(tmp_path) == holder.pid

        async def story() -> None:
            async with StateLock(tmp_path):
                assert StateLock.holder(tmp_path) == os.getpid()

        asyncio.run(story())

    # then
    assert StateLock.holder(tmp_path) is None


def test_record_can_be_written_as_json(tmp_path):
    RECORD.write(tmp_path)
    assert json.loads((tmp_path / "stack.json").read_text())["environ"] == {"A": "b"}
    RunningStack.forget(tmp_path)
    RunningStack.forget(tmp_path)  # harmless
    assert not (tmp_path / "stack.json").exists()


def test_state_of_an_ended_stack_is_cleared(tmp_path):
    # given
    async def story() -> None:
        state = tmp_path / "state"
        async with StateLock(state):
            (state / "azurite").mkdir()
            (state / "azurite" / "db.json").write_text("{}", encoding="utf-8")
            RECORD.write(state)

        # when
        await clear_state(state)

        # then
        assert [entry.name for entry in state.iterdir()] == ["stack.lock"]

    asyncio.run(story())


def test_state_of_a_stack_that_never_came_up_is_cleared(tmp_path):
    # given: interrupted between the log of the start and the start
    state = tmp_path / "state"
    asyncio.run(clear_state(state))
    (state / "logs").mkdir()
    (state / "logs" / "stack.log").write_text("", encoding="utf-8")

    # when
    asyncio.run(clear_state(state))

    # then
    assert [entry.name for entry in state.iterdir()] == ["stack.lock"]


def test_folder_that_is_not_a_state_folder_is_not_cleared(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work", encoding="utf-8")

    with pytest.raises(LocalStackError, match="not a stack's state folder: it is left as it is"):
        asyncio.run(clear_state(tmp_path))

    assert (tmp_path / "thesis.tex").exists()


def test_state_of_a_running_stack_is_not_cleared(tmp_path):
    async def story() -> None:
        async with StateLock(tmp_path):
            RECORD.write(tmp_path)
            with pytest.raises(LocalStackError, match=f"process {os.getpid()}"):
                await clear_state(tmp_path)
            assert RunningStack.read(tmp_path) == RECORD

    asyncio.run(story())


def test_looking_for_a_stack_creates_no_file(tmp_path):
    assert not StateLock.is_held(tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_state_of_another_user_is_refused_with_the_reason(tmp_path):
    # given
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    code = (
        "import os, sys; from pathlib import Path; import local.supervision.stack_record as r\n"
        "os.setuid(65534)\n"
        "try: r.RunningStack.read(Path(sys.argv[1]))\n"
        "except r.LocalStackError as exc: print(exc)"
    )

    # when
    said = subprocess.run(
        [sys.executable, "-c", code, state], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    # then
    assert "cannot be seen: Permission denied" in said

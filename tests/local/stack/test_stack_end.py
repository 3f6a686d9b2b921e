"""Shutdown of the stack: interrupts, `down`, damaged state; no process is left."""

from __future__ import annotations

import contextlib
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from stack_process import SECONDS, Up, local

from local.supervision.state_lock import StateLock

if TYPE_CHECKING:
    from collections.abc import Iterator


pytestmark = pytest.mark.stack


@pytest.fixture
def ended(tmp_path) -> Iterator[Up]:
    """A stack that the test itself stops."""
    running = Up(tmp_path / "state")
    yield running
    running.end()


def words(family: list[psutil.Process]) -> set[str]:
    found: set[str] = set()
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            found |= {Path(word).name for word in process.cmdline()}
    return found


@pytest.mark.parametrize(
    ("part", "number"),
    [("storage", signal.SIGINT), ("functions", signal.SIGTERM)],
    ids=str,
)
def test_stack_interrupted_while_starting_leaves_no_process(ended, part, number):
    # given
    ended.until(f"… {part}")

    # when
    code = ended.send(number)

    # then
    assert code == 128 + number, ended.said()
    assert "nothing is left running" in ended.said()
    assert "Traceback" not in ended.said()
    ended.assert_gone()


def test_interrupted_stack_ends_with_code_0_and_leaves_no_process(ended):
    # given
    ended.until("the stack is up")

    # when
    code = ended.send(signal.SIGINT)

    # then
    assert code == 0, ended.said()
    assert "nothing is left running" in ended.said()
    assert "Traceback" not in ended.said()
    ended.assert_gone()
    assert not (ended.state / "stack.json").exists()


def test_second_interrupt_ends_the_stack_at_once(ended):
    # given
    ended.until("… storage")
    deadline = time.monotonic() + SECONDS
    # A child that is stopped before it has become another program stops its parent, too.
    while not {"reaper_process.py", "gunicorn", "azurite.js"} <= words(ended.family):
        assert time.monotonic() < deadline
        ended.until("… storage")
    for process in ended.family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.suspend()  # ignores the first interrupt
    reaper = next(
        p for p in ended.family if any("reaper_process.py" in word for word in p.cmdline())
    )
    reaper.resume()

    # when
    ended.process.send_signal(signal.SIGINT)
    deadline = time.monotonic() + SECONDS
    while "once more" not in ended.said():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    began = time.monotonic()
    code = ended.send(signal.SIGINT)

    # then
    assert code == 128 + signal.SIGINT
    assert time.monotonic() - began < 4
    ended.assert_gone()


def test_down_ends_a_stack_that_is_still_starting(ended):
    # given
    ended.until("… storage")

    # when
    stopped = local(ended.state, "down")

    # then
    assert stopped.stdout == "stopped\n"
    assert ended.process.wait(5) == 128 + signal.SIGTERM
    ended.assert_gone()


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("azurite/__azurite_db_blob__.json", "is damaged"),
        ("azure_ml/mlflow/mlflow.db", "mlflow.db cannot be used"),
    ],
)
def test_damaged_state_is_reported_and_leaves_no_process(tmp_path, file, said):
    # given
    state = tmp_path / "state"
    (state / file).parent.mkdir(parents=True)
    (state / file).write_bytes(b"\x00 no longer what it was \xff" * 100)

    # when
    refused = local(state, "up")

    # then
    assert refused.returncode == 1, refused.stderr
    assert said in refused.stderr
    assert str(state) in refused.stderr
    assert "Traceback" not in refused.stderr.split("✕")[0]
    assert not StateLock.is_held(state)
    assert (state / file).read_bytes().startswith(b"\x00 no longer")

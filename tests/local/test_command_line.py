"""The command line without a running stack, and invalid calls."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local.supervision.file_lock import try_lock

ROOT = Path(__file__).resolve().parents[2]


def local(*arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def assert_refused(done: subprocess.CompletedProcess[str], said: str, *, code: int = 1) -> None:
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("status",), "no stack runs over"),
        (("down",), "no stack runs over"),
        (("fire", "reconcile"), "no stack runs over"),
        (("put", "README.md", "--to", "landing/"), "no stack runs over"),
        (("withdraw", "iris", "a.csv", "--reason", "wrong"), "no stack runs over"),
        (("lookup", "iris", "a.csv"), "no stack runs over"),
        (("logs",), "no logs in"),
        (("logs", "functions"), "no logs in"),
    ],
)
def test_command_without_a_running_stack_says_so_and_creates_no_folder(tmp_path, command, said):
    state = tmp_path / "a state"
    done = local("--state", state, *command)

    assert_refused(done, said)
    assert command == ("down",) or f"python -m local --state '{state}' up" in done.stderr
    assert not state.exists()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (("up", "--port", "web=80"), "services are blob"),
        (("up", "--port", "functions=99999"), "write SERVICE=PORT"),
        (("up", "--port", "functions"), "write SERVICE=PORT"),
        (("up", "--hosts", "0"), "0 is not a number from 1 up"),
        (("logs", "functions", "--lines", "-1"), "not a number from 1 up"),
        (("put", "README.md"), "--to"),
        (("withdraw", "iris", "a.csv"), "--reason"),
        (("lookup", "iris"), "FILE"),
        (("launch",), "invalid choice"),
        (("--stat=x", "status"), "unrecognized arguments: --stat=x"),
        (("up", "--host", "2"), "unrecognized arguments: --host"),
    ],
)
def test_wrong_usage_ends_with_code_2(call, said):
    assert_refused(local(*call), said, code=2)


def test_folder_without_a_function_app_is_refused_before_the_start(tmp_path):
    # given
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "local.yml").write_text("queues: [events]\n", encoding="utf-8")

    # then
    assert_refused(local("--app", tmp_path, "up"), "it has no requirements.txt")
    assert not (tmp_path / ".local").exists()


def test_missing_stack_file_is_named_with_the_option(tmp_path):
    assert_refused(local("--app", tmp_path, "up"), "name the stack file with --file")


def test_state_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "state").write_text("", encoding="utf-8")
    assert_refused(local("--state", tmp_path / "state", "up"), "cannot be used")


def test_damaged_ports_file_is_refused_before_the_start(tmp_path):
    (tmp_path / "ports.json").write_text("{", encoding="utf-8")
    assert_refused(local("--state", tmp_path, "up"), "ports.json is damaged")
    assert not (tmp_path / "logs").exists()


def test_taken_port_of_the_last_start_is_named_with_the_remedy(tmp_path):
    import socket  # noqa: PLC0415 - only here

    with socket.socket() as taken:
        # given
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        (tmp_path / "ports.json").write_text(f'{{"storage": {number}}}', encoding="utf-8")

        # then
        assert_refused(local("--state", tmp_path, "up"), f"port {number} for storage cannot be")


def test_registry_that_is_down_is_reported_with_the_setting_for_another(tmp_path):
    # given: an app whose environment is not built yet
    (tmp_path / "requirements.txt").write_text("nothing-of-this-name==1\n", encoding="utf-8")

    # when
    done = local(
        "--app",
        tmp_path,
        "prepare",
        UV_DEFAULT_INDEX="http://127.0.0.1:9/simple",
        UV_HTTP_RETRIES="0",
        UV_NO_CACHE="1",
        NPM_CONFIG_REGISTRY="http://127.0.0.1:9/",
        NPM_CONFIG_FETCH_RETRIES="0",
        NPM_CONFIG_CACHE=str(tmp_path / "npm"),
    )

    # then
    assert_refused(done, "reachable")
    assert "UV_DEFAULT_INDEX" in done.stderr or "NPM_CONFIG_REGISTRY" in done.stderr


def test_prepare_names_a_missing_environment_file(tmp_path):
    (tmp_path / "requirements.txt").write_text("", encoding="utf-8")
    assert_refused(
        local("--app", tmp_path, "prepare", "--environment", tmp_path / "absent.yml"),
        "absent.yml",
    )


def test_down_waits_for_a_lock_file_that_names_no_process(tmp_path):
    # given
    with (tmp_path / "stack.lock").open("w") as lock:
        assert try_lock(lock)
        lock.write("not a number")
        lock.flush()

        # when
        with subprocess.Popen(
            [sys.executable, "-m", "local", "--state", tmp_path, "down"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        ) as down:
            with pytest.raises(subprocess.TimeoutExpired):
                down.wait(2)
            fcntl.flock(lock, fcntl.LOCK_UN)
            said, _ = down.communicate(timeout=10)

    # then
    assert (down.returncode, said) == (0, "stopped\n")


def test_closed_output_pipe_is_not_an_error(tmp_path):
    # given
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "long.log").write_text("line\n" * 100_000, encoding="utf-8")

    # when
    with subprocess.Popen(
        [sys.executable, "-m", "local", "--state", tmp_path, "logs", "long", "--lines", "100000"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as reading:
        assert reading.stdout is not None
        assert reading.stderr is not None
        assert reading.stdout.readline() == "line\n"
        reading.stdout.close()
        said = reading.stderr.read()

    # then
    assert (reading.returncode, said) == (128 + signal.SIGPIPE, "")


def test_cache_folder_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "requirements.txt").write_text("", encoding="utf-8")
    (tmp_path / ".local").write_text("in the way", encoding="utf-8")

    assert_refused(local("--app", tmp_path, "prepare"), f"the folder {tmp_path / '.local'}")


def test_help_names_every_command():
    said = local("--help").stdout
    for command in ("up", "put", "withdraw", "lookup", "fire", "status", "logs", "down", "prepare"):
        assert f"  {command} " in said


def test_file_lock_is_exclusive(tmp_path):
    with (tmp_path / "lock").open("a") as one, (tmp_path / "lock").open("a") as other:
        assert try_lock(one)
        assert not try_lock(other)

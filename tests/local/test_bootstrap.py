"""The first step on a fresh machine: a script that needs only the standard library."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = "http://127.0.0.1:9/simple"  # the discard port: no service listens there


@pytest.fixture
def project(tmp_path) -> Path:
    (tmp_path / "local").mkdir()
    shutil.copy(ROOT / "local" / "bootstrap.py", tmp_path / "local")
    shutil.copy(ROOT / "requirements-dev.txt", tmp_path)
    return tmp_path


def bootstrap(project: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-S", project / "local" / "bootstrap.py"],
        env=os.environ | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_registry_that_is_down_is_named_without_its_password(project):
    # when
    secret = NOWHERE.replace("//", "//reader:s3cret@")
    done = bootstrap(project, PIP_INDEX_URL=secret, PIP_RETRIES="0", PIP_NO_CACHE_DIR="1")

    # then
    assert done.returncode == 1
    assert "✕ Set-up: installing uv==" in done.stderr
    assert f"package index {NOWHERE} failed" in done.stderr
    assert "s3cret" not in done.stderr
    assert "PIP_INDEX_URL" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project / ".venv").exists()


def test_second_setup_in_the_same_folder_waits_for_the_first(project):
    # given
    cache = project / ".local" / "cache"
    cache.mkdir(parents=True)
    with (cache / "bootstrap.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        # when
        with subprocess.Popen(
            [sys.executable, "-S", project / "local" / "bootstrap.py"],
            env=os.environ | {"PIP_INDEX_URL": NOWHERE, "PIP_RETRIES": "0"},
            stderr=subprocess.PIPE,
            text=True,
        ) as second:
            assert second.stderr is not None
            assert "1/3 Set-up" not in second.stderr.readline()
            nothing_begun = not list(cache.glob("uv-*"))
            second.terminate()
            said = second.stderr.read()

    # then
    assert nothing_begun
    assert "interrupted" in said


def test_environment_whose_python_is_gone_is_recreated(project):
    # given
    stamp = project / ".venv" / ".requirements-sha256"
    stamp.parent.mkdir()
    shown = [sys.executable, "-S", "-c", "import bootstrap; print(bootstrap._fingerprint())"]
    stamp.write_text(
        subprocess.run(
            shown, cwd=project / "local", capture_output=True, text=True, check=True
        ).stdout.strip(),
        encoding="utf-8",
    )

    # when
    with subprocess.Popen(
        [sys.executable, "-S", project / "local" / "bootstrap.py"],
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stderr is not None
        said = running.stderr.readline()
        running.terminate()
        running.communicate(timeout=30)

    # then
    assert "1/3 Set-up" in said
    assert running.returncode == 128 + signal.SIGTERM


def test_folder_that_cannot_be_written_is_named(project):
    (project / ".local").write_text("in the way", encoding="utf-8")

    done = bootstrap(project)

    assert done.returncode == 1
    assert f"{project}/.local" in done.stderr
    assert "has to be writable" in done.stderr
    assert "Traceback" not in done.stderr


def test_requirements_without_uv_are_reported_with_the_remedy(project):
    # given
    (project / "requirements-dev.txt").write_text("pytest==9.0.0\n", encoding="utf-8")

    # when
    done = bootstrap(project)

    # then
    assert done.returncode == 1
    assert "requirements-dev.txt pins no uv; run `make lock`" in done.stderr


def test_missing_requirements_are_reported(project):
    # given
    (project / "requirements-dev.txt").unlink()

    # when
    done = bootstrap(project)

    # then
    assert done.returncode == 1
    assert "requirements-dev.txt" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_setup_leaves_no_process_and_prints_no_traceback(project, number):
    # given
    with subprocess.Popen(
        [sys.executable, "-S", project / "local" / "bootstrap.py"],
        env=os.environ | {"PIP_INDEX_URL": NOWHERE, "PIP_RETRIES": "60"},
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    ) as running:
        started: list[psutil.Process] = []
        deadline = time.monotonic() + 60
        while len(started) < 2:  # one that has started one itself
            assert time.monotonic() < deadline
            time.sleep(0.05)
            started = psutil.Process(running.pid).children(recursive=True)

        # when: as a terminal and as `timeout` do it
        if number == signal.SIGINT:
            os.killpg(running.pid, number)
        else:
            running.send_signal(number)
        _, said = running.communicate(timeout=30)

    # then
    assert running.returncode == 128 + number
    assert "interrupted" in said
    assert "Traceback" not in said.split("interrupted")[-1]
    _, left = psutil.wait_procs(started, timeout=10)
    assert left == []

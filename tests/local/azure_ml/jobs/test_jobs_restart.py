"""Jobs survive a restart: those interrupted by a stop or a kill run again at the next start."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from azure_ml_plane import client_of, start, stop, wait_for
from azure_sdk import Output, command, dsl
from foreign_jobs import (
    a_command,
    children,
    first_line,
    has_ended,
    log_of,
    name,
    pipeline_of,
    plain,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.azurite,
    # the SDK's own, about its own schemas
    pytest.mark.filterwarnings("ignore::DeprecationWarning:azure|marshmallow|msrest|pydash"),
]


@pytest.fixture
def running(parts, loop_thread) -> Callable[[Path], Any]:
    """A context manager for a control plane over a folder."""

    @contextlib.contextmanager
    def run(folder: Path) -> Iterator[Any]:
        plane = parts.make(loop_thread, folder)
        try:
            loop_thread.run(start(plane))
            yield plane
        finally:
            loop_thread.run(stop(plane))

    return run


@pytest.fixture
def killed(tmp_path) -> Callable[[Any], Path]:
    """A folder with the state that a control plane would leave if it were killed now."""

    def copy(plane: Any) -> Path:
        async def copied() -> None:  # in its loop, so that no write is under way
            shutil.copytree(plane.state, tmp_path / "killed" / "state")

        plane.loop.run(copied())
        return tmp_path / "killed"

    return copy


def edit(folder: Path, job: str, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change a job's record on disk."""
    file = folder / "state" / "resources" / "jobs" / f"{job}.json"
    record = json.loads(file.read_text(encoding="utf-8"))
    change(record)
    file.write_text(json.dumps(record), encoding="utf-8")


def once_blocked(folder: Path, then: str) -> str:
    """A script that hangs the first time it runs and ends well the second time."""
    mark = folder / name("ran")
    return f"echo began; if [ ! -e {mark} ]; then touch {mark}; sleep 600; fi; {then}"


def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def statuses(plane: Any, job: str) -> list[str]:
    return [data["runStatus"] for kind, data in plane.events_of(job) if kind == "RunStatusChanged"]


def chain(first: str, second: str) -> Any:
    """A pipeline of two steps, the second with the output of the first."""
    writes = command(
        name="writes",
        command=f"{first}; echo words > ${{{{outputs.out}}}}/words",
        environment=plain(),
        outputs={"out": Output(type="uri_folder")},
    )
    reads = command(
        name="reads",
        command=second,
        environment=plain(),
        inputs={"words": {"type": "uri_folder"}},
    )

    @dsl.pipeline(experiment_name="foreign", default_compute="serverless")
    def both():
        reads(words=writes().outputs.out)

    made = both()
    made.name = name("chain")
    made.settings.force_rerun = True
    return made


def test_running_job_is_rerun_under_its_name_after_a_stop(running, tmp_path, monkeypatch):
    # given
    with running(tmp_path) as first:
        client = client_of(first, monkeypatch)
        script = once_blocked(tmp_path, "echo done")
        job = client.jobs.create_or_update(a_command(script)).name
        until(lambda: any(tmp_path.glob("ran-*")))
        pids = [child.pid for child in psutil.Process().children() if "sleep" in child.name()]

    # when
    with running(tmp_path) as second:
        done = wait_for(client_of(second, monkeypatch), job)

    # then
    assert done.status == "Completed"
    assert "azureml.error" not in done.properties
    assert "failed" not in statuses(first, job) + statuses(second, job)
    assert statuses(second, job) == ["queued", "preparing", "running", "finalizing", "completed"]
    log = log_of(second, job)
    assert log.splitlines()[-2:] == ["began", "done"]
    assert "the stack was stopped here" in log
    assert all(has_ended(pid) for pid in pids)


def test_pipeline_resumes_with_the_running_step_after_a_kill(
    running, killed, tmp_path, monkeypatch
):
    # given
    with running(tmp_path) as first:
        client = client_of(first, monkeypatch)
        count = tmp_path / "count"
        job = client.jobs.create_or_update(
            chain(f"echo x >> {count}", once_blocked(tmp_path, "cat ${{inputs.words}}/words"))
        ).name
        until(lambda: any(tmp_path.glob("ran-*")))
        before = children(client, job)
        folder = killed(first)

    # when
    with running(folder) as second:
        client = client_of(second, monkeypatch)
        done = wait_for(client, job)
        after = children(client, job)

    # then
    assert done.status == "Completed"
    assert {step: child.name for step, child in after.items()} == {
        step: child.name for step, child in before.items()
    }
    assert {child.status for child in after.values()} == {"Completed"}
    assert count.read_text().splitlines() == ["x"]
    assert log_of(second, after["reads"].name).endswith("words\n")
    said = (second.state / "jobs" / job / "logs/azureml/executionlogs.txt").read_text()
    assert f"reads: runs again as {after['reads'].name}" in said
    assert statuses(second, after["writes"].name) == []


def test_job_completes_after_two_stops(running, tmp_path, monkeypatch):
    # given
    blocked = tmp_path / "open"
    for _ in range(2):
        with running(tmp_path) as plane:
            client = client_of(plane, monkeypatch)
            if not any((tmp_path / "state" / "resources" / "jobs").glob("*.json")):
                script = f"until [ -e {blocked} ]; do sleep 0.1; done"
                job = client.jobs.create_or_update(a_command(script)).name
            wait_for(client, job, "Running")

    # when
    blocked.touch()
    with running(tmp_path) as last:
        done = wait_for(client_of(last, monkeypatch), job)

    # then
    assert done.status == "Completed"


def test_queued_jobs_run_after_a_restart_in_the_order_they_were_queued(
    running, killed, tmp_path, monkeypatch
):
    # given: as many as run at once, and two that wait
    order = tmp_path / "order"
    with running(tmp_path) as first:
        client = client_of(first, monkeypatch)
        jobs = []
        for number in range(4):
            wait = once_blocked(tmp_path, f"echo {number} >> {order}")
            script = wait if number < 2 else f"echo {number} >> {order}"
            jobs.append(client.jobs.create_or_update(a_command(script)).name)
        wait_for(client, jobs[-1], "Queued")
        until(lambda: len(list(tmp_path.glob("ran-*"))) == 2)
        folder = killed(first)

    # when
    with running(folder) as second:
        client = client_of(second, monkeypatch)
        ended = [wait_for(client, job).status for job in jobs]

    # then
    assert ended == ["Completed"] * 4
    said = order.read_text().split()
    assert set(said[:2]) == {"0", "1"}
    assert said.index("2") < said.index("3")


def test_job_that_was_being_cancelled_is_cancelled_after_a_restart(
    running, killed, tmp_path, monkeypatch
):
    # given
    with running(tmp_path) as first:
        client = client_of(first, monkeypatch)
        job = client.jobs.create_or_update(pipeline_of("sleep 600")).name
        until(lambda: "step_0" in children(client, job))
        folder = killed(first)
    edit(folder, job, lambda record: record["properties"].update(status="CancelRequested"))

    # when
    with running(folder) as second:
        client = client_of(second, monkeypatch)
        ended, (step,) = client.jobs.get(job), children(client, job).values()

    # then
    assert (ended.status, step.status) == ("Canceled", "Canceled")
    assert statuses(second, job) == ["canceled"]


def test_job_stored_but_not_started_before_a_kill_runs_after_a_restart(
    running, killed, tmp_path, monkeypatch
):
    # given: no MLflow run yet, and so no answer to the client
    with running(tmp_path) as first:
        client = client_of(first, monkeypatch)
        job = client.jobs.create_or_update(a_command(once_blocked(tmp_path, "true"))).name
        until(lambda: any(tmp_path.glob("ran-*")))
        folder = killed(first)

    def back(record: dict[str, Any]) -> None:
        record["properties"]["status"] = "NotStarted"
        del record["local"]["mlflowRunId"], record["local"]["experimentId"]

    edit(folder, job, back)

    # when
    with running(folder) as second:
        done = wait_for(client_of(second, monkeypatch), job)

    # then
    assert done.status == "Completed"


def test_pipeline_with_a_failed_step_fails_after_a_restart_and_runs_nothing_again(
    running, killed, tmp_path, monkeypatch
):
    # given: one step failed, the stack was killed before that ended the job
    with running(tmp_path) as first:
        client = client_of(first, monkeypatch)
        count = tmp_path / "count"
        job = client.jobs.create_or_update(
            pipeline_of(f"echo x >> {count}; sleep 600", f"echo x >> {count}; sleep 601")
        ).name
        until(lambda: count.exists() and count.read_text() == "x\nx\n")
        steps = children(client, job)
        folder = killed(first)

    def failed(record: dict[str, Any]) -> None:
        record["properties"]["status"] = "Failed"
        record["local"].update(error="step 'step_0' ended with code 3", announced=True)

    edit(folder, steps["step_0"].name, failed)

    # when
    with running(folder) as second:
        client = client_of(second, monkeypatch)
        ended = wait_for(client, job)
        after = children(client, job)

    # then
    assert ended.status == "Failed"
    assert ended.properties["azureml.error"] == "step 'step_0' ended with code 3"
    assert after["step_1"].status == "Canceled"
    assert count.read_text() == "x\nx\n"


def test_job_whose_environment_is_deleted_during_a_stop_fails_with_the_reason(
    running, killed, tmp_path, monkeypatch
):
    # given
    with running(tmp_path) as first:
        client = client_of(first, monkeypatch)
        job = client.jobs.create_or_update(a_command(once_blocked(tmp_path, "true"))).name
        until(lambda: any(tmp_path.glob("ran-*")))
        folder = killed(first)
    shutil.rmtree(folder / "state" / "resources" / "environments")

    # when
    with running(folder) as second:
        ended = client_of(second, monkeypatch).jobs.get(job)

    # then
    assert ended.status == "Failed"
    assert "it cannot be run again: " in ended.properties["azureml.error"]


def test_step_that_gets_sigterm_together_with_the_stack_does_not_fail(
    running, tmp_path, monkeypatch
):
    # given: as when a machine is shut down, every process is told to end at the same time
    with running(tmp_path) as first:
        client = client_of(first, monkeypatch)
        pid = tmp_path / "pid"
        script = f"echo $$ > {pid}; {once_blocked(tmp_path, 'true')}"
        job = client.jobs.create_or_update(a_command(script)).name
        until(lambda: any(tmp_path.glob("ran-*")))
        group = int(first_line(pid))
        first.server.interrupt()
        os.killpg(group, signal.SIGTERM)
        until(lambda: not first.server._runner._tasks)

    # when
    with running(tmp_path) as second:
        done = wait_for(client_of(second, monkeypatch), job)

    # then
    assert done.status == "Completed"
    assert "failed" not in statuses(first, job)

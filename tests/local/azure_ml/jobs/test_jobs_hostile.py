"""Misbehaving steps, through the real SDK: each ends with a reason and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

import pytest
import requests
from azure_ml_plane import client_of, mlflow_in, start, stop, wait_for
from azure_sdk import Output
from foreign_jobs import (
    a_command,
    children,
    first_line,
    has_ended,
    log_of,
    name,
    pipeline_of,
    put_text,
    read_text,
    word_pipeline,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.azurite,
    # the SDK's own, about its own schemas
    pytest.mark.filterwarnings("ignore::DeprecationWarning:azure|marshmallow|msrest|pydash"),
]


@pytest.mark.parametrize(
    ("script", "kind", "said"),
    [
        ("rm -r ${{outputs.out}}; echo hi > ${{outputs.out}}", "uri_folder", "a file is at"),
        ("mkdir ${{outputs.out}}; echo > ${{outputs.out}}/a", "uri_file", "a folder is at"),
        ("echo > ${{outputs.out}}/$(printf 'x\\377')", "uri_folder", "cannot hold"),
    ],
)
def test_output_of_another_type_than_declared_fails_the_step(ml_client, script, kind, said):
    # given
    job = a_command(script, outputs={"out": Output(type=kind)})

    # when
    failed = wait_for(ml_client, ml_client.jobs.create_or_update(job).name)

    # then
    assert failed.status == "Failed"
    assert said in failed.properties["azureml.error"]
    assert "'out'" in failed.properties["azureml.error"]


def test_very_long_log_line_is_cut_in_the_error(plane, ml_client):
    # given
    job = a_command("head -c 3000000 /dev/zero | tr '\\0' x; printf '\\377'; exit 1")

    # when
    failed = wait_for(ml_client, ml_client.jobs.create_or_update(job).name)

    # then
    assert "ended with code 1" in failed.properties["azureml.error"]
    assert len(failed.properties["azureml.error"]) < 5_000
    log = plane.state / "jobs" / failed.name / "user_logs" / "std_log.txt"
    assert log.stat().st_size == 3_000_001


def test_step_that_fills_its_log_is_stopped(ml_client, monkeypatch):
    # given
    monkeypatch.setattr("local.azure_ml.jobs.step_run._MOST_LOG_BYTES", 1 << 20)

    # when
    failed = wait_for(ml_client, ml_client.jobs.create_or_update(a_command("yes")).name)

    # then
    assert failed.status == "Failed"
    assert "printed more than 1 MiB" in failed.properties["azureml.error"]


def test_command_that_cannot_be_started_fails_the_job(ml_client):
    # given
    job = a_command("echo 'a\0b'")

    # when
    failed = wait_for(ml_client, ml_client.jobs.create_or_update(job).name)

    # then
    assert "cannot start" in failed.properties["azureml.error"]
    assert "the local stack failed" not in failed.properties["azureml.error"]


def test_cancelled_step_that_ignores_sigterm_is_killed_with_its_children(plane, ml_client):
    # given
    stubborn = "trap '' TERM; while true; do sleep 1; done"
    job = a_command(f'trap "" TERM; setsid bash -c "{stubborn}" & echo $!; wait; sleep 600')
    running = ml_client.jobs.create_or_update(job)
    wait_for(ml_client, running.name, "Running")
    pid = int(first_line(plane.state / "jobs" / running.name / "user_logs" / "std_log.txt"))

    # when
    ml_client.jobs.begin_cancel(running.name).result()

    # then
    assert wait_for(ml_client, running.name).status == "Canceled"
    assert has_ended(pid)


def test_daemon_left_by_a_step_is_ended(plane, ml_client):
    # given
    job = a_command("setsid sleep 600 >/dev/null 2>&1 & echo $!")

    # when
    done = wait_for(ml_client, ml_client.jobs.create_or_update(job).name)

    # then
    assert done.status == "Completed"
    assert has_ended(int(log_of(plane, done.name)))


def test_cancelling_a_queued_or_ended_job_ends_it_once(plane, ml_client):
    # given
    holders = [ml_client.jobs.create_or_update(a_command("sleep 600")).name for _ in range(2)]
    for holder in holders:
        wait_for(ml_client, holder, "Running")
    queued = ml_client.jobs.create_or_update(pipeline_of("echo never"))
    wait_for(ml_client, queued.name, "Queued")

    # when
    for job in (queued.name, *holders, queued.name):
        ml_client.jobs.begin_cancel(job).result()

    # then
    for job in (queued.name, *holders):
        assert wait_for(ml_client, job).status == "Canceled"
    statuses = [data["runStatus"] for _, data in plane.events_of(queued.name)]
    assert statuses == ["queued", "cancelRequested", "canceled"]
    assert children(ml_client, queued.name) == {}


@pytest.mark.parametrize(
    ("script", "status"), [("echo waiting; sleep 600", "Canceled"), ("echo hi", "Completed")]
)
def test_cancelling_a_job_that_is_finishing_lets_it_finish(
    plane, ml_client, monkeypatch, script, status
):
    # given: a job that waits for MLflow to hear of its end
    ending, go_on = threading.Event(), threading.Event()
    end_run = type(plane.server._mlflow).end_run

    async def slow_end(server: Any, run: str, how: str) -> None:
        ending.set()
        await asyncio.to_thread(go_on.wait)
        await end_run(server, run, how)

    monkeypatch.setattr(type(plane.server._mlflow), "end_run", slow_end)
    job = ml_client.jobs.create_or_update(a_command(script)).name
    if status == "Canceled":
        wait_for(ml_client, job, "Running")
        ml_client.jobs.begin_cancel(job).result()
    assert ending.wait(60)

    # when
    for _ in range(2):
        ml_client.jobs.begin_cancel(job).result()
    go_on.set()

    # then
    assert wait_for(ml_client, job).status == status


def test_full_disk_fails_the_job_and_its_step_with_the_reason(plane, ml_client, monkeypatch):
    # given
    text = put_text(plane, f"{name('texts')}/a.txt", name("word"))
    store = type(plane.workspace.blobs)

    async def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    # when
    monkeypatch.setattr(store, "download_file", full)
    failed = wait_for(ml_client, ml_client.jobs.create_or_update(word_pipeline(text)).name)

    # then
    assert "No space left on device" in failed.properties["azureml.error"]
    assert {child.status for child in children(ml_client, failed.name).values()} == {"Failed"}


def test_step_whose_earlier_output_was_changed_is_not_reused(plane, ml_client):
    # given
    text = put_text(plane, f"{name('texts')}/a.txt", f"one {name('word')}")
    first = wait_for(ml_client, ml_client.jobs.create_or_update(word_pipeline(text)).name)
    counts = children(ml_client, first.name)["counted"].outputs["counts"].path
    blob = plane.workspace.locate(counts)
    (item,) = plane.loop.run(plane.workspace.blobs.list(blob.container, blob.path))
    plane.loop.run(plane.workspace.blobs.upload_bytes(b"{}", blob.container, item.name))

    # when
    again = wait_for(ml_client, ml_client.jobs.create_or_update(word_pipeline(text)).name)

    # then
    assert "azureml.isreused" not in children(ml_client, again.name)["counted"].properties
    assert read_text(plane, again.outputs.total.path) == "4"


def test_step_is_not_reused_for_the_same_content_under_another_file_name(plane, ml_client):
    # given
    folder, content = name("texts"), name("word")
    for file in ("a.txt", "a.csv"):
        text = put_text(plane, f"{folder}/{file}", content)
        job = wait_for(ml_client, ml_client.jobs.create_or_update(word_pipeline(text)).name)

    # then
    assert "azureml.isreused" not in children(ml_client, job.name)["counted"].properties


def answered_without_mlflow(plane):
    api = f"{plane.server.tracking_uri}/api/2.0/mlflow"
    token = plane.server._step_environ()["MLFLOW_TRACKING_TOKEN"]

    def asked(method, url, body=None):
        headers = {"Authorization": f"Bearer {token}"}
        return requests.request(method, url, json=body, headers=headers, timeout=20).status_code

    asked("POST", f"{api}/registered-models/create", {"name": "m"})  # known to the workspace alone
    of_a_run = {"name": "m", "source": "runs:/r/model", "run_id": "r"}
    return {
        asked("GET", f"{plane.server.mlflow_ui_url}/version"),
        asked("GET", f"{plane.server.tracking_uri}/version"),
        asked("GET", f"{api}/runs/get?run_id=r"),
        asked("POST", f"{api}/model-versions/create", of_a_run),
    }


def test_job_ends_while_mlflow_is_down_and_calls_to_mlflow_are_503(
    parts, loop_thread, tmp_path, monkeypatch
):
    # given
    mlflow = mlflow_in(tmp_path / "mlflow", parts.storage, cache=tmp_path / "cache")
    plane = parts.make(loop_thread, tmp_path, mlflow=mlflow)
    try:
        loop_thread.run(mlflow.start())
        loop_thread.run(start(plane))
        client = client_of(plane, monkeypatch)
        running = client.jobs.create_or_update(a_command("sleep 600")).name
        wait_for(client, running, "Running")
        loop_thread.run(mlflow._process.stop())

        # when
        client.jobs.begin_cancel(running).result()

        # then
        assert wait_for(client, running, seconds=20).status == "Canceled"

        # and: by page, tracking and registry alike, also between stop and start
        assert answered_without_mlflow(plane) == {503}
        loop_thread.run(mlflow.stop())
        assert answered_without_mlflow(plane) == {503}
    finally:
        loop_thread.run(stop(plane))
        loop_thread.run(mlflow.stop())

    # and: what the first start left for new states knows nothing of the run
    (empty,) = (tmp_path / "cache").iterdir()
    assert rows_of(empty) == {"experiments": 1, "runs": 0}
    assert rows_of(tmp_path / "mlflow" / "mlflow.db")["runs"] == 1


def rows_of(database: Path) -> dict[str, int]:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
            for table in ("experiments", "runs")
        }


def test_job_end_left_unpublished_by_a_kill_is_published_after_a_restart(
    parts, loop_thread, tmp_path, monkeypatch
):
    # given: the job's end is stored, and its event goes nowhere
    first = parts.make(loop_thread, tmp_path)
    loop_thread.run(start(first))
    try:
        client = client_of(first, monkeypatch)
        job = wait_for(client, client.jobs.create_or_update(a_command("echo hi")).name).name
        first.workspace.resources.put(
            f"jobs/{job}",
            {**first.workspace.resources.get(f"jobs/{job}"), "local": _unannounced(first, job)},
        )
    finally:
        loop_thread.run(stop(first))

    # when
    second = parts.make(loop_thread, tmp_path)
    loop_thread.run(start(second))
    loop_thread.run(second.server._runner.resume())
    loop_thread.run(stop(second))

    # then
    assert [kind for kind, _ in second.events_of(job)] == ["RunStatusChanged", "RunCompleted"]


def _unannounced(plane: Any, job: str) -> dict[str, Any]:
    notes = plane.workspace.resources.get(f"jobs/{job}")["local"]
    return {key: value for key, value in notes.items() if key != "announced"}

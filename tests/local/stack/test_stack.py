"""The real stack through its command line: its state, its output and its shutdown."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
import requests
from azure.storage.blob import BlobServiceClient
from stack_process import SECONDS, Up, call, local, status_of, submit

from local.azure_ml.server import BUILT_IN_DATASTORES
from local.supervision.stack_record import RunningStack
from local.supervision.state_lock import StateLock

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.stack


@dataclass(frozen=True)
class Killed:
    """A stack that was killed just after a file was put."""

    stack: Up
    record: RunningStack
    job: str
    gate: Path  # a pipe that the job reads
    temporary: set[str]  # folders of its processes
    code: int


@pytest.fixture(scope="module")
def killed(tmp_path_factory) -> Iterator[Killed]:
    folder = tmp_path_factory.mktemp("stack")
    (folder / "kept.csv").write_text("a\n1\n", encoding="utf-8")
    first = Up(folder / "state")
    try:
        first.until("the stack is up")
        record = RunningStack.read(first.state)
        put = local(first.state, "put", str(folder / "kept.csv"), "--to", "quarantine/")
        assert put.returncode == 0, put.stderr
        gate = folder / "gate"
        os.mkfifo(gate)
        job = submit(record, f"read _ < {gate}")
        while status_of(record, job) != "Running":
            time.sleep(0.1)
        first.look()
        temporary = {p.environ().get("TMPDIR", "") for p in first.family} - {""}
        yield Killed(first, record, job, gate, temporary, first.send(signal.SIGKILL))
    finally:
        first.end()


@pytest.fixture(scope="module")
def up(killed) -> Iterator[Up]:
    """One running stack for all tests that do not end it, after one that was killed."""
    running = Up(killed.stack.state)  # at once: it waits for what still ends
    try:
        running.until("the stack is up")
        _, left = psutil.wait_procs(killed.stack.family, timeout=0)
        assert left == []
        yield running
        # Whatever the tests did, an orderly shutdown leaves nothing.
        running.look()
        assert local(running.state, "down").stdout == "stopped\n"
        assert running.process.wait(5) == 0
        running.assert_gone()
        assert not (running.state / "stack.json").exists()
    finally:
        running.end()


def test_status_shows_addresses_that_answer(up):
    # when
    said = local(up.state, "status").stdout

    # then
    record = RunningStack.read(up.state)
    assert f"process {up.process.pid}" in said
    for url in (record.functions_url, record.mlflow_url, record.scoring_url):
        assert url in said
        with contextlib.suppress(urllib.error.HTTPError):  # it answered
            urllib.request.urlopen(url, timeout=30).close()  # noqa: S310 - loopback
    assert record.function_key in said
    assert record.master_key not in said


def test_status_shows_each_endpoint_with_the_key_that_opens_it(up):
    # given
    record = RunningStack.read(up.state)
    path = f"{record.workspace_id}/onlineEndpoints/retrain-roses"
    call(record, "PUT", path, {"location": "local", "properties": {"authMode": "Key"}})

    # when
    said = local(up.state, "status").stdout

    # then
    key = call(record, "POST", f"{path}/listKeys")["primaryKey"]
    address = f"{record.scoring_url}/retrain-roses/score"
    assert f"{address}  (key: {key})" in said
    wrong, right = (
        requests.post(address, headers={"Authorization": f"Bearer {sent}"}, timeout=30).status_code
        for sent in ("another", key)
    )
    assert wrong == 401
    assert right == 404  # no deployment takes its traffic yet


def test_put_uploads_a_file_and_refuses_an_invalid_destination(up, tmp_path):
    # given
    (tmp_path / "rows.csv").write_text("a\n1\n", encoding="utf-8")

    # when
    put = local(up.state, "put", str(tmp_path / "rows.csv"), "--to", "data/somewhere/")

    # then
    assert put.returncode == 0, put.stderr
    record = RunningStack.read(up.state)
    with BlobServiceClient.from_connection_string(record.storage_connection_string) as client:
        assert client.get_blob_client("data", "somewhere/rows.csv").download_blob().readall()
    for arguments, said in (
        (
            (str(tmp_path / "rows.csv"), "--to", "nowhere/"),
            "there are: azure",
        ),
        ((str(tmp_path / "rows.csv"), "--to", "Bad_Name/"), "storage refused"),
        ((str(tmp_path / "absent.csv"), "--to", "data/"), "cannot read"),
        ((str(tmp_path), "--to", "data/"), "cannot read"),
    ):
        refused = local(up.state, "put", *arguments)
        assert refused.returncode == 1
        assert said in refused.stderr
        assert "Traceback" not in refused.stderr


def test_put_reports_that_no_subscription_matches(up, tmp_path):
    # given
    (tmp_path / "rows.csv").write_text("a\n1\n", encoding="utf-8")

    # when
    said = local(up.state, "put", str(tmp_path / "rows.csv"), "--to", "data/elsewhere/").stdout

    # then
    assert said.splitlines()[0].endswith("to data/elsewhere/rows.csv")
    assert said.splitlines()[1:] == [
        "no event subscription takes it: no function hears of it",
    ]


def test_put_for_an_unknown_model_shows_the_outcome_in_the_app(up, tmp_path):
    # given
    (tmp_path / "rows.csv").write_text("a\n1\n", encoding="utf-8")

    # when
    said = local(up.state, "put", str(tmp_path / "rows.csv"), "--to", "landing/nobody/").stdout

    # then
    lines = said.splitlines()
    assert lines[1:3] == ["its event goes to landing-to-events", "on_event took it:"]
    assert "nobody" in lines[3]


def test_put_without_waiting_lists_the_matching_subscriptions(up, tmp_path):
    # given
    (tmp_path / "rows.csv").write_text("a\n1\n", encoding="utf-8")
    place = ("--to", "landing/nobody/", "--no-wait")

    # when
    said = local(up.state, "put", str(tmp_path / "rows.csv"), *place).stdout

    # then
    assert said.splitlines()[1:] == ["its event goes to landing-to-events"]


def test_fire_runs_a_timer_and_refuses_other_names(up):
    assert local(up.state, "fire", "reconcile").returncode == 0
    for name in ("reconsile", "on_event"):
        refused = local(up.state, "fire", name)
        assert refused.returncode == 1
        assert f"no timer '{name}'; there are: drift_daily, reconcile" in refused.stderr


def test_logs_are_listed_and_shown(up):
    assert "functions" in local(up.state, "logs").stdout.split()
    functions = local(up.state, "logs", "functions", "--lines", "1000").stdout
    assert "Host started" in functions
    assert len(local(up.state, "logs", "azurite", "--lines", "2").stdout.splitlines()) == 2
    assert "there are: " in local(up.state, "logs", "nothing").stderr


def test_second_stack_over_the_same_folder_is_refused(up):
    # when
    second = local(up.state, "up")

    # then
    assert second.returncode == 1
    assert f"(process {up.process.pid})" in second.stderr
    assert local(up.state, "status").returncode == 0


def test_state_is_readable_by_its_owner_only_and_no_log_holds_a_key(up):
    record = RunningStack.read(up.state)
    keys = json.loads((up.state / "functions" / "keys.json").read_text())
    secrets = [record.master_key, record.function_key, keys["event_grid"]]
    secrets += [record.environ["IDENTITY_HEADER"], *keys["functions"].values()]

    # then
    assert stat.S_IMODE(up.state.stat().st_mode) == 0o700
    for path in up.state.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    logs = [*(up.state / "logs").rglob("*.log"), up.output]
    for log in logs:
        text = log.read_text(encoding="utf-8", errors="replace")
        assert not any(secret in text for secret in secrets), log


def test_stack_listens_on_loopback_only(up):
    up.look()
    family = [psutil.Process(up.process.pid), *up.family]
    listening = [
        connection.laddr
        for process in family
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) > 5
    assert {address.ip for address in listening} == {"127.0.0.1"}


def test_restart_after_a_kill_keeps_addresses_and_files(killed, up):
    assert killed.code == -signal.SIGKILL
    after = RunningStack.read(up.state)
    assert after.storage_connection_string == killed.record.storage_connection_string
    assert after.master_key == killed.record.master_key
    with BlobServiceClient.from_connection_string(after.storage_connection_string) as client:
        assert client.get_blob_client("quarantine", "kept.csv").exists()


def test_job_of_a_killed_stack_is_rerun_not_failed(killed, up):
    # given
    record = RunningStack.read(up.state)
    before = status_of(record, killed.job)

    # when
    killed.gate.write_text("go\n", encoding="utf-8")

    # then
    assert before in {"Queued", "Preparing", "Running"}
    deadline = time.monotonic() + SECONDS
    while (now := status_of(record, killed.job)) != "Completed":
        assert now in {"Queued", "Preparing", "Running", "Finalizing"}
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.usefixtures("up")
def test_temporary_folders_of_a_killed_stack_are_removed(killed):
    assert len(killed.temporary) > 3
    assert not [folder for folder in killed.temporary if Path(folder).exists()]


def test_killed_azurite_is_restarted_with_its_containers(up, tmp_path):
    # given
    (tmp_path / "a.csv").write_text("a\n1\n", encoding="utf-8")
    database = up.state / "azurite" / "__azurite_db_blob__.json"
    storage = RunningStack.read(up.state).storage_connection_string
    forgotten = {"data", *BUILT_IN_DATASTORES.values()}
    with BlobServiceClient.from_connection_string(storage) as client:
        for container in forgotten:
            client.delete_container(container)
        deadline = time.monotonic() + SECONDS
        while any(f'"name":"{name}"' in database.read_text("utf-8") for name in forgotten):
            assert time.monotonic() < deadline
            time.sleep(0.1)

        # when
        kill(up, "azurite.js", name="Azurite")

        # then
        put = local(up.state, "put", str(tmp_path / "a.csv"), "--to", "data/")
        assert put.returncode == 0, put.stderr  # its client waits for storage
        assert forgotten <= {container.name for container in client.list_containers()}
    assert "Traceback" not in up.said()
    assert local(up.state, "status").returncode == 0


def test_killed_mlflow_is_restarted_at_the_same_address(up):
    # given
    address = RunningStack.read(up.state).mlflow_url
    api = f"{address}/ajax-api/2.0/mlflow/experiments"
    requests.post(f"{api}/create", json={"name": "kept"}, timeout=30).raise_for_status()

    # when
    kill(up, "mlflow.server:app", name="MLflow")

    # then
    deadline = time.monotonic() + SECONDS
    while not answers(f"{api}/get-by-name?experiment_name=kept"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert "Traceback" not in up.said()
    assert local(up.state, "status").returncode == 0


def kill(up: Up, word: str, *, name: str) -> None:
    """Kill a program of the stack; its children, which might still answer, must end too."""
    up.look()
    victims = [p for p in up.family if any(word in part for part in p.cmdline())]
    victims[0].kill()
    up.until(f"{name} ended by itself (code -9) and is restarted")
    _, left = psutil.wait_procs(victims, timeout=SECONDS)
    assert left == []


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - the stack's own
            return bool(answer.status == 200)
    except OSError:
        return False


def test_taken_port_of_storage_is_named_with_the_remedy(up, tmp_path):
    # given: the port of another stack
    record = RunningStack.read(up.state)
    number = int(record.storage_connection_string.split(":")[-1].split("/")[0])

    # when
    refused = local(tmp_path / "state", "up", "--port", f"table={number}")

    # then
    assert refused.returncode == 1, refused.stderr
    assert f"Table {number}" in refused.stderr
    assert "choose" in refused.stderr
    assert "Traceback" not in refused.stderr.split("✕")[0]
    assert not StateLock.is_held(tmp_path / "state")

"""The real stack through its command line: what it keeps, what it says, and that it ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import requests
from azure.storage.blob import BlobServiceClient

from local.azure_ml.server import BUILT_IN_DATASTORES
from local.supervision.stack_record import RunningStack
from local.supervision.state_lock import StateLock

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 120.0

pytestmark = pytest.mark.stack


class Up:
    """`python -m local up` over a state folder."""

    def __init__(self, state: Path, *options: str) -> None:
        self.state = state
        self.output = state.with_name(f"{state.name}.{time.monotonic_ns()}.out")
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "local", "--state", state, "up", *options],
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.family: list[psutil.Process] = []

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8")

    def until(self, text: str) -> None:
        deadline = time.monotonic() + SECONDS
        while text not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)
        self.look()

    def look(self) -> None:
        """Take down what runs now."""
        self.family = psutil.Process(self.process.pid).children(recursive=True)

    def send(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(SECONDS)

    def assert_gone(self) -> None:
        _, left = psutil.wait_procs(self.family, timeout=20)
        assert left == []
        assert not StateLock.is_held(self.state)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(SECONDS)


def local(state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local", "--state", state, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


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


def submit(record: RunningStack, script: str) -> str:
    """A job, as a client without the SDK would submit it; its name."""
    conda = "name: plain\ndependencies:\n  - python>=3.11\n  - pip\n"
    environment = f"{record.workspace_id}/environments/plain/versions/1"
    call(record, "PUT", environment, {"properties": {"condaFile": conda}})
    job = {"jobType": "Command", "command": script, "environmentId": environment}
    call(record, "PUT", f"{record.workspace_id}/jobs/waits", {"properties": job})
    return "waits"


def status_of(record: RunningStack, job: str) -> str:
    answer = call(record, "GET", f"{record.workspace_id}/jobs/{job}")
    return str(answer["properties"]["status"])


def call(record: RunningStack, method: str, path: str, body: object = None) -> dict[str, Any]:
    token = requests.get(
        record.environ["IDENTITY_ENDPOINT"],
        params={"resource": "https://management.azure.com", "api-version": "2019-08-01"},
        headers={"X-IDENTITY-HEADER": record.environ["IDENTITY_HEADER"]},
        timeout=30,
    ).json()["access_token"]
    answer = requests.request(
        method,
        f"{record.workspace_url}{path}",
        json=body,
        headers={"Authorization": f"Bearer {token}"},
        verify=record.environ["REQUESTS_CA_BUNDLE"],
        timeout=30,
    )
    answer.raise_for_status()
    return dict(answer.json())


@pytest.fixture(scope="module")
def up(killed) -> Iterator[Up]:
    """One running stack for all tests that do not end it, after one that was killed."""
    running = Up(killed.stack.state)  # at once: it waits for what still ends
    try:
        running.until("the stack is up")
        _, left = psutil.wait_procs(killed.stack.family, timeout=0)
        assert left == []
        yield running
        # Whatever the tests did: an orderly end leaves nothing.
        running.look()
        assert local(running.state, "down").stdout == "stopped\n"
        assert running.process.wait(5) == 0
        running.assert_gone()
        assert not (running.state / "stack.json").exists()
    finally:
        running.end()


@pytest.fixture
def ended(tmp_path) -> Iterator[Up]:
    """A stack that its test ends."""
    running = Up(tmp_path / "state")
    yield running
    running.end()


def test_status_shows_where_everything_answers_and_everything_does(up):
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


def test_a_file_is_put_where_it_should_be_and_a_wrong_place_is_refused(up, tmp_path):
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


def test_put_says_that_no_subscription_takes_the_event_of_a_file(up, tmp_path):
    # given
    (tmp_path / "rows.csv").write_text("a\n1\n", encoding="utf-8")

    # when
    said = local(up.state, "put", str(tmp_path / "rows.csv"), "--to", "data/elsewhere/").stdout

    # then
    assert said.splitlines()[0].endswith("to data/elsewhere/rows.csv")
    assert said.splitlines()[1:] == [
        "no event subscription takes it: no function hears of it",
    ]


def test_put_of_a_file_for_a_model_that_does_not_exist_shows_what_the_app_says(up, tmp_path):
    # given
    (tmp_path / "rows.csv").write_text("a\n1\n", encoding="utf-8")

    # when
    said = local(up.state, "put", str(tmp_path / "rows.csv"), "--to", "landing/nobody/").stdout

    # then
    lines = said.splitlines()
    assert lines[1:3] == ["its event goes to landing-to-events", "on_event took it:"]
    assert "nobody" in lines[3]


def test_put_without_waiting_says_who_is_told(up, tmp_path):
    # given
    (tmp_path / "rows.csv").write_text("a\n1\n", encoding="utf-8")
    place = ("--to", "landing/nobody/", "--no-wait")

    # when
    said = local(up.state, "put", str(tmp_path / "rows.csv"), *place).stdout

    # then
    assert said.splitlines()[1:] == ["its event goes to landing-to-events"]


def test_a_timer_is_fired_and_what_is_no_timer_is_refused(up):
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


def test_a_second_stack_over_the_same_folder_is_refused_and_disturbs_nothing(up):
    # when
    second = local(up.state, "up")

    # then
    assert second.returncode == 1
    assert f"(process {up.process.pid})" in second.stderr
    assert local(up.state, "status").returncode == 0


def test_state_is_its_owners_alone_and_no_key_is_in_a_log(up):
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


def test_everything_listens_on_this_machine_only(up):
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


def test_after_one_that_was_killed_a_stack_goes_on_at_the_same_addresses(killed, up):
    assert killed.code == -signal.SIGKILL
    after = RunningStack.read(up.state)
    assert after.storage_connection_string == killed.record.storage_connection_string
    assert after.master_key == killed.record.master_key
    with BlobServiceClient.from_connection_string(after.storage_connection_string) as client:
        assert client.get_blob_client("quarantine", "kept.csv").exists()


def test_job_of_a_killed_stack_runs_again_and_has_not_failed(killed, up):
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
def test_temporary_folders_of_a_killed_stack_are_gone(killed):
    assert len(killed.temporary) > 3
    assert not [folder for folder in killed.temporary if Path(folder).exists()]


def test_azurite_that_is_killed_comes_back_with_the_containers_it_forgot(up, tmp_path):
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


def test_mlflow_that_is_killed_comes_back_at_the_same_address(up):
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
    """End a program of the stack; what it had started, and might still answer, ends as well."""
    up.look()
    victims = [p for p in up.family if any(word in part for part in p.cmdline())]
    victims[0].kill()
    up.until(f"{name} ended by itself (code -9) and is restarted")
    _, left = psutil.wait_procs(victims, timeout=SECONDS)
    assert left == []


def words(family: list[psutil.Process]) -> set[str]:
    found: set[str] = set()
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            found |= {Path(word).name for word in process.cmdline()}
    return found


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - the stack's own
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.mark.parametrize(
    ("part", "number"),
    [("storage", signal.SIGINT), ("functions", signal.SIGTERM)],
    ids=str,
)
def test_interrupted_while_starting_it_leaves_nothing(ended, part, number):
    # given
    ended.until(f"… {part}")

    # when
    code = ended.send(number)

    # then
    assert code == 128 + number, ended.said()
    assert "nothing is left running" in ended.said()
    assert "Traceback" not in ended.said()
    ended.assert_gone()


def test_interrupted_when_it_is_up_it_ends_well_and_leaves_nothing(ended):
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


def test_a_second_interrupt_ends_it_at_once(ended):
    # given
    ended.until("… storage")
    deadline = time.monotonic() + SECONDS
    # A child that is stopped before it has become another program stops its parent, too.
    while not {"reaper_process.py", "gunicorn", "azurite.js"} <= words(ended.family):
        assert time.monotonic() < deadline
        ended.until("… storage")
    for process in ended.family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.suspend()  # deaf to the first one
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
def test_damaged_state_is_one_clear_error_and_leaves_nothing(tmp_path, file, said):
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


def test_a_port_of_storage_that_is_taken_is_named_with_the_remedy(up, tmp_path):
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

"""`python -m local` as a process, and calls to the stack that it runs."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import requests

from local.supervision.state_lock import StateLock

if TYPE_CHECKING:
    from local.supervision.stack_record import RunningStack

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 120.0


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
        """Record the processes that run now."""
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

"""What the demo prints while it waits and when it gives up, over HTTP as in a real run."""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import certifi
import pytest
from aiohttp import web

from demo.client import DemoClient
from demo.failures import DemoClientError, StepFailedError
from demo.narrator import Narrator
from demo.waiting import Watch
from local.azurite import ACCOUNT_KEY, ACCOUNT_NAME
from local.supervision.stack_record import RunningStack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio

MODEL = "iris"
CYCLE = "0123456789ab"
JOB = f"retrain-{CYCLE}-1"
WORKSPACE = "/subscriptions/s/resourceGroups/g/workspaces/w"
STEPS = ("Reason", "Data", "Allowed", "Trained", "Compared", "Deployed", "Traffic")


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


def step(name: str, status: str, *, created: float, started: float | None = None) -> dict[str, Any]:
    """A child of the pipeline job, with its times in seconds before now."""
    times = {"createdUtc": ago(created)}
    if started is not None:
        times["startTimeUtc"] = ago(started)
    return {"displayName": name, "status": status} | times


class Azure:
    """What the demo asks the function app and the workspace; a test sets the answers."""

    def __init__(self) -> None:
        self.facts = 0
        self.outcome: str | None = None
        self.running: tuple[str, str] | None = None  # step and sentence
        self.job_facts: list[dict[str, Any]] = []
        self.children: list[dict[str, Any]] = []
        self.failures = 0  # answers that will be 503

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._busy])
        jobs = {name: {} for name in ("prepare", "train", "evaluate", "register")}
        documents = {
            f"/api/models/{MODEL}": self._status,
            f"/api/models/{MODEL}/cycles/{CYCLE}": self._cycle,
            "/token": lambda: {"access_token": "t"},
            WORKSPACE: lambda: {"properties": {"discoveryUrl": f"{self.url}/discovery"}},
            "/discovery": lambda: {"history": self.url},
            f"{WORKSPACE}/jobs/{JOB}": lambda: {"properties": {"status": "Running", "jobs": jobs}},
            f"/history/v1.0{WORKSPACE}/runs/{JOB}/children": lambda: {"value": self.children},
        }
        for path, document in documents.items():
            app.router.add_get(path, self._answers(document))
        return app

    @staticmethod
    def _answers(document):
        async def answer(_: web.Request) -> web.Response:
            return web.json_response(document())

        return answer

    @web.middleware
    async def _busy(self, request: web.Request, handler) -> web.StreamResponse:
        if self.failures > 0:
            self.failures -= 1
            return web.Response(status=503)
        return await handler(request)

    def _status(self) -> dict[str, Any]:
        past = [{"cycle_id": CYCLE}] if self.outcome else []
        return {
            "facts": self.facts,
            "open_cycle": None if past else {"cycle_id": CYCLE},
            "cycles": past,
        }

    def _cycle(self) -> dict[str, Any]:
        name, sentence = self.running or ("", "")
        return {
            "cycle_id": CYCLE,
            "outcome": self.outcome,
            "sentence": "Data: 1 file was accepted; the next step is due.",
            "steps": [
                {"name": step, "title": step, "sign": "▶", "sentence": sentence, "at": ago(35)}
                if step == name
                else {"name": step, "title": step, "sign": "–", "sentence": "not yet", "at": None}  # noqa: RUF001
                for step in STEPS
            ],
            "facts": [{"fact": {"is": "cycle_opened"}}]
            + [{"fact": fact} for fact in self.job_facts],
        }


@contextlib.asynccontextmanager
async def client_of(azure: Azure) -> AsyncIterator[DemoClient]:
    runner = web.AppRunner(azure.app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    azure.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    record = RunningStack(
        pid=0,
        functions_url=azure.url,
        master_key="",
        function_key="k",
        mlflow_url="",
        workspace_url=azure.url,
        scoring_url="",
        storage_connection_string=(
            f"AccountName={ACCOUNT_NAME};AccountKey={ACCOUNT_KEY};"
            f"BlobEndpoint={azure.url}/{ACCOUNT_NAME};"
        ),
        workspace_id=WORKSPACE,
        environ={
            "REQUESTS_CA_BUNDLE": certifi.where(),
            "IDENTITY_ENDPOINT": f"{azure.url}/token",
            "IDENTITY_HEADER": "h",
        },
    )
    try:
        async with DemoClient(record, MODEL, retry_seconds=0.01) as client:
            yield client
    finally:
        await runner.cleanup()


async def said_while_waiting(azure: Azure, tmp_path, *, patience_seconds: float = 2.0) -> str:
    """What is printed until the watch gives up; the last line is why."""
    out = io.StringIO()
    async with client_of(azure) as client:
        watch = Watch(
            client,
            Narrator(out, silence_seconds=0.1),
            logs=tmp_path,
            patience_seconds=patience_seconds,
            poll_seconds=0.02,
        )
        with pytest.raises(StepFailedError) as given_up:
            await watch.next_cycle("the first model")
    return f"{out.getvalue()}{given_up.value}"


async def test_running_pipeline_step_is_shown_with_its_elapsed_time(tmp_path):
    # given
    azure = Azure()
    azure.running = ("Trained", f"job {JOB} runs")
    azure.job_facts = [{"is": "job_submitted", "job_name": JOB}]
    azure.children = [
        step("train", "Running", created=25, started=20),
        step("prepare", "Completed", created=30),  # reused from an earlier job, so never started
        step("evaluate", "NotStarted", created=10),
    ]

    # when
    said = await said_while_waiting(azure, tmp_path)

    # then
    assert re.search(r"… training, step 2 of 4 \(train\), 2\d s", said)
    assert "waiting for the first model," not in said
    assert "nothing changed for 2 s: training, step 2 of 4 (train) since " in said
    assert " UTC. Logs: " in said


async def test_job_without_a_started_step_is_shown_as_such(tmp_path):
    # given
    azure = Azure()
    azure.running = ("Trained", f"job {JOB} runs")
    azure.job_facts = [{"is": "job_submitted", "job_name": JOB}]

    # when
    said = await said_while_waiting(azure, tmp_path)

    # then
    assert re.search(r"… training, no step has begun yet, [34]\d s", said)


async def test_starting_deployment_is_shown_after_the_job_has_ended(tmp_path):
    # given
    azure = Azure()
    azure.running = ("Deployed", "version 1 is starting, with no traffic")
    azure.job_facts = [
        {"is": "job_submitted", "job_name": JOB},
        {"is": "job_finished", "job_name": JOB},
    ]

    # when
    said = await said_while_waiting(azure, tmp_path)

    # then
    assert re.search(r"… version 1 is starting, with no traffic, [34]\d s", said)


async def test_between_two_steps_the_cycles_sentence_is_shown(tmp_path):
    said = await said_while_waiting(Azure(), tmp_path)

    assert re.search(r"… Data: 1 file was accepted; the next step is due, \d s", said)


async def test_slow_cycle_is_waited_for_while_it_makes_progress(tmp_path):
    # given
    azure = Azure()

    async def live() -> None:
        for _ in range(8):
            await asyncio.sleep(0.2)
            azure.facts += 1
        azure.outcome = "promoted"

    # when
    async with client_of(azure) as client, asyncio.TaskGroup() as tasks:
        tasks.create_task(live())
        watch = Watch(
            client,
            Narrator(io.StringIO()),
            logs=tmp_path,
            patience_seconds=1.0,
            poll_seconds=0.02,
        )
        cycle = await watch.next_cycle("the first model")

    # then
    assert cycle.outcome == "promoted"


async def test_request_answered_with_503_is_retried():
    azure = Azure()

    async with client_of(azure) as client:
        # when
        azure.failures = 3
        status = await client.status()

        # then
        assert status["open_cycle"] == {"cycle_id": CYCLE}
        azure.failures = 100
        with pytest.raises(DemoClientError, match="answered 503"):
            await client.status()
        azure.failures = 1
        with pytest.raises(DemoClientError, match="answered 503"):  # asked once: it may have acted
            await client.retrain("why")

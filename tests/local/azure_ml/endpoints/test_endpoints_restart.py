"""Deployments survive a restart: work interrupted by a stop or a kill resumes at the next start."""

from __future__ import annotations

import shutil
import threading
import time
from typing import TYPE_CHECKING

import psutil
import pytest
import requests
from endpoint_stand import (
    Stand,
    caller,
    create_endpoint,
    deploy,
    deployment,
    lives,
    set_traffic,
)

from local.errors import LocalStackError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.azurite,
    # The SDK warns about its own experimental classes and deprecated calls.
    pytest.mark.filterwarnings("default"),
]


@pytest.fixture
def stand_over(azurite, tls):
    """Makes a stand over a state folder."""

    def make(state):
        return Stand(state, azurite.connection_string(), tls)

    return make


def hold_init(code: Path, gate: Path, begun: Path) -> None:
    """Let the scoring script wait in `init` until `gate` exists."""
    script = code / "serving" / "score.py"
    wait = (
        "def init():\n"
        f"    Path({str(begun)!r}).touch()\n"
        f"    while not Path({str(gate)!r}).exists():\n        time.sleep(0.05)\n"
    )
    script.write_text(script.read_text().replace("def init():\n", wait))


def killed(stand: Stand, to: Path) -> Path:
    """A copy of the state as a stand would leave it if it were killed now."""

    async def copied() -> None:  # in its loop, so that no write is under way
        shutil.copytree(stand.state, to)

    stand.call(copied())
    return to


def until(what) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def state_of(client, name: str, endpoint: str) -> str:
    return client.online_deployments.get(name, endpoint).provisioning_state


def operations_of(stand: Stand) -> set[str]:
    return {
        stand.operations.status(file.stem)["status"]
        for file in (stand.state / "operations").glob("*.json")
    }


def test_deployments_answer_again_after_a_restart_and_damaged_state_is_named(
    stand_over, monkeypatch, tmp_path, code
):
    state = tmp_path / "state"
    with stand_over(state) as first:
        first.register_model("again", "1", slope=7)
        client = first.client(monkeypatch)
        create_endpoint(client, "again")
        deploy(client, deployment(code, "again", "blue", model="azureml:again:1"))
        set_traffic(client, "again", {"blue": 100})
        key = client.online_endpoints.get_keys("again").primary_key
        children = psutil.Process().children(recursive=True)
        servers = [child for child in children if str(state) in " ".join(child.cmdline())]
        assert servers

    assert not any(lives(server) for server in servers)
    with stand_over(state) as second:
        url = second.client(monkeypatch).online_endpoints.get("again").scoring_uri
        headers = {"Authorization": f"Bearer {key}"}
        assert requests.post(url, json={"x": 1}, headers=headers, timeout=30).json()["y"] == 7

    (damaged,) = (state / "resources").rglob("blue.json")
    damaged.write_text('{"half": ')
    with pytest.raises(LocalStackError, match=r"blue\.json is damaged"):
        stand_over(state).__enter__()


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_deployment_that_was_starting_comes_up_after_a_restart(
    stand_over, monkeypatch, tmp_path, code, how
):
    # given
    state, gate, begun = tmp_path / "state", tmp_path / "gate", tmp_path / "begun"
    hold_init(code, gate, begun)
    with stand_over(state) as first:
        first.register_model("line", "1", slope=2)
        client = first.client(monkeypatch)
        create_endpoint(client, "starts")
        client.online_deployments.begin_create_or_update(deployment(code, "starts", "blue"))
        until(begun.exists)
        if how == "killed":
            state = killed(first, tmp_path / "killed")

    # when
    with stand_over(state) as second:
        client = second.client(monkeypatch)
        seen = {state_of(client, "blue", "starts")}
        assert "InProgress" in operations_of(second)
        gate.touch()
        until(lambda: seen.add(state_of(client, "blue", "starts")) or "Succeeded" in seen)
        set_traffic(client, "starts", {"blue": 100})
        answer = caller(client, "starts")({"x": 1})
        until(lambda: operations_of(second) == {"Succeeded"})
        kept = list((second.state / "endpoints" / "deployments" / "starts" / "blue").iterdir())

    # then
    assert seen == {"Creating", "Succeeded"}
    assert answer.json()["y"] == 2
    assert len(kept) == 1  # what the interrupted attempt fetched is gone


def test_client_polling_a_deployment_across_a_restart_sees_it_succeed(
    stand_over, monkeypatch, tmp_path, code
):
    # given
    state, gate, begun = tmp_path / "state", tmp_path / "gate", tmp_path / "begun"
    hold_init(code, gate, begun)
    with stand_over(state) as first:
        first.register_model("line", "1", slope=2)
        client = first.client(monkeypatch)
        create_endpoint(client, "waits")
        client.online_deployments.begin_create_or_update(deployment(code, "waits", "blue"))
        until(begun.exists)
        (operation,) = [
            file.stem
            for file in (state / "operations").glob("*.json")
            if first.operations.status(file.stem)["status"] == "InProgress"
        ]

    # when
    with stand_over(state) as second:
        before = second.operations.status(operation)["status"]
        gate.touch()
        after = second.call(second.operations.wait(operation))["status"]

    # then
    assert (before, after) == ("InProgress", "Succeeded")


def test_interrupted_update_resumes_while_the_old_version_answers(
    stand_over, monkeypatch, tmp_path, code
):
    # given
    state, gate, begun = tmp_path / "state", tmp_path / "gate", tmp_path / "begun"
    with stand_over(state) as first:
        first.register_model("line", "1", slope=2)
        first.register_model("line", "2", slope=3)
        client = first.client(monkeypatch)
        create_endpoint(client, "updates")
        deploy(client, deployment(code, "updates", "blue"))
        set_traffic(client, "updates", {"blue": 100})
        hold_init(code, gate, begun)
        client.online_deployments.begin_create_or_update(
            deployment(code, "updates", "blue", model="azureml:line:2")
        )
        until(begun.exists)

    # when
    with stand_over(state) as second:
        client = second.client(monkeypatch)
        call = caller(client, "updates")
        old = call({"x": 1}).json()["y"], state_of(client, "blue", "updates")
        gate.touch()
        until(lambda: state_of(client, "blue", "updates") == "Succeeded")
        new = call({"x": 1}).json()["y"]

    # then
    assert old == (2, "Updating")
    assert new == 3


def test_interrupted_deletion_resumes_after_a_restart(stand_over, monkeypatch, tmp_path, code):
    # given: a request in flight holds the deletion up
    state = tmp_path / "state"
    with stand_over(state) as first:
        first.register_model("line", "1", slope=2)
        client = first.client(monkeypatch)
        create_endpoint(client, "goes")
        deploy(client, deployment(code, "goes", "blue"))
        call = caller(client, "goes")
        asked = threading.Thread(
            target=call, args=({"x": 1, "sleep": 3},), kwargs={"azureml-model-deployment": "blue"}
        )
        asked.start()
        target = first.endpoints.deployments.targets("goes")["blue"]
        until(lambda: target.in_flight)
        client.online_deployments.begin_delete("blue", "goes")
        copy = killed(first, tmp_path / "killed")
        asked.join()

    # when
    with stand_over(copy) as second:
        client = second.client(monkeypatch)
        until(lambda: list(client.online_deployments.list("goes")) == [])
        until(lambda: operations_of(second) == {"Succeeded"})

    # then
    assert not (copy / "endpoints" / "deployments" / "goes" / "blue").exists()


def test_resource_being_changed_without_an_operation_gets_one_after_a_restart(
    stand_over, monkeypatch, tmp_path, code
):
    # given: killed after the resource was written and before its operation was
    state = tmp_path / "state"
    with stand_over(state) as first:
        first.register_model("line", "1", slope=2)
        client = first.client(monkeypatch)
        create_endpoint(client, "bare")
        create_endpoint(client, "leaves")
        deploy(client, deployment(code, "bare", "blue"))
        copy = killed(first, tmp_path / "killed")
    shutil.rmtree(copy / "operations")
    for file, found, wanted in (
        ("bare", "Succeeded", "Updating"),
        ("bare/deployments/blue", "Succeeded", "Updating"),
        ("leaves", "Succeeded", "Deleting"),
    ):
        record = copy / "resources" / "onlineEndpoints" / f"{file}.json"
        record.write_text(record.read_text().replace(f'"{found}"', f'"{wanted}"'))

    # when
    with stand_over(copy) as second:
        client = second.client(monkeypatch)
        until(lambda: state_of(client, "blue", "bare") == "Succeeded")
        until(lambda: client.online_endpoints.get("bare").provisioning_state == "Succeeded")
        until(lambda: [one.name for one in client.online_endpoints.list()] == ["bare"])

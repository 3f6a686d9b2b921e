"""Online endpoints through the unmodified SDK: a model, code and environment that are not ours."""

from __future__ import annotations

import concurrent.futures
import json
import threading
import time
import warnings

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from endpoint_stand import (
    CONTAINER,
    SPECS,
    TRACE,
    caller,
    create_endpoint,
    deploy,
    deployment,
    set_traffic,
)
from swagger import KNOWN, violations

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the SDK uses deprecated parts of marshmallow on import
    from azure.ai.ml.entities import (
        OnlineRequestSettings,
    )

pytestmark = [
    pytest.mark.azurite,
    # The SDK warns about its own experimental classes and deprecated calls.
    pytest.mark.filterwarnings("default"),
]


def test_deployment_lifecycle_from_creation_to_deletion(client, code):
    endpoint = create_endpoint(client, "whole-way")
    assert endpoint.provisioning_state == "Succeeded"

    blue = deploy(
        client, deployment(code, "whole-way", "blue", environment_variables={"GREETING": "hi"})
    )

    assert blue.provisioning_state == "Succeeded"
    call = caller(client, "whole-way")
    without_traffic = call({"x": 4})
    assert (without_traffic.status_code, "no deployment" in without_traffic.text) == (404, True)
    addressed = call({"x": 4}, **{"azureml-model-deployment": "blue"})
    assert addressed.json()["y"] == 8
    assert addressed.json()["greeting"] == "hi"
    assert addressed.json()["dir"].endswith("azureml-models/line/1")
    set_traffic(client, "whole-way", {"blue": 100})
    assert call({"x": 4}).headers["azureml-model-deployment"] == "blue"
    request_file = code.parent / "request.json"
    request_file.write_text('{"x": 5}')
    invoked = client.online_endpoints.invoke("whole-way", request_file=str(request_file))
    assert json.loads(invoked)["y"] == 10
    logs = client.online_deployments.get_logs("blue", "whole-way", lines=200)
    assert "loading" in logs
    assert len(client.online_deployments.get_logs("blue", "whole-way", lines=2).splitlines()) == 2
    bug = call({"bug": True})
    assert bug.status_code == 424
    assert bug.headers["ms-azureml-model-error-statuscode"] == "500"
    assert "secret detail" not in bug.text

    with pytest.raises(HttpResponseError, match="has 100 % traffic"):
        client.online_deployments.begin_delete("blue", "whole-way").result()
    old_key = client.online_endpoints.get_keys("whole-way").primary_key
    client.online_endpoints.begin_regenerate_keys("whole-way", key_type="primary").result()
    assert client.online_endpoints.get_keys("whole-way").primary_key != old_key
    assert call({"x": 1}).status_code == 401
    set_traffic(client, "whole-way", {"blue": 0})
    client.online_deployments.begin_delete("blue", "whole-way").result()
    assert list(client.online_deployments.list("whole-way")) == []
    client.online_endpoints.begin_delete("whole-way").result()
    with pytest.raises(ResourceNotFoundError):
        client.online_endpoints.get("whole-way")


def test_no_request_fails_while_traffic_moves_and_deployments_change(stand, client, code):
    create_endpoint(client, "steady")
    deploy(client, deployment(code, "steady", "blue"))
    set_traffic(client, "steady", {"blue": 100})
    call = caller(client, "steady")
    stop = threading.Event()

    def keep_calling():
        seen = []
        while not stop.is_set():
            answer = call({"x": 1, "sleep": 0.01})
            seen.append((answer.status_code, answer.text[:200]))
        return seen

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        callers = [pool.submit(keep_calling) for _ in range(3)]
        deploy(client, deployment(code, "steady", "green", model="azureml:line:2"))
        set_traffic(client, "steady", {"blue": 50, "green": 50})
        set_traffic(client, "steady", {"green": 100})
        deploy(client, deployment(code, "steady", "green", model="azureml:line:1"))
        client.online_deployments.begin_delete("blue", "steady").result()
        stop.set()
        seen = [one for caller in callers for one in caller.result()]

    assert len(seen) > 50
    assert {status for status, _ in seen} == {200}
    assert call({"x": 1}).json()["y"] == 2
    assert stand.endpoints.deployments.health()["steady/green"] == "healthy"


def test_mirrored_requests_reach_the_mirror_and_change_no_answer(client, pair):
    set_traffic(client, pair, {"blue": 100}, {"green": 50})
    call = caller(client, pair)
    before = client.online_deployments.get_logs("green", pair, lines=500).count("POST /score 200")

    answers = [call({"x": 1}) for _ in range(40)]

    assert {answer.json()["y"] for answer in answers} == {2}
    log = client.online_deployments.get_logs("green", pair, lines=500)
    assert 5 <= log.count("POST /score 200") - before <= 35


def test_script_that_fails_to_start_fails_the_deployment_with_the_end_of_its_log(client, code):
    create_endpoint(client, "broken")
    (code / "serving" / "score.py").write_text("import no_such_thing\n")

    with pytest.raises(HttpResponseError, match="No module named 'no_such_thing'"):
        deploy(client, deployment(code, "broken", "blue"))

    assert client.online_deployments.get("blue", "broken").provisioning_state == "Failed"
    assert "no_such_thing" in client.online_deployments.get_logs("blue", "broken", lines=100)
    with pytest.raises(HttpResponseError, match="has not succeeded"):
        set_traffic(client, "broken", {"blue": 100})
    client.online_endpoints.begin_delete("broken").result()


@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), 11)", "raise SystemExit(0)"])
def test_server_that_exits_while_it_loads_the_model_fails_the_deployment_at_once(client, code, end):
    create_endpoint(client, "ending")
    (code / "serving" / "score.py").write_text(
        f"import os\ndef init():\n    {end}\ndef run(text):\n    return text\n"
    )
    started = time.monotonic()

    with pytest.raises(HttpResponseError, match="ended with code 3 before it answered"):
        deploy(client, deployment(code, "ending", "blue"))

    assert time.monotonic() - started < 60


def test_failed_update_leaves_the_old_version_answering(client, code):
    create_endpoint(client, "half-way")
    deploy(client, deployment(code, "half-way", "blue"))
    set_traffic(client, "half-way", {"blue": 100})

    with pytest.raises(HttpResponseError, match="does not exist"):
        deploy(client, deployment(code, "half-way", "blue", model="azureml:line:99"))

    assert client.online_deployments.get("blue", "half-way").provisioning_state == "Failed"
    assert caller(client, "half-way")({"x": 1}).json()["y"] == 2


def test_crashed_server_is_restarted(client, pair):
    set_traffic(client, pair, {"green": 100})
    call = caller(client, pair)

    crashed = call({"crash": True})
    assert crashed.status_code == 424
    assert crashed.headers["ms-azureml-model-error-statuscode"] == "502"

    deadline = time.monotonic() + 60
    while (answer := call({"x": 1})).status_code != 200 and time.monotonic() < deadline:
        assert answer.status_code in {408, 424}
        time.sleep(0.2)
    assert answer.json()["y"] == 3


def test_slow_deployment_answers_408_and_busy_deployment_429(client, code):
    create_endpoint(client, "slow")
    limits = OnlineRequestSettings(request_timeout_ms=700, max_concurrent_requests_per_instance=1)
    deploy(client, deployment(code, "slow", "blue", request_settings=limits))
    set_traffic(client, "slow", {"blue": 100})
    call = caller(client, "slow")

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: call({"sleep": 3}), range(6)))

    assert {answer.status_code for answer in answers} == {408, 429}
    assert sum(answer.status_code == 408 for answer in answers) == 2


def test_collected_data_is_stored_in_azures_layout(stand, client, pair, tmp_path):
    rows = [{"x": 1.5, "id": "a"}, {"x": None, "id": "b"}]

    answer = caller(client, pair)({"collect": rows}, **{"azureml-model-deployment": "blue"})

    assert answer.json() == {"collected": 202}
    stand.call(stand.endpoints.collector.flush())
    prefix = f"modelDataCollector/{pair}/blue/model_inputs/2026/09/21/14"
    (blob,) = stand.call(stand.blobs.list(CONTAINER, prefix))
    target = tmp_path / "collected.jsonl"
    stand.call(stand.blobs.download_file(CONTAINER, blob.name, target))
    (event,) = [json.loads(line) for line in target.read_text().splitlines()]
    assert event["data"] == rows
    assert event["correlationid"] == event["xrequestid"] == "r1"
    assert event["time"] == "2026-09-21T14:13:20Z"
    assert event["source"].endswith(f"/onlineEndpoints/{pair}/deployments/blue")


@pytest.mark.parametrize(
    ("traffic", "mirror", "reason"),
    [
        ({"blue": 60}, {}, "adds up to 60"),
        ({"nobody": 100}, {}, "'nobody', which is not there"),
        ({"blue": 100}, {"blue": 10}, "has live traffic"),
        ({}, {"blue": 60}, "limit 50"),
    ],
)
def test_traffic_that_azure_refuses_is_refused(client, pair, traffic, mirror, reason):
    with pytest.raises(HttpResponseError, match=reason) as caught:
        set_traffic(client, pair, traffic, mirror)

    assert caught.value.status_code == 400


@pytest.mark.skipif(not SPECS.is_dir(), reason=f"the published swagger is not at {SPECS}")
def test_every_exchange_about_endpoints_fits_the_published_swagger(stand, client, pair):
    set_traffic(client, pair, {"blue": 100}, {"green": 10})
    with pytest.raises(HttpResponseError):
        set_traffic(client, pair, {"blue": 50})
    client.online_endpoints.begin_regenerate_keys(pair, key_type="secondary").result()
    client.online_endpoints.get_keys(pair)
    client.online_deployments.get_logs("blue", pair, lines=5)
    assert [one.name for one in client.online_deployments.list(pair)] == ["blue", "green"]
    assert pair in [one.name for one in client.online_endpoints.list()]
    with pytest.raises(ResourceNotFoundError):
        client.online_deployments.get("red", pair)
    create_endpoint(client, "checked")
    client.online_endpoints.begin_delete("checked").result()

    # What the other tests exchange is looked at when the stand goes.
    file = stand.state / TRACE
    assert violations(file, SPECS, known=KNOWN) == []
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert any("regenerateKeys" in line["path"] for line in lines)

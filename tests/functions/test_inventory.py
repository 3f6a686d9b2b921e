"""The app as Azure indexes it: names, triggers, schedules, routes, auth levels."""

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import azure.functions as func
import pytest

import function_app

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"numpy", "pandas", "scipy", "yaml", "ml", "requests", "marshmallow"}


# Once: on a second call the library takes its own functions for duplicates.
FUNCTIONS = function_app.app.get_functions()


@pytest.fixture(scope="module")
def triggers():
    return {
        function.get_function_name(): function.get_trigger().get_dict_repr()
        for function in FUNCTIONS
    }


def test_app_has_exactly_these_functions(triggers):
    assert set(triggers) == {
        "on_event",
        "on_work",
        "drift_daily",
        "reconcile",
        "retrain",
        "drift_check",
        "models",
        "model",
        "explain",
        "drift_report",
        "withdraw",
        "lookup",
    }


@pytest.mark.parametrize(("name", "queue"), [("on_event", "events"), ("on_work", "work")])
def test_queue_triggers_use_the_apps_own_storage(triggers, name, queue):
    assert triggers[name]["queueName"] == queue
    assert triggers[name]["connection"] == "AzureWebJobsStorage"


@pytest.mark.parametrize(
    ("name", "schedule"), [("drift_daily", "0 0 6 * * *"), ("reconcile", "0 */10 * * * *")]
)
def test_timers_run_on_schedule_and_not_on_startup(triggers, name, schedule):
    assert triggers[name]["schedule"] == schedule
    assert triggers[name]["runOnStartup"] is False


@pytest.mark.parametrize(
    ("name", "method", "route"),
    [
        ("retrain", "POST", "api/models/{model}/retrain"),
        ("drift_check", "POST", "api/models/{model}/drift-check"),
        ("models", "GET", "api/models"),
        ("model", "GET", "api/models/{model}"),
        ("explain", "GET", "api/models/{model}/cycles/{cycle_id}"),
        ("drift_report", "GET", "api/models/{model}/drift/{date}"),
        ("withdraw", "POST", "api/models/{model}/withdraw"),
        ("lookup", "GET", "api/models/{model}/files/{*file}"),
    ],
)
def test_http_routes_need_a_function_key(triggers, name, method, route):
    trigger = triggers[name]

    assert trigger["route"] == route
    assert [str(getattr(one, "value", one)) for one in trigger["methods"]] == [method]
    assert str(getattr(trigger["authLevel"], "value", trigger["authLevel"])).lower() == "function"


@pytest.mark.parametrize(
    "function",
    [function for function in FUNCTIONS if function.is_http_function()],
    ids=lambda function: function.get_function_name(),
)
def test_every_http_route_refuses_an_unknown_query_parameter(function):
    request = func.HttpRequest(
        "GET", "https://retrain.example/api/models?verbose=1", route_params={}, body=b""
    )

    response = function.get_user_function()(request)

    assert response.status_code == 400
    assert json.loads(response.get_body())["error"]["code"] == "unknown_parameter"


def test_host_json_has_the_settings_the_app_relies_on():
    host = json.loads((ROOT / "host.json").read_text("utf-8"))

    # The routes above are whole paths; Event Grid sends base64.
    assert host["extensions"]["http"]["routePrefix"] == ""
    queues = host["extensions"]["queues"]
    assert queues["messageEncoding"] == "base64"
    # Storage that is unavailable for minutes must not poison messages.
    hours, minutes, seconds = map(int, queues["visibilityTimeout"].split(":"))
    assert queues["maxDequeueCount"] * (hours * 3600 + minutes * 60 + seconds) >= 300


def run_afresh(script: str) -> subprocess.CompletedProcess[str]:
    """In an interpreter of its own."""
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )


def loaded_after(code: str) -> set[str]:
    """Modules in a fresh interpreter after `code`."""
    done = run_afresh(f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))")
    return set(json.loads(done.stdout))


def is_heavy(module: str) -> bool:
    top = module.partition(".")[0]
    azure = module.startswith("azure.") and not module.startswith("azure.functions")
    return top in HEAVY or azure


def test_indexing_does_not_import_an_sdk_or_the_core():
    loaded = loaded_after("import function_app; function_app.app.get_functions()")

    assert {module for module in loaded if is_heavy(module)} == set()
    ours = {module for module in loaded if module.startswith("shared.")}
    assert ours == {"shared.errors", "shared.logs"}


def test_recording_an_event_does_not_import_azure_sdks_or_numpy():
    settings = json.loads((ROOT / "local.settings.sample.json").read_text("utf-8"))["Values"]
    code = (
        "from functions._app import App\n"
        "from shared.settings import Settings\n"
        "import functions.events_queue, shared.wire.storage\n"
        f"app = App(Settings.from_env({settings!r}))\n"
        "app.arrive, app.ledger, app.work\n"
    )

    heavy = {module for module in loaded_after(code) if is_heavy(module)}

    assert heavy == set()


def test_function_parameters_match_their_bindings():
    for function in FUNCTIONS:
        given = {binding.name for binding in function.get_bindings()} - {"$return"}

        assert set(inspect.signature(function.get_user_function()).parameters) == given


def test_azure_ml_sdk_does_not_write_to_stderr():
    script = """
from shared.logs import quiet_sdks
quiet_sdks()
from azure.ai.ml.entities import DataCollector, DeploymentCollection
import azure.ai.ml.operations._online_deployment_operations as operations
DataCollector(collections={"model_inputs": DeploymentCollection(enabled="true")})
operations.module_logger.warning("Instance type %s may be too small", "Standard_DS2_v2")
"""
    done = run_afresh(script)

    assert done.stderr == ""

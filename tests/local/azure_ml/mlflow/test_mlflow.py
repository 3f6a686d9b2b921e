"""MLflow's own client against the workspace's tracking URI; the registry is ARM's too."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
import uuid
import warnings
from pathlib import Path
from typing import Any

import pytest
import requests
from azure_ml_plane import wait_for
from azure_sdk import Environment, Model, command

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import mlflow
    from mlflow.exceptions import MlflowException, RestException

pytestmark = [
    pytest.mark.azurite,
    # the SDK's and MLflow's own
    pytest.mark.filterwarnings("ignore::DeprecationWarning:azure|marshmallow|msrest|pydash|mlflow"),
    pytest.mark.filterwarnings("ignore::FutureWarning:mlflow"),
]


def name(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def tracking(plane, monkeypatch) -> Any:
    """MLflow's client as a step has it."""
    for key, value in plane.server._step_environ().items():
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", plane.server.tracking_uri)
    mlflow.set_tracking_uri(plane.server.tracking_uri)
    yield mlflow.MlflowClient(plane.server.tracking_uri, plane.server.tracking_uri)
    mlflow.set_tracking_uri(None)


def a_model_folder(folder: Path) -> Path:
    model = folder / "model"
    model.mkdir()
    (model / "MLmodel").write_text("flavors: {}\n", encoding="utf-8")
    (model / "data").mkdir()
    (model / "data" / "weights.txt").write_text("1 2 3", encoding="utf-8")
    return model


def a_run(tracking: Any, experiment: str = "mlflow-tests") -> Any:
    found = tracking.get_experiment_by_name(experiment)
    experiment_id = found.experiment_id if found else tracking.create_experiment(experiment)
    return tracking.create_run(experiment_id)


def test_run_keeps_params_metrics_tags_and_artifacts(tracking, tmp_path):
    # given
    run = a_run(tracking, name("experiment")).info.run_id

    # when
    tracking.log_param(run, "alpha", 0.5)
    tracking.log_metric(run, "r2", 0.43, step=1)
    tracking.set_tag(run, "cycle_id", "abc")
    tracking.log_artifacts(run, str(a_model_folder(tmp_path)), "model")
    tracking.set_terminated(run)

    # then
    seen = tracking.get_run(run)
    assert seen.data.params == {"alpha": "0.5"}
    assert seen.data.metrics == {"r2": 0.43}
    assert seen.data.tags["cycle_id"] == "abc"
    assert [item.path for item in tracking.list_artifacts(run)] == ["model"]
    fetched = Path(
        mlflow.artifacts.download_artifacts(
            f"{seen.info.artifact_uri}/model", dst_path=str(tmp_path / "fetched")
        )
    )
    assert (fetched / "data" / "weights.txt").read_text(encoding="utf-8") == "1 2 3"


def test_artifacts_are_stored_in_the_workspace_storage_as_on_azure(plane, tracking, tmp_path):
    # given
    run = a_run(tracking).info.run_id

    # when
    tracking.log_artifacts(run, str(a_model_folder(tmp_path)), "model")

    # then
    blobs = plane.loop.run(plane.workspace.blobs.list("azureml", "ExperimentRun"))
    assert any(run in blob.name and blob.name.endswith("model/MLmodel") for blob in blobs)


def test_version_registered_with_mlflow_is_visible_in_arm_and_published_once(
    plane, tracking, ml_client, tmp_path
):
    # given
    model = name("model")
    run = a_run(tracking)
    tracking.log_artifacts(run.info.run_id, str(a_model_folder(tmp_path)), "model")

    # when
    tracking.create_registered_model(model)
    version = tracking.create_model_version(
        model,
        f"{run.info.artifact_uri}/model",
        run_id=run.info.run_id,
        tags={"cycle_id": "abc", "role": "candidate"},
    )
    tracking.set_model_version_tag(model, version.version, "seen", "yes")

    # then
    seen = ml_client.models.get(model, version.version)
    assert seen.tags == {"cycle_id": "abc", "role": "candidate", "seen": "yes"}
    assert seen.type == "mlflow_model"
    assert "/datastores/workspaceartifactstore/paths/ExperimentRun/" in seen.path
    (event,) = [
        data
        for kind, _, data in plane.events
        if kind.endswith("ModelRegistered") and data["ModelName"] == model
    ]
    assert event == {
        "ModelName": model,
        "ModelVersion": 1,
        "ModelTags": {"cycle_id": "abc", "role": "candidate"},
        "ModelProperties": {},
    }
    files = plane.loop.run(plane.workspace.model_files(seen.id, tmp_path / "mounted"))
    assert (files / "data" / "weights.txt").exists()


def test_version_registered_with_arm_is_found_and_downloaded_with_mlflow(
    plane, tracking, ml_client, tmp_path
):
    # given
    model, folder = name("model"), name("folder")
    blobs = plane.workspace.blobs
    plane.loop.run(blobs.upload_folder(a_model_folder(tmp_path), "data", folder))
    path = f"azureml://datastores/retrain_data/paths/{folder}"

    # when
    ml_client.models.create_or_update(
        Model(name=model, version="7", path=path, type="mlflow_model", tags={"a": "b"})
    )

    # then
    seen = tracking.get_model_version(model, "7")
    assert seen.tags == {"a": "b"}
    found = tracking.search_model_versions(f"name = '{model}' and tags.a = 'b'")
    assert [item.version for item in found] == ["7"]
    assert tracking.search_model_versions(f"name = '{model}' and tags.a = 'c'") == []
    fetched = mlflow.artifacts.download_artifacts(f"models:/{model}/7", dst_path=str(tmp_path))
    assert (Path(fetched) / "data" / "weights.txt").read_text(encoding="utf-8") == "1 2 3"
    created = tracking.create_model_version(model, path)
    assert created.version == "8"


def test_tags_changed_in_arm_are_visible_in_mlflow(tracking, ml_client):
    # given
    model = name("model")
    path = "azureml://datastores/retrain_data/paths/some/model"
    made = ml_client.models.create_or_update(
        Model(name=model, version="1", path=path, type="custom_model")
    )

    # when
    made.tags["role"] = "champion"
    ml_client.models.create_or_update(made)

    # then
    assert tracking.get_model_version(model, "1").tags == {"role": "champion"}


@pytest.mark.parametrize("field", ["path", "type"])
def test_files_and_type_of_a_version_cannot_be_changed(ml_client, field):
    # given
    model = name("model")
    path = "azureml://datastores/retrain_data/paths/some/model"
    given = {"path": path, "type": "custom_model"}
    ml_client.models.create_or_update(Model(name=model, version="1", **given))

    # when
    other = {"path": f"{path}-2", "type": "mlflow_model"}
    changed = Model(name=model, version="1", **{**given, field: other[field]})

    # then
    with pytest.raises(Exception, match="already exists"):
        ml_client.models.create_or_update(changed)


def test_calls_that_azure_ml_does_not_support_are_refused_by_name(tracking):
    # given
    model = name("model")
    tracking.create_registered_model(model)

    # then
    with pytest.raises(RestException, match="aliases are not supported"):
        tracking.set_registered_model_alias(model, "champion", "1")
    with pytest.raises(MlflowException, match="no logged models"):
        tracking.create_logged_model("0")


def test_existing_name_and_unknown_model_have_mlflows_error_codes(tracking):
    # given
    model = name("model")
    tracking.create_registered_model(model)

    # then
    with pytest.raises(RestException) as taken:
        tracking.create_registered_model(model)
    assert taken.value.error_code == "RESOURCE_ALREADY_EXISTS"
    with pytest.raises(RestException) as unknown:
        tracking.get_model_version(name("model"), "1")
    assert unknown.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_ui_shows_runs_and_models_without_a_token(plane, tracking):
    # given
    model = name("model")
    tracking.create_registered_model(model)

    # when
    ui = plane.server.mlflow_ui_url
    with urllib.request.urlopen(ui) as page:  # noqa: S310 - our own loopback address
        text = page.read().decode()
    url = f"{ui}/ajax-api/2.0/mlflow/registered-models/search?max_results=1000"
    with urllib.request.urlopen(url) as answer:  # noqa: S310 - our own loopback address
        models = json.load(answer)["registered_models"]

    # then
    assert "<html" in text
    assert model in {item["name"] for item in models}


STEP = """
python - <<'PY'
import mlflow, pathlib
pathlib.Path("m").mkdir()
pathlib.Path("m/MLmodel").write_text("flavors: {}")
with mlflow.start_run() as run:
    mlflow.log_metric("r2", 0.5)
    mlflow.log_artifacts("m", "model")
    client = mlflow.MlflowClient()
    client.create_registered_model("${{inputs.model}}")
    client.create_model_version(
        "${{inputs.model}}", run.info.artifact_uri + "/model", run.info.run_id, tags={"k": "v"}
    )
PY
"""


def test_step_logs_to_its_run_and_registers_a_model_with_mlflow_skinny(tracking, ml_client):
    # given
    model = name("model")
    job = command(
        name=name("cmd"),
        command=STEP,
        inputs={"model": model},
        environment=Environment(
            image="mcr.microsoft.com/x",
            conda_file={
                "name": "tracking",
                "dependencies": ["python>=3.11", "pip", {"pip": ["mlflow-skinny==3.15.0"]}],
            },
        ),
        compute="serverless",
        experiment_name="mlflow-tests",
    )

    # when
    done = wait_for(ml_client, ml_client.jobs.create_or_update(job).name, seconds=150)

    # then
    assert done.status == "Completed", done.properties
    run = tracking.get_run(done.name)
    assert run.data.metrics == {"r2": 0.5}
    assert run.info.status == "FINISHED"
    assert ml_client.models.get(model, "1").tags == {"k": "v"}


def test_json_artifact_arrives_while_exchanges_are_traced(plane, tracking, tmp_path):
    # given: a client that says what it sends, as curl does
    run = a_run(tracking).info
    content = json.dumps({"r2": 0.4}).encode()
    place = run.artifact_uri.removeprefix("mlflow-artifacts:").lstrip("/")

    # when
    answer = requests.put(
        f"{plane.server.tracking_uri}/api/2.0/mlflow-artifacts/artifacts/{place}/small.json",
        data=content,
        headers={
            "Content-Type": "application/json",
            "Authorization": f"Bearer {os.environ['MLFLOW_TRACKING_TOKEN']}",
        },
        verify=str(plane.workspace.tls.bundle),
        timeout=30,
    )

    # then
    assert answer.status_code == 200, answer.text
    fetched = tracking.download_artifacts(run.run_id, "small.json", str(tmp_path))
    assert Path(fetched).read_bytes() == content


_ON_AZURES_ADDRESS = """\
import os
import subprocess
import mlflow

client, run, model = mlflow.MlflowClient(), os.environ["RUN"], os.environ["MODEL"]
client.log_param(run, "alpha", 0.5)
client.log_metric(run, "r2", 0.43)
client.create_registered_model(model)
version = client.create_model_version(model, f"runs:/{run}/model", run).version
client.set_model_version_tag(model, version, "stage", "candidate")
(found,) = client.search_model_versions(f"name='{model}'")
print(found.version, found.tags)
"""


def test_azureml_mlflow_plugin_tracks_and_registers(plane, tracking, tmp_path):
    """Artefacts are not covered: on Azure the plugin sends them to a separate service."""
    # given
    training = Path(__file__).resolve().parents[4] / "ml" / "environments" / "training.yml"
    python = plane.loop.run(
        plane.workspace.environments.for_conda(training.read_text(encoding="utf-8")), seconds=600
    )
    run, model = a_run(tracking).info.run_id, name("model")
    tracking.log_artifacts(run, str(a_model_folder(tmp_path)), "model")
    address = "azureml" + plane.server.tracking_uri.removeprefix("https")

    # when
    done = subprocess.run(
        [python, "-c", _ON_AZURES_ADDRESS],
        env=os.environ | {"MLFLOW_TRACKING_URI": address, "RUN": run, "MODEL": model},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    # then
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "1 {'stage': 'candidate'}"
    assert tracking.get_run(run).data.metrics == {"r2": 0.43}

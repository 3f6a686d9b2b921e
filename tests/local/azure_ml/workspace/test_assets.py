"""Assets through the real SDK: code, data, environments, components; local files uploaded by it."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure_ml_plane import wait_for
from azure_sdk import Data, Environment, Input, Model, Output, command, load_component

FOREIGN = Path(__file__).resolve().parents[1] / "foreign"

pytestmark = [
    pytest.mark.azurite,
    # the SDK's own, about its own schemas
    pytest.mark.filterwarnings("ignore::DeprecationWarning:azure|marshmallow|msrest|pydash"),
]


def name(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def exchanges(plane: Any) -> int:
    return len(plane.trace.read_text(encoding="utf-8").splitlines())


def test_versions_are_numbered_from_one(ml_client):
    # given
    label = name("data")
    path = "azureml://datastores/retrain_data/paths/a"

    # when
    made = [
        ml_client.data.create_or_update(Data(name=label, path=path, type="uri_folder"))
        for _ in range(3)
    ]

    # then
    assert [one.version for one in made] == ["1", "2", "3"]
    assert ml_client.data.get(label, label="latest").version == "3"
    assert {one.version for one in ml_client.data.list(label)} == {"1", "2", "3"}


def test_missing_version_is_404(ml_client):
    with pytest.raises(ResourceNotFoundError):
        ml_client.data.get(name("data"), version="1")


def test_tags_of_a_version_can_change_but_not_its_files(ml_client):
    # given
    label = name("data")
    path = "azureml://datastores/retrain_data/paths/a"
    made = ml_client.data.create_or_update(
        Data(name=label, version="1", path=path, type="uri_folder")
    )

    # when
    made.tags["seen"] = "yes"
    ml_client.data.create_or_update(made)

    # then
    assert ml_client.data.get(label, version="1").tags == {"seen": "yes"}
    other = Data(name=label, version="1", path=f"{path}-2", type="uri_folder")
    with pytest.raises(HttpResponseError, match="dataUri cannot be changed"):
        ml_client.data.create_or_update(other)


def test_archived_version_is_listed_only_on_request(ml_client):
    # given
    label = name("model")
    path = "azureml://datastores/retrain_data/paths/a"
    for version in ("1", "2"):
        ml_client.models.create_or_update(
            Model(name=label, version=version, path=path, type="custom_model")
        )

    # when
    ml_client.models.archive(label, version="1")

    # then
    assert [one.version for one in ml_client.models.list(label)] == ["2"]
    ml_client.models.restore(label, version="1")
    assert {one.version for one in ml_client.models.list(label)} == {"1", "2"}


def test_code_folder_is_uploaded_once_for_all_its_users(plane, ml_client):
    # given
    first = load_component(FOREIGN / "count.yml")
    first.version = name("v")
    ml_client.components.create_or_update(first)
    codes = len(plane.workspace.resources.names("codes"))

    # when
    second = load_component(FOREIGN / "total.yml")
    second.version = name("v")
    made = ml_client.components.create_or_update(second)

    # then
    assert len(plane.workspace.resources.names("codes")) == codes
    seen = ml_client.components.get("total_words", version=made.version)
    assert seen.command == second.command


def test_code_snapshot_holds_the_uploaded_files(plane, ml_client, tmp_path):
    # given
    component = load_component(FOREIGN / "count.yml")
    component.version = name("v")

    # when
    code = ml_client.components.create_or_update(component).code
    plane.loop.run(plane.workspace.code_files(code, tmp_path))

    # then
    assert (tmp_path / "words.py").read_text() == (FOREIGN / "words.py").read_text()


def test_step_finds_compiled_files_of_earlier_steps_and_none_of_their_other_files(
    plane, ml_client, tmp_path
):
    # given: a step that compiled the snapshot's module, wrote one of its own and changed nothing
    component = load_component(FOREIGN / "count.yml")
    component.version = name("v")
    code = ml_client.components.create_or_update(component).code
    first, second, third = tmp_path / "first", tmp_path / "second", tmp_path / "third"
    kept = plane.loop.run(plane.workspace.code_files(code, first))
    compiled = first / "__pycache__"
    compiled.mkdir()
    (compiled / "words.cpython-311.pyc").write_bytes(b"compiled")
    (first / "own.py").write_text("X = 1")
    (compiled / "own.cpython-311.pyc").write_bytes(b"compiled")
    (compiled / "folder").mkdir()

    # when
    plane.loop.run(plane.workspace.snapshots.keep_compiled(kept, first))
    plane.loop.run(plane.workspace.code_files(code, second))

    # then
    assert [file.name for file in (second / "__pycache__").iterdir()] == ["words.cpython-311.pyc"]
    assert (second / "words.py").read_text() == (FOREIGN / "words.py").read_text()
    assert not (second / "own.py").exists()

    # when: another one changes the module and compiles that
    (second / "words.py").write_text("changed by the step")
    (second / "__pycache__" / "words.cpython-311.pyc").write_bytes(b"of the changed one")
    plane.loop.run(plane.workspace.snapshots.keep_compiled(kept, second))
    plane.loop.run(plane.workspace.code_files(code, third))

    # then
    assert (third / "__pycache__" / "words.cpython-311.pyc").read_bytes() == b"compiled"


def test_environment_keeps_its_conda_file(plane, ml_client):
    # given
    label = name("env")
    made = ml_client.environments.create_or_update(
        Environment(name=label, image="mcr.microsoft.com/x", conda_file=FOREIGN / "plain.yml")
    )

    # then
    assert ml_client.environments.get(label, version=made.version).conda_file["name"] == "plain"
    assert "python>=3.11" in plane.workspace.environment_definition(made.id)


def test_local_data_is_uploaded_and_outputs_and_logs_are_downloaded(ml_client, tmp_path):
    # given
    given = tmp_path / "given"
    given.mkdir()
    (given / "ä file.txt").write_text("hello", encoding="utf-8")
    job = command(
        name=name("cmd"),
        command="cp ${{inputs.given}}/* ${{outputs.out}}/; echo copied",
        inputs={"given": Input(type="uri_folder", path=str(given))},
        outputs={"out": Output(type="uri_folder")},
        environment=Environment(image="mcr.microsoft.com/x", conda_file=FOREIGN / "plain.yml"),
        compute="serverless",
        experiment_name="foreign",
    )

    # when
    done = wait_for(ml_client, ml_client.jobs.create_or_update(job).name)
    ml_client.jobs.download(done.name, download_path=tmp_path / "got", all=True)

    # then
    assert done.status == "Completed", done.properties
    copied = tmp_path / "got" / "named-outputs" / "out" / "ä file.txt"
    assert copied.read_text(encoding="utf-8") == "hello"
    log = tmp_path / "got" / "artifacts" / "user_logs" / "std_log.txt"
    assert "copied" in log.read_text(encoding="utf-8")


def test_model_in_a_local_folder_is_uploaded_and_mounted(plane, ml_client, tmp_path):
    # given
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "w.txt").write_text("1 2", encoding="utf-8")

    # when
    made = ml_client.models.create_or_update(
        Model(name=name("model"), path=str(folder), type="custom_model")
    )
    mounted = plane.loop.run(plane.workspace.model_files(made.id, tmp_path / "mounted"))

    # then
    assert mounted == tmp_path / "mounted" / "weights"
    assert (mounted / "w.txt").read_text(encoding="utf-8") == "1 2"
    ml_client.models.download(made.name, version="1", download_path=tmp_path / "got")
    assert (tmp_path / "got" / made.name / "weights" / "w.txt").exists()


def test_registered_model_and_data_are_inputs_of_a_step(plane, ml_client):
    # given
    label = name("asset")
    blobs = plane.workspace.blobs
    plane.loop.run(blobs.upload_bytes(b"flavors: {}", "data", f"{label}/model/MLmodel"))
    plane.loop.run(blobs.upload_bytes(b"a,b", "data", f"{label}/table.csv"))
    base = f"azureml://datastores/retrain_data/paths/{label}"
    ml_client.models.create_or_update(
        Model(name=label, version="1", path=f"{base}/model", type="mlflow_model")
    )
    ml_client.data.create_or_update(
        Data(name=label, version="1", path=f"{base}/table.csv", type="uri_file")
    )
    job = command(
        name=name("cmd"),
        command="cat ${{inputs.model}}/MLmodel ${{inputs.table}}",
        inputs={
            "model": Input(type="mlflow_model", path=f"azureml:{label}:1"),
            "table": Input(type="uri_file", path=f"azureml:{label}:1"),
        },
        environment=Environment(image="mcr.microsoft.com/x", conda_file=FOREIGN / "plain.yml"),
        compute="serverless",
        experiment_name="foreign",
    )

    # when
    done = wait_for(ml_client, ml_client.jobs.create_or_update(job).name)

    # then
    assert done.status == "Completed", done.properties
    log = plane.state / "jobs" / done.name / "user_logs" / "std_log.txt"
    assert log.read_text(encoding="utf-8") == "flavors: {}a,b"

"""Jobs through the real SDK, on a pipeline that is not ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from azure.core.exceptions import HttpResponseError
from azure_ml_plane import wait_for
from azure_sdk import (
    Environment,
    JobException,
)
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

pytestmark = [
    pytest.mark.azurite,
    # the SDK's own, about its own schemas
    pytest.mark.filterwarnings("ignore::DeprecationWarning:azure|marshmallow|msrest|pydash"),
]


def test_pipeline_of_two_components_writes_its_output_to_storage(plane, ml_client):
    # given
    job = word_pipeline(put_text(plane, f"{name('texts')}/a.txt", "to be or not to be"))
    job.name = name("words")

    # when
    submitted = ml_client.jobs.create_or_update(job)
    done = wait_for(ml_client, submitted.name, seconds=60)

    # then
    assert done.status == "Completed", done.properties
    assert read_text(plane, done.outputs.total.path) == "12"


def test_optional_input_is_in_the_command_only_when_given(plane, ml_client):
    # given
    text = put_text(plane, f"{name('texts')}/a.txt", "to be or not to be")
    job = word_pipeline(text, stop_word="be")

    # when
    done = wait_for(ml_client, ml_client.jobs.create_or_update(job).name)

    # then
    assert read_text(plane, done.outputs.total.path) == "8"


def test_unchanged_steps_are_reused_and_marked(plane, ml_client):
    # given
    text = put_text(plane, f"{name('texts')}/a.txt", f"once upon a {name('time')}")
    first = wait_for(ml_client, ml_client.jobs.create_or_update(word_pipeline(text)).name)

    # when
    again = wait_for(ml_client, ml_client.jobs.create_or_update(word_pipeline(text)).name)

    # then
    before, after = children(ml_client, first.name), children(ml_client, again.name)
    assert {step: job.properties.get("azureml.isreused") for step, job in after.items()} == {
        "counted": "true",
        "summed": "true",
    }
    assert after["summed"].properties["azureml.reusedrunid"] == before["summed"].name
    assert again.outputs.total.path == first.outputs.total.path


def test_step_with_a_changed_input_file_is_not_reused(plane, ml_client):
    # given
    path = f"{name('texts')}/a.txt"
    text = put_text(plane, path, f"one {name('word')}")
    wait_for(ml_client, ml_client.jobs.create_or_update(word_pipeline(text)).name)

    # when
    put_text(plane, path, "one two three")
    again = wait_for(ml_client, ml_client.jobs.create_or_update(word_pipeline(text)).name)

    # then
    assert read_text(plane, again.outputs.total.path) == "6"
    assert "azureml.isreused" not in children(ml_client, again.name)["counted"].properties


def test_force_rerun_runs_every_step_again(plane, ml_client):
    # given
    text = put_text(plane, f"{name('texts')}/a.txt", f"one {name('word')}")
    wait_for(ml_client, ml_client.jobs.create_or_update(word_pipeline(text)).name)

    # when
    job = word_pipeline(text)
    job.settings.force_rerun = True
    again = wait_for(ml_client, ml_client.jobs.create_or_update(job).name)

    # then
    assert not any(
        "azureml.isreused" in child.properties for child in children(ml_client, again.name).values()
    )


def test_failing_step_fails_the_job_with_the_end_of_its_log(ml_client):
    # given
    job = pipeline_of("echo all is lost >&2; exit 3")

    # when
    failed = wait_for(ml_client, ml_client.jobs.create_or_update(job).name)

    # then
    assert failed.status == "Failed"
    assert "ended with code 3" in failed.properties["azureml.error"]
    assert "all is lost" in failed.properties["azureml.error"]
    details = ml_client.jobs._runs_operations.get_run_details(failed.name)
    assert "all is lost" in details.error.error.message


def test_steps_after_a_failed_step_do_not_run(plane, ml_client):
    # given
    text = put_text(plane, f"{name('texts')}/a.txt", "one")
    blob = plane.workspace.locate(text)
    plane.loop.run(plane.workspace.blobs.upload_bytes(b"\xff\xfe", blob.container, blob.path))

    # when
    failed = wait_for(ml_client, ml_client.jobs.create_or_update(word_pipeline(text)).name)

    # then
    assert failed.status == "Failed"
    assert "UnicodeDecodeError" in failed.properties["azureml.error"]
    assert set(children(ml_client, failed.name)) == {"counted"}


def test_step_without_its_output_fails_and_names_the_output(ml_client):
    # given
    job = pipeline_of("echo nothing for ${{outputs.out}}")

    # when
    failed = wait_for(ml_client, ml_client.jobs.create_or_update(job).name)

    # then
    assert "wrote no output 'out'" in failed.properties["azureml.error"]


def test_step_is_stopped_at_its_time_limit(ml_client):
    # given
    job = a_command(
        "sleep 600",
    )
    job.set_limits(timeout=1)

    # when
    failed = wait_for(ml_client, ml_client.jobs.create_or_update(job).name)

    # then
    assert failed.status == "Failed"
    assert "limit of 0:00:01" in failed.properties["azureml.error"]


def test_cancelling_a_job_ends_its_whole_process_group(plane, ml_client):
    # given
    job = a_command("sleep 600 & echo $! ; wait")
    running = ml_client.jobs.create_or_update(job)
    wait_for(ml_client, running.name, "Running")
    log = plane.state / "jobs" / running.name / "user_logs" / "std_log.txt"
    pid = int(first_line(log))

    # when
    ml_client.jobs.begin_cancel(running.name).result()
    canceled = wait_for(ml_client, running.name)

    # then
    assert canceled.status == "Canceled"
    assert has_ended(pid)
    statuses = [data["runStatus"] for kind, data in plane.events_of(running.name)]
    assert statuses[-2:] == ["cancelRequested", "canceled"]


def test_third_job_is_queued_until_another_ends(ml_client):
    # given
    holders = [ml_client.jobs.create_or_update(a_command("sleep 600")).name for _ in range(2)]
    for holder in holders:
        wait_for(ml_client, holder, "Running")

    # when
    third = ml_client.jobs.create_or_update(a_command("echo hi"))

    # then
    wait_for(ml_client, third.name, "Queued")
    for holder in holders:
        ml_client.jobs.begin_cancel(holder).result()
    assert wait_for(ml_client, third.name).status == "Completed"


def test_job_submitted_again_is_returned_and_a_different_one_under_its_name_refused(ml_client):
    # given
    label = name("once")
    first = ml_client.jobs.create_or_update(a_command("echo one", name=label))

    # when
    again = ml_client.jobs.create_or_update(a_command("echo one", name=label))

    # then
    assert again.name == first.name
    with pytest.raises(HttpResponseError, match="already exists") as refused:
        ml_client.jobs.create_or_update(a_command("echo two", name=label))
    assert refused.value.status_code == 400
    assert "UserError" in str(refused.value)
    wait_for(ml_client, label)


def test_every_status_is_published_and_success_as_run_completed_too(plane, ml_client):
    # given
    job = a_command("echo hi", tags={"colour": "blue"})

    # when
    done = wait_for(ml_client, ml_client.jobs.create_or_update(job).name)

    # then
    events = plane.events_of(done.name)
    assert [data.get("runStatus") for kind, data in events if kind == "RunStatusChanged"] == [
        "preparing",
        "running",
        "finalizing",
        "completed",
    ]
    (completed,) = [data for kind, data in events if kind == "RunCompleted"]
    assert completed["runTags"] == {"colour": "blue"}
    assert completed["experimentName"] == "foreign"


def test_step_sees_the_variables_and_folders_of_azure(plane, ml_client):
    # given
    job = a_command("env | sort; pwd; command -v python", environment_variables={"MINE": "a b"})

    # when
    done = wait_for(ml_client, ml_client.jobs.create_or_update(job).name)

    # then
    seen = dict(line.split("=", 1) for line in log_of(plane, done.name).splitlines() if "=" in line)
    assert seen["AZUREML_RUN_ID"] == seen["MLFLOW_RUN_ID"] == done.name
    assert seen["MLFLOW_TRACKING_URI"].startswith("https://")
    assert seen["MLFLOW_EXPERIMENT_NAME"] == "foreign"
    assert seen["MINE"] == "a b"
    assert seen["AZUREML_ARM_WORKSPACE_NAME"] == "local"
    assert {"IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MLFLOW_TRACKING_TOKEN"} <= seen.keys()
    assert not {"VIRTUAL_ENV", "PYTHONPATH", "CONTAINER_NAME"} & seen.keys()
    python = Path(log_of(plane, done.name).splitlines()[-1])
    assert python.parent.parent.parent.name == "environments"


def test_pipeline_with_mistakes_is_refused_with_all_of_them(ml_client):
    # given
    job = word_pipeline("azureml://datastores/nowhere/paths/a.txt")
    job.jobs["summed"].limits = None

    # when
    with pytest.raises(HttpResponseError) as refused:
        ml_client.jobs.create_or_update(job)

    # then
    assert refused.value.status_code == 400
    assert "no datastore 'nowhere'" in str(refused.value)


def test_missing_input_fails_the_job_and_is_named(ml_client):
    # given
    job = word_pipeline(f"azureml://datastores/retrain_data/paths/{name('absent')}.txt")

    # when
    failed = wait_for(ml_client, ml_client.jobs.create_or_update(job).name)

    # then
    assert "input 'text': nothing at azureml://datastores" in failed.properties["azureml.error"]


def test_environment_that_cannot_be_built_fails_the_job_with_the_error_of_uv(ml_client):
    # given
    broken = Environment(
        image="mcr.microsoft.com/x",
        conda_file={
            "name": "broken",
            "dependencies": ["python=3.11", "pip", {"pip": ["no-such-package-anywhere==99.1"]}],
        },
    )
    job = a_command("echo hi")
    job.environment = broken

    # when
    failed = wait_for(ml_client, ml_client.jobs.create_or_update(job).name)

    # then
    assert "environment 'broken' cannot be built" in failed.properties["azureml.error"]
    assert "no-such-package-anywhere was not found" in failed.properties["azureml.error"]


def test_stream_of_a_failed_job_prints_its_steps_and_raises(ml_client, capsys):
    # given
    failed = wait_for(ml_client, ml_client.jobs.create_or_update(pipeline_of("exit 4")).name)

    # when
    with pytest.raises(JobException) as raised:
        ml_client.jobs.stream(failed.name)

    # then
    assert "ended with code 4" in str(raised.value)
    assert failed.name in capsys.readouterr().out


def test_independent_steps_run_at_the_same_time(ml_client, tmp_path):
    # given: each step waits for what the other one writes
    meet = "touch {0}/{1}; until [ -e {0}/{2} ]; do sleep 0.05; done"
    job = pipeline_of(meet.format(tmp_path, "a", "b"), meet.format(tmp_path, "b", "a"))

    # when
    done = wait_for(ml_client, ml_client.jobs.create_or_update(job).name, seconds=30)

    # then
    assert done.status == "Completed", done.properties


def test_continue_on_step_failure_runs_the_other_steps(ml_client):
    # given
    job = pipeline_of("exit 1", "sleep 0.5; echo done")
    job.settings.continue_on_step_failure = True

    # when
    failed = wait_for(ml_client, ml_client.jobs.create_or_update(job).name)

    # then
    statuses = sorted(child.status for child in children(ml_client, failed.name).values())
    assert failed.status == "Failed"
    assert statuses == ["Completed", "Failed"]


def test_deleted_code_snapshot_fails_the_job_with_the_reason(plane, ml_client):
    # given
    text = put_text(plane, f"{name('texts')}/a.txt", name("word"))
    job = word_pipeline(text)
    component = ml_client.components.create_or_update(job.jobs["counted"].component)
    code = plane.workspace.locate(component.code.removeprefix("azureml:"), kind="codes")
    container = plane.workspace.blobs._service.get_container_client(code.container)
    plane.loop.run(container.delete_container())

    # when
    failed = wait_for(ml_client, ml_client.jobs.create_or_update(job).name)

    # then
    try:
        assert failed.status == "Failed"
        assert code.container in failed.properties["azureml.error"]
    finally:
        # other tests share the snapshot by its hash
        for version in plane.workspace.resources.names("codes"):
            plane.workspace.resources.delete(f"codes/{version}")

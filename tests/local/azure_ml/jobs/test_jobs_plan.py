"""How a job's JSON is read: bindings, mistakes, order, command lines. Nothing runs here."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from local.azure_ml.jobs.plan import DataRef, InvalidJobError, Literal, StepOutput, render
from local.azure_ml.jobs.planner import make_plan
from local.azure_ml.workspace.resources import Resources
from local.azure_ml.workspace.workspace import Workspace, WorkspaceNames

CONDA = "name: a\ndependencies: [python, pip]\n"
RAW = "azureml://datastores/store/paths/raw.csv"


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    """A workspace with resources and nothing behind them: planning touches nothing else."""
    names = WorkspaceNames()
    nothing: Any = SimpleNamespace()

    async def publish(kind: str, subject: str, data: dict[str, Any]) -> None:
        raise AssertionError((kind, subject, data))

    made = Workspace(
        names=names,
        base_url="https://127.0.0.1:1",
        resources=Resources(tmp_path, arm_id=names.arm_id),
        operations=nothing,
        environments=nothing,
        tls=nothing,
        state=tmp_path,
        blobs=nothing,
        publish=publish,
        datastores={"store": "container"},
    )
    made.resources.put("environments/env/versions/1", {"properties": {"condaFile": CONDA}})
    return made


def component(workspace: Workspace, name: str = "c", **spec: Any) -> str:
    """Register a command component; returns its id."""
    body = {
        "type": "command",
        "command": "run",
        "environment": "azureml:env:1",
        "inputs": {"data": {"type": "uri_file"}},
        "outputs": {"out": {"type": "uri_folder"}},
        **spec,
    }
    path = f"components/{name}/versions/1"
    workspace.resources.put(path, {"properties": {"componentSpec": body}})
    return f"{workspace.arm_id}/{path}"


def bound(text: str) -> dict[str, str]:
    return {"value": text, "job_input_type": "literal"}


def pipeline(jobs: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return {
        "jobType": "Pipeline",
        "inputs": {"raw": {"uri": RAW, "jobInputType": "uri_file"}},
        "jobs": jobs,
        **properties,
    }


def node(component_id: str, **inputs: Any) -> dict[str, Any]:
    return {"type": "command", "componentId": component_id, "inputs": inputs}


def test_steps_come_in_the_order_of_their_dependencies(workspace):
    # given
    one = component(workspace)
    jobs = {
        "last": node(one, data=bound("${{parent.jobs.middle.outputs.out}}")),
        "middle": node(one, data=bound("${{parent.jobs.first.outputs.out}}")),
        "first": node(one, data=bound("${{parent.inputs.raw}}")),
    }

    # when
    plan = make_plan(workspace, "j", pipeline(jobs))

    # then
    assert [step.name for step in plan.steps] == ["first", "middle", "last"]
    assert plan.steps[0].inputs == {"data": DataRef(RAW, "uri_file")}
    assert plan.steps[1].inputs == {"data": StepOutput("first", "out")}


def test_literals_defaults_and_text_around_bindings_are_resolved(workspace):
    # given
    one = component(
        workspace,
        inputs={
            "plain": {"type": "string"},
            "given": {"type": "number"},
            "inside": {"type": "string"},
            "default": {"type": "number", "default": 0.1},
            "absent": {"type": "string", "optional": True},
            "unset": {"type": "string", "optional": "True"},
        },
    )
    jobs = {
        "a": node(
            one,
            plain="text",
            given=bound("${{parent.inputs.alpha}}"),
            inside=bound("run-${{ parent.inputs.alpha }}-x"),
            unset=bound("${{parent.inputs.not_given}}"),
        )
    }
    inputs = {"alpha": {"value": "0.2", "jobInputType": "literal"}}

    # when
    (step,) = make_plan(workspace, "j", pipeline(jobs, inputs=inputs)).steps

    # then
    assert step.inputs == {
        "plain": Literal("text"),
        "given": Literal("0.2"),
        "inside": Literal("run-0.2-x"),
        "default": Literal("0.1"),
    }


def test_planner_names_every_mistake_of_a_pipeline(workspace):
    # given
    good = component(workspace)
    spark = component(workspace, "spark", type="spark")
    numpy = "name: n\ndependencies: [numpy]\n"
    workspace.resources.put("environments/bad/versions/1", {"properties": {"condaFile": numpy}})
    bad = component(workspace, "bad", environment="azureml:bad:1")
    jobs = {
        "a": node(good),
        "b": node(good, data=bound("${{parent.jobs.a.outputs.other}}"), more="x"),
        "c": node(f"{workspace.arm_id}/components/none/versions/1"),
        "d": node(spark),
        "e": {**node(good, data=RAW), "type": "sweep"},
        "f": {**node(bad, data=bound("${{parent.inputs.raw}}")), "limits": {"timeout": "soon"}},
        "g": {
            **node(good, data=bound("${{parent.inputs.raw}}")),
            "resources": {"instance_count": 4},
            "distribution": {"type": "pytorch"},
        },
        "h": node(good, data={"uri": "azureml://datastores/nowhere/paths/x"}),
    }

    # when
    with pytest.raises(InvalidJobError) as refused:
        make_plan(
            workspace, "j", pipeline(jobs, outputs={"model": {"jobOutputType": "uri_folder"}})
        )

    # then
    text = str(refused.value)
    for part in (
        "step 'a': input 'data' is required",
        "there is no output 'other' of a step 'a'",
        "step 'b': unknown input 'more'",
        "components/none/versions/1 does not exist",
        "component type 'spark' is not supported",
        "type 'sweep' is not supported",
        "conda package 'numpy'",
        "'soon' is not an ISO 8601 duration",
        "4 instances are not supported",
        "distributed training is not supported",
        "no datastore 'nowhere'",
        "pipeline output 'model' is written by 0 steps",
    ):
        assert part in text


def test_steps_that_depend_on_each_other_are_refused(workspace):
    # given
    one = component(workspace)
    jobs = {
        "a": node(one, data=bound("${{parent.jobs.b.outputs.out}}")),
        "b": node(one, data=bound("${{parent.jobs.a.outputs.out}}")),
    }

    # then
    with pytest.raises(InvalidJobError, match="depend on each other"):
        make_plan(workspace, "j", pipeline(jobs))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("PT5M", timedelta(minutes=5)),
        ("P1DT2H0.5S", timedelta(days=1, hours=2, seconds=0.5)),
        (90, timedelta(seconds=90)),
        ("90", timedelta(seconds=90)),
        (None, None),
    ],
)
def test_timeout_is_read_as_iso_duration_or_seconds(workspace, given, expected):
    # given
    job = {
        "jobType": "Command",
        "command": "x",
        "environmentId": "azureml:env:1",
        "limits": {"jobLimitsType": "Command", "timeout": given},
    }

    # then
    assert make_plan(workspace, "j", job).steps[0].timeout == expected


def test_step_is_reusable_unless_its_component_or_force_rerun_forbids_it(workspace):
    # given
    sure = component(workspace)
    moody = component(workspace, "moody", is_deterministic=False)
    raw = bound("${{parent.inputs.raw}}")
    jobs = {"a": node(sure, data=raw), "b": node(moody, data=raw)}

    # then
    plan = make_plan(workspace, "j", pipeline(jobs))
    assert {step.name: step.reusable for step in plan.steps} == {"a": True, "b": False}
    forced = make_plan(workspace, "j", pipeline(jobs, settings={"force_rerun": True}))
    assert not any(step.reusable for step in forced.steps)


def test_command_is_rendered_without_optional_parts_that_have_no_value():
    # given
    command = "run ${{inputs.a}} $[[--b ${{inputs.b}}]] $[[--c ${{ inputs.c }}]] ${{outputs.o}}"

    # then
    filled = render(command, {"inputs.a": "1", "inputs.c": "3", "outputs.o": "/o"})
    assert filled == "run 1  --c 3 /o"
    with pytest.raises(InvalidJobError, match=r"inputs\.a"):
        render(command, {})

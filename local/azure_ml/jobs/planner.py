"""Reads a job's body and finds every mistake that can be found before it runs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from local.azure_ml.jobs.bindings import Bindings, type_of
from local.azure_ml.jobs.plan import (
    InvalidJobError,
    Literal,
    Plan,
    Step,
    StepOutput,
)
from local.azure_ml.workspace.uris import AssetId, UnknownUriError, parse
from local.environments.builds import read_conda
from local.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.azure_ml.jobs.plan import Value
    from local.azure_ml.workspace.workspace import Workspace

_DURATION = re.compile(
    r"^P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?"
    r"(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?$"
)


def make_plan(workspace: Workspace, name: str, properties: Mapping[str, Any]) -> Plan:
    """Read a job's `properties` and check all that can be checked before it runs.

    Raises:
        InvalidJobError: with every mistake found.
    """
    planner = _Planner(workspace, properties)
    match properties.get("jobType"):
        case "Pipeline":
            return planner.pipeline()
        case "Command":
            return planner.command(name)
        case other:
            raise InvalidJobError(f"jobType '{other}' is not supported: use Pipeline or Command")


@dataclass(slots=True)
class _Planner:
    workspace: Workspace
    properties: Mapping[str, Any]
    mistakes: list[str] = field(default_factory=list)
    bindings: Bindings = field(init=False)

    def __post_init__(self) -> None:
        self.bindings = Bindings(self.workspace, self.properties, self.mistakes)

    def pipeline(self) -> Plan:
        settings = self.properties.get("settings") or {}
        nodes = self.properties.get("jobs") or {}
        if not nodes:
            self.mistakes.append("the pipeline has no jobs")
        force = _is_true(settings.get("force_rerun") or settings.get("forceRerun"))
        steps = {}
        for name, node in nodes.items():
            step = self._node(name, node, force_rerun=force)
            if step is not None:
                steps[name] = step
        for step in steps.values():
            self._check_sources(step, steps)
        ordered = self._ordered(steps)
        self._check_outputs(steps)
        self._raise()
        goes_on = settings.get("continue_on_step_failure", settings.get("continueOnStepFailure"))
        return Plan(ordered, is_pipeline=True, continue_on_failure=_is_true(goes_on))

    def command(self, name: str) -> Plan:
        body = self.properties
        given = body.get("inputs") or {}
        inputs = {key: self.bindings.value(f"input '{key}'", given[key]) for key in given}
        environment = body.get("environmentId")
        if not body.get("command"):
            self.mistakes.append("properties.command must be given")
        if not environment:
            self.mistakes.append("properties.environmentId must be given")
        else:
            self._check_environment("the job", environment)
        outputs = {
            key: self.bindings.output("the job", key, type_of(value, "uri_folder"), value)
            for key, value in (body.get("outputs") or {}).items()
        }
        self._check_single_node("the job", body)
        timeout = self._timeout("the job", (body.get("limits") or {}).get("timeout"))
        self._raise()
        step = Step(
            name=name,
            display_name=body.get("displayName") or name,
            command=str(body["command"]),
            code=body.get("codeId"),
            environment=str(environment),
            component_id=body.get("componentId"),
            inputs={key: value for key, value in inputs.items() if value is not None},
            input_types={key: type_of(value, "literal") for key, value in given.items()},
            outputs=outputs,
            environment_variables=_texts(body.get("environmentVariables")),
            timeout=timeout,
            reusable=False,
        )
        return Plan((step,), is_pipeline=False)

    def _node(self, name: str, node: Mapping[str, Any], *, force_rerun: bool) -> Step | None:
        where = f"step '{name}'"
        if node.get("type", "command") != "command":
            self.mistakes.append(f"{where}: type '{node['type']}' is not supported, only 'command'")
            return None
        spec = self._component(where, node)
        if spec is None:
            return None
        self._check_single_node(where, node)
        environment = node.get("environment") or spec.get("environment")
        if not environment:
            self.mistakes.append(f"{where}: its component names no environment")
        else:
            self._check_environment(where, environment)
        limits = {**(spec.get("limits") or {}), **(node.get("limits") or {})}
        declared = spec.get("outputs") or {}
        given = node.get("outputs") or {}
        self.mistakes += [
            f"{where}: unknown output '{key}'" for key in given if key not in declared
        ]
        inputs = self._inputs(where, spec.get("inputs") or {}, node.get("inputs") or {})
        return Step(
            name=name,
            display_name=str(node.get("display_name") or spec.get("display_name") or name),
            command=str(spec.get("command", "")),
            code=spec.get("code"),
            environment=environment or "",
            component_id=str(node.get("componentId")),
            inputs=inputs,
            input_types={k: str(v.get("type", "")) for k, v in (spec.get("inputs") or {}).items()},
            outputs={
                key: self.bindings.output(
                    where, key, str(value.get("type", "uri_folder")), given.get(key)
                )
                for key, value in declared.items()
            },
            environment_variables=_texts(spec.get("environment_variables"))
            | _texts(node.get("environment_variables")),
            timeout=self._timeout(where, limits.get("timeout")),
            reusable=not force_rerun and _is_true(spec.get("is_deterministic", True)),
        )

    def _component(self, where: str, node: Mapping[str, Any]) -> Mapping[str, Any] | None:
        component_id = str(node.get("componentId", ""))
        try:
            asset = parse(component_id)
            if not isinstance(asset, AssetId):
                raise UnknownUriError(f"'{component_id}' is not a component's id")  # noqa: TRY301
            path = (
                self.workspace.latest("components", asset.name)
                if asset.version is None
                else asset.path("components")
            )
        except UnknownUriError as exc:
            self.mistakes.append(f"{where}: {exc}")
            return None
        resource = self.workspace.resources.get(path)
        if resource is None:
            self.mistakes.append(f"{where}: {path} does not exist")
            return None
        spec: Mapping[str, Any] = resource["properties"]["componentSpec"]
        if spec.get("type") != "command":
            self.mistakes.append(
                f"{where}: component type '{spec.get('type')}' is not supported, only 'command'"
            )
            return None
        return spec

    def _inputs(
        self, where: str, declared: Mapping[str, Any], given: Mapping[str, Any]
    ) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for name in given:
            if name not in declared:
                self.mistakes.append(f"{where}: unknown input '{name}'")
        for name, spec in declared.items():
            value = self.bindings.value(f"{where}, input '{name}'", given.get(name))
            if value is None and spec.get("default") is not None:
                value = Literal(str(spec["default"]))
            if value is not None:
                found[name] = value
            elif not _is_true(spec.get("optional", False)):
                self.mistakes.append(f"{where}: input '{name}' is required and not given")
        return found

    def _check_environment(self, where: str, environment: str | Mapping[str, Any]) -> None:
        try:
            read_conda(self.workspace.environment_definition(environment))
        except (UnknownUriError, UnsupportedError) as exc:
            self.mistakes.append(f"{where}: {exc}")

    def _check_single_node(self, where: str, node: Mapping[str, Any]) -> None:
        resources = node.get("resources") or {}
        count = resources.get("instance_count", resources.get("instanceCount", 1)) or 1
        if int(count) > 1:
            self.mistakes.append(f"{where}: {count} instances are not supported, only 1")
        if node.get("distribution"):
            self.mistakes.append(f"{where}: distributed training is not supported")

    def _check_sources(self, step: Step, steps: Mapping[str, Step]) -> None:
        for name, value in step.inputs.items():
            if not isinstance(value, StepOutput):
                continue
            source = steps.get(value.step)
            if source is None or value.output not in source.outputs:
                self.mistakes.append(
                    f"step '{step.name}', input '{name}': there is no output "
                    f"'{value.output}' of a step '{value.step}'"
                )

    def _check_outputs(self, steps: Mapping[str, Step]) -> None:
        written = [
            spec.pipeline_output for step in steps.values() for spec in step.outputs.values()
        ]
        for name in self.properties.get("outputs") or {}:
            if name != "default" and written.count(name) != 1:
                self.mistakes.append(
                    f"pipeline output '{name}' is written by {written.count(name)} steps, not one"
                )

    def _ordered(self, steps: Mapping[str, Step]) -> tuple[Step, ...]:
        graph = {name: step.needs() & set(steps) for name, step in steps.items()}
        try:
            return tuple(steps[name] for name in TopologicalSorter(graph).static_order())
        except CycleError as exc:
            self.mistakes.append(f"the steps depend on each other: {' -> '.join(exc.args[1])}")
            return ()

    def _timeout(self, where: str, given: Any) -> timedelta | None:
        if given in (None, ""):
            return None
        try:
            limit = _duration(str(given))
        except (ValueError, OverflowError):
            self.mistakes.append(f"{where}: limits.timeout '{given}' is not an ISO 8601 duration")
            return None
        if not limit:
            self.mistakes.append(f"{where}: limits.timeout is 0; give more, or leave it out")
        return limit

    def _raise(self) -> None:
        if self.mistakes:
            raise InvalidJobError("; ".join(dict.fromkeys(self.mistakes)))


def _duration(text: str) -> timedelta:
    """Seconds, or an ISO 8601 duration.

    Raises:
        ValueError: neither.
        OverflowError: longer than a hundred million days.
    """
    if text.replace(".", "", 1).isdigit():
        return timedelta(seconds=float(text))
    match = _DURATION.match(text)
    if match is None or text in {"P", "PT"}:
        raise ValueError(text)
    return timedelta(**{key: float(value) for key, value in match.groupdict("0").items()})


def _texts(given: Mapping[str, Any] | None) -> dict[str, str]:
    return {key: str(value) for key, value in (given or {}).items()}


def _is_true(value: Any) -> bool:
    return str(value).strip().lower() == "true"

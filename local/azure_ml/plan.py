"""From a job's body to the steps it consists of: bindings resolved, mistakes found at submit."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from local.azure_ml.uris import AssetId, UnknownUriError, parse
from local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from local.azure_ml.workspace import Workspace

FILE_TYPES = frozenset({"uri_file"})
FOLDER_TYPES = frozenset({"uri_folder", "mlflow_model", "custom_model", "triton_model", "mltable"})
MODEL_TYPES = frozenset({"mlflow_model", "custom_model", "triton_model"})
DATA_TYPES = FILE_TYPES | FOLDER_TYPES

_BINDING = re.compile(r"\$\{\{\s*([^}]+?)\s*\}\}")
_PARENT_INPUT = re.compile(r"^parent\.inputs\.(?P<name>[\w.\-]+)$")
_PARENT_OUTPUT = re.compile(r"^parent\.outputs\.(?P<name>[\w.\-]+)$")
_STEP_OUTPUT = re.compile(r"^parent\.jobs\.(?P<step>[\w\-]+)\.outputs\.(?P<name>[\w.\-]+)$")
_DURATION = re.compile(
    r"^P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?"
    r"(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?$"
)


class InvalidJobError(LocalStackError):
    """The job's definition has mistakes; the text lists all of them."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A value for the command line."""

    value: str


@dataclass(frozen=True, slots=True)
class DataRef:
    """Files at a URI, of one of `DATA_TYPES`."""

    uri: str
    type: str


@dataclass(frozen=True, slots=True)
class StepOutput:
    """What another step of the same pipeline wrote."""

    step: str
    output: str


Value = Literal | DataRef | StepOutput


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """An output: its type, where it must go (None: a place of its own), and whose name it bears.

    `pipeline_output` is the pipeline's output that this one stands for.
    """

    type: str
    uri: str | None = None
    pipeline_output: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One process to run. `inputs` holds what is given; absent optional inputs are not in it."""

    name: str
    display_name: str
    command: str
    code: str | None
    environment: str | Mapping[str, Any]
    component_id: str | None
    inputs: Mapping[str, Value]
    input_types: Mapping[str, str]
    outputs: Mapping[str, OutputSpec]
    environment_variables: Mapping[str, str]
    timeout: timedelta | None
    reusable: bool

    def needs(self) -> set[str]:
        """Names of the steps that must end first."""
        return {value.step for value in self.inputs.values() if isinstance(value, StepOutput)}


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of a job in an order in which they could run."""

    steps: tuple[Step, ...]
    is_pipeline: bool
    continue_on_failure: bool = False


@dataclass(slots=True)
class _Planner:
    workspace: Workspace
    properties: Mapping[str, Any]
    mistakes: list[str] = field(default_factory=list)

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
        inputs = {key: self._given(key, value) for key, value in (body.get("inputs") or {}).items()}
        environment = body.get("environmentId")
        if not body.get("command"):
            self.mistakes.append("properties.command must be given")
        if not environment:
            self.mistakes.append("properties.environmentId must be given")
        else:
            self._check_environment("the job", environment)
        outputs = {
            key: OutputSpec(_type_of(value, "uri_folder"), _uri_of(value))
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
            input_types={k: _type_of(v, "literal") for k, v in (body.get("inputs") or {}).items()},
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
                key: self._output(where, key, str(value.get("type", "uri_folder")), given.get(key))
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
                raise UnknownUriError(f"'{component_id}' is no component's id")  # noqa: TRY301
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
            value = self._given(f"{where}, input '{name}'", given.get(name))
            if value is None and spec.get("default") is not None:
                value = Literal(str(spec["default"]))
            if value is not None:
                found[name] = value
            elif not _is_true(spec.get("optional", False)):
                self.mistakes.append(f"{where}: input '{name}' is required and not given")
        return found

    def _given(self, where: str, given: Any) -> Value | None:
        """What an input's JSON (either spelling) stands for; None when nothing is given."""
        if given is None:
            return None
        if not isinstance(given, dict):
            return self._text(where, str(given))
        if given.get("uri"):
            return self._checked(where, DataRef(str(given["uri"]), _type_of(given, "uri_folder")))
        value = given.get("value")
        return None if value is None else self._text(where, str(value))

    def _text(self, where: str, text: str) -> Value | None:
        whole = _BINDING.fullmatch(text.strip())
        if whole is None:
            return Literal(_BINDING.sub(lambda match: self._inside(where, match[1]), text))
        expression = whole[1]
        if match := _STEP_OUTPUT.match(expression):
            return StepOutput(match["step"], match["name"])
        if match := _PARENT_INPUT.match(expression):
            inputs = self.properties.get("inputs") or {}
            if match["name"] not in inputs:
                return None  # an optional input that the pipeline's caller left out
            return self._given(f"pipeline input '{match['name']}'", inputs[match["name"]])
        self.mistakes.append(f"{where}: '{text}' is not understood")
        return None

    def _inside(self, where: str, expression: str) -> str:
        """A binding in the middle of a text: only literals make sense there."""
        match = _PARENT_INPUT.match(expression)
        value = (
            self._given(where, (self.properties.get("inputs") or {}).get(match["name"]))
            if match
            else None
        )
        if isinstance(value, Literal):
            return value.value
        self.mistakes.append(f"{where}: '${{{{{expression}}}}}' is no literal input")
        return ""

    def _checked(self, where: str, ref: DataRef) -> DataRef:
        if ref.type not in DATA_TYPES:
            self.mistakes.append(f"{where}: type '{ref.type}' is not supported")
        try:
            self.workspace.locate(ref.uri, kind="models" if ref.type in MODEL_TYPES else "data")
        except UnknownUriError as exc:
            self.mistakes.append(f"{where}: {exc}")
        return ref

    def _output(self, where: str, name: str, kind: str, given: Any) -> OutputSpec:
        if given is None:
            return OutputSpec(kind)
        value = str(given.get("value", "")) if isinstance(given, dict) else str(given)
        if match := _BINDING.fullmatch(value.strip()):
            target = _PARENT_OUTPUT.match(match[1])
            outputs = self.properties.get("outputs") or {}
            if target is None or target["name"] not in outputs:
                self.mistakes.append(f"{where}, output '{name}': '{value}' is not understood")
                return OutputSpec(kind)
            uri = self._output_uri(f"pipeline output '{target['name']}'", outputs[target["name"]])
            return OutputSpec(kind, uri, target["name"])
        return OutputSpec(kind, self._output_uri(f"{where}, output '{name}'", given))

    def _output_uri(self, where: str, given: Any) -> str | None:
        for key in ("assetName", "asset_name", "name"):
            if isinstance(given, dict) and given.get(key):
                self.mistakes.append(f"{where}: registering an output by name is not supported")
        uri = _uri_of(given)
        if uri is not None:
            try:
                self.workspace.locate(uri)
            except UnknownUriError as exc:
                self.mistakes.append(f"{where}: {exc}")
        return uri

    def _check_environment(self, where: str, environment: str | Mapping[str, Any]) -> None:
        try:
            self.workspace.environment_definition(environment)
        except UnknownUriError as exc:
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
        if isinstance(given, int | float) or str(given).replace(".", "", 1).isdigit():
            return timedelta(seconds=float(given))
        match = _DURATION.match(str(given))
        if match is None or str(given) in {"P", "PT"}:
            self.mistakes.append(f"{where}: limits.timeout '{given}' is no ISO 8601 duration")
            return None
        return timedelta(**{key: float(value) for key, value in match.groupdict("0").items()})

    def _raise(self) -> None:
        if self.mistakes:
            raise InvalidJobError("; ".join(dict.fromkeys(self.mistakes)))


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


def render(command: str, values: Mapping[str, str]) -> str:
    """Fill `${{inputs.x}}` and `${{outputs.y}}`; drop `$[[…]]` parts whose inputs are absent.

    Args:
        command: the component's command.
        values: `inputs.x` or `outputs.y` -> text.

    Raises:
        InvalidJobError: a name outside `$[[…]]` has no value.
    """

    def fill(text: str) -> str:
        return _BINDING.sub(lambda match: values[match[1]], text)

    def optional(match: re.Match[str]) -> str:
        return fill(match[1]) if all(key in values for key in _names(match[1])) else ""

    shortened = re.sub(r"\$\[\[(.*?)\]\]", optional, command, flags=re.DOTALL)
    absent = [key for key in _names(shortened) if key not in values]
    if absent:
        raise InvalidJobError(f"the command uses {', '.join(absent)}, which has no value")
    return fill(shortened)


def _names(text: str) -> Iterator[str]:
    return (match[1] for match in _BINDING.finditer(text))


def _type_of(given: Any, default: str) -> str:
    if not isinstance(given, dict):
        return default
    keys = ("jobInputType", "job_input_type", "jobOutputType", "job_output_type", "type")
    return next((str(given[key]) for key in keys if given.get(key)), default)


def _uri_of(given: Any) -> str | None:
    if not isinstance(given, dict):
        return None
    uri = given.get("uri") or given.get("path")
    return str(uri) if uri else None


def _texts(given: Mapping[str, Any] | None) -> dict[str, str]:
    return {key: str(value) for key, value in (given or {}).items()}


def _is_true(value: Any) -> bool:
    return str(value).strip().lower() == "true"

"""A job's plan: steps with their inputs and outputs, and the rendering of commands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import timedelta

FILE_TYPES = frozenset({"uri_file"})
FOLDER_TYPES = frozenset({"uri_folder", "mlflow_model", "custom_model", "triton_model", "mltable"})
MODEL_TYPES = frozenset({"mlflow_model", "custom_model", "triton_model"})
DATA_TYPES = FILE_TYPES | FOLDER_TYPES

BINDING = re.compile(r"\$\{\{\s*([^}]+?)\s*\}\}")


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
    """An output: its type and where it must go (None: the default folder of the step).

    `pipeline_output` names the output of the pipeline that it provides.
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


def render(command: str, values: Mapping[str, str]) -> str:
    """Fill `${{inputs.x}}` and `${{outputs.y}}`; drop `$[[…]]` parts whose inputs are absent.

    Args:
        command: the component's command.
        values: `inputs.x` or `outputs.y` -> text.

    Raises:
        InvalidJobError: a name outside `$[[…]]` has no value.
    """

    def fill(text: str) -> str:
        return BINDING.sub(lambda match: values[match[1]], text)

    def optional(match: re.Match[str]) -> str:
        return fill(match[1]) if all(key in values for key in _names(match[1])) else ""

    shortened = re.sub(r"\$\[\[(.*?)\]\]", optional, command, flags=re.DOTALL)
    absent = [key for key in _names(shortened) if key not in values]
    if absent:
        raise InvalidJobError(f"the command uses {', '.join(absent)}, which has no value")
    return fill(shortened)


def _names(text: str) -> Iterator[str]:
    return (match[1] for match in BINDING.finditer(text))

"""Resolves what inputs and outputs of a job refer to: `${{parent.…}}` and URIs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.azure_ml.jobs.plan import (
    BINDING,
    DATA_TYPES,
    MODEL_TYPES,
    DataRef,
    Literal,
    OutputSpec,
    StepOutput,
)
from local.azure_ml.workspace.uris import UnknownUriError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.azure_ml.jobs.plan import Value
    from local.azure_ml.workspace.workspace import Workspace

_PARENT_INPUT = re.compile(r"^parent\.inputs\.(?P<name>[\w.\-]+)$")
_PARENT_OUTPUT = re.compile(r"^parent\.outputs\.(?P<name>[\w.\-]+)$")
_STEP_OUTPUT = re.compile(r"^parent\.jobs\.(?P<step>[\w\-]+)\.outputs\.(?P<name>[\w.\-]+)$")


@dataclass(slots=True)
class Bindings:
    """Reads inputs and outputs of one job; what is wrong is added to `mistakes`.

    `properties` are the job's, which holds the pipeline's own inputs and outputs.
    """

    workspace: Workspace
    properties: Mapping[str, Any]
    mistakes: list[str]

    def value(self, where: str, given: Any) -> Value | None:
        """The value of an input's JSON (either spelling); None when nothing is given."""
        if given is None:
            return None
        if not isinstance(given, dict):
            return self._text(where, str(given))
        if given.get("uri"):
            return self._checked(where, DataRef(str(given["uri"]), type_of(given, "uri_folder")))
        value = given.get("value")
        return None if value is None else self._text(where, str(value))

    def _text(self, where: str, text: str) -> Value | None:
        whole = BINDING.fullmatch(text.strip())
        if whole is None:
            return Literal(BINDING.sub(lambda match: self._inside(where, match[1]), text))
        expression = whole[1]
        if match := _STEP_OUTPUT.match(expression):
            return StepOutput(match["step"], match["name"])
        if match := _PARENT_INPUT.match(expression):
            return self._of_pipeline(match["name"])
        self.mistakes.append(f"{where}: '{text}' is not understood")
        return None

    def _inside(self, where: str, expression: str) -> str:
        """A binding in the middle of a text: only literals make sense there."""
        match = _PARENT_INPUT.match(expression)
        value = self._of_pipeline(match["name"]) if match else None
        if isinstance(value, Literal):
            return value.value
        self.mistakes.append(f"{where}: '${{{{{expression}}}}}' is not a literal input")
        return ""

    def _of_pipeline(self, name: str) -> Literal | DataRef | None:
        """The pipeline's own input; None when its caller left it out. No bindings in there."""
        given = (self.properties.get("inputs") or {}).get(name)
        if isinstance(given, dict) and given.get("uri"):
            ref = DataRef(str(given["uri"]), type_of(given, "uri_folder"))
            return self._checked(f"pipeline input '{name}'", ref)
        value = given.get("value") if isinstance(given, dict) else given
        return None if value is None else Literal(str(value))

    def _checked(self, where: str, ref: DataRef) -> DataRef:
        if ref.type not in DATA_TYPES:
            self.mistakes.append(f"{where}: type '{ref.type}' is not supported")
        try:
            self.workspace.locate(ref.uri, kind="models" if ref.type in MODEL_TYPES else "data")
        except UnknownUriError as exc:
            self.mistakes.append(f"{where}: {exc}")
        return ref

    def output(self, where: str, name: str, kind: str, given: Any) -> OutputSpec:
        """Where an output of type `kind` goes, and which pipeline output it provides."""
        if given is None:
            return OutputSpec(kind)
        value = str(given.get("value", "")) if isinstance(given, dict) else str(given)
        if match := BINDING.fullmatch(value.strip()):
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


def type_of(given: Any, default: str) -> str:
    """The type of an input or output, under any of the keys that Azure ML's JSON uses."""
    if not isinstance(given, dict):
        return default
    keys = ("jobInputType", "job_input_type", "jobOutputType", "job_output_type", "type")
    return next((str(given[key]) for key in keys if given.get(key)), default)


def _uri_of(given: Any) -> str | None:
    if not isinstance(given, dict):
        return None
    uri = given.get("uri") or given.get("path")
    return str(uri) if uri else None

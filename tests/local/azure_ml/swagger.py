"""Checks recorded ARM exchanges against Azure's published swagger.

`violations(trace_file, specs)` reads JSON lines `{method, path, query, request, status, response}`
and checks, for every ARM exchange: that path and method are published for that api-version, that
path and query parameters fit, that the request's body fits (read-only properties must not be
sent), that the status is declared and that the answer's body fits. Objects are closed: a property
that the contract does not know is a violation, in requests and in answers.
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator, FormatChecker
from swagger_schemas import KEPT_KEYWORDS, SchemaMaker, Specs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

# Not published: the nearest published one, as the facts about the SDK were checked, too.
HELD_AGAINST = {
    "2024-10-01-preview": "2024-04-01-preview",
    "2025-01-01-preview": "2024-04-01-preview",
}
_PROVIDER = "machinelearningservices/resource-manager/Microsoft.MachineLearningServices"
_DURATION = re.compile(r"^-?P(?!$)(\d+Y)?(\d+M)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$")
_SHOWN = 160
_UNKNOWN = "unevaluatedProperties"


@dataclass(frozen=True, slots=True)
class Known:
    """A difference that is Azure's own: what the unmodified SDK sends or Azure's service answers.

    `place` is matched against a violation's text, which begins with the method and the template.
    """

    place: str
    reason: str

    def covers(self, violation: str) -> bool:
        return re.search(self.place, violation) is not None


KNOWN = (
    Known(
        r"PUT .*/codes/.*request properties/properties/hash_version: \d+ is not of type 'string'",
        "the SDK sends the version of its hash as a number",
    ),
    Known(
        r"POST .*/datastores/\{name\}/listSecrets: request: a body was sent",
        "the SDK asks for an expirable secret, which 2024-10-01-preview has and 2024-04-01 has not",
    ),
    Known(
        r"GET .*/datastores.*credentials: 'secrets' is a required property",
        "declared as required for writing; Azure leaves secrets out of what it shows, as we do",
    ),
    Known(
        r"PUT .*/deployments/.*request .*(dataCollectionMode|rollingRate): '[a-z]+' is not one of",
        "the SDK documents and sends both in lower case",
    ),
)

_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value) is not None


@_FORMATS.checks("uuid", raises=ValueError)
def _is_uuid(value: object) -> bool:
    return not isinstance(value, str) or uuid.UUID(value) is not None


@_FORMATS.checks("duration")
def _is_duration(value: object) -> bool:
    return not isinstance(value, str) or _DURATION.match(value) is not None


class Contract:
    """Checks exchanges of one api-version."""

    def __init__(self, folder: Path, known: Sequence[Known] = ()) -> None:
        self._specs = Specs(folder)
        self._known = known
        self._paths = sorted(self._load(), key=lambda item: item[1].count("{"))

    def _load(self) -> Iterator[tuple[re.Pattern[str], str, Path, Mapping[str, Any]]]:
        for path in sorted(self._specs.folder.glob("*.json")):
            for template, item in self._specs.file(path).get("paths", {}).items():
                pattern = re.sub(r"\\{([^}]+)\\}", _group, re.escape(template))
                # ARM's literal segments are case-insensitive.
                yield re.compile(f"^{pattern}$", re.IGNORECASE), template, path.resolve(), item

    def check(self, exchange: Mapping[str, Any], *, answers: bool = True) -> Iterator[str]:
        method, path = exchange["method"].lower(), exchange["path"]
        found = [(match, *rest) for pattern, *rest in self._paths if (match := pattern.match(path))]
        usable = [entry for entry in found if method in entry[3]]
        if not usable:
            yield f"{exchange['method']} {path}: not published"
            return
        match, template, file, item = usable[0]
        operation = item[method]
        where = f"{exchange['method']} {template}"
        parameters = [
            self._parameter(given, file)
            for given in [*item.get("parameters", []), *operation.get("parameters", [])]
        ]
        yield from self._check_path(where, match, parameters)
        yield from self._check_query(where, exchange["query"], parameters)
        yield from self._check_body(where, exchange, parameters)
        if answers:
            yield from self._check_answer(where, exchange, operation, file)

    def _parameter(self, given: Mapping[str, Any], file: Path) -> tuple[Mapping[str, Any], Path]:
        if "$ref" not in given:
            return given, file
        path, _, content = self._specs.resolve(given["$ref"], file)
        return content, path

    def _check_path(
        self, where: str, match: re.Match[str], parameters: Sequence[Any]
    ) -> Iterator[str]:
        for parameter, _ in parameters:
            if parameter["in"] != "path":
                continue
            value = match.groupdict().get(_name(parameter["name"]))
            if value is None:
                continue
            schema = {key: parameter[key] for key in KEPT_KEYWORDS if key in parameter}
            for _, error in _errors(schema, unquote(value)):
                yield f"{where}: path {parameter['name']}: {error}"

    def _check_query(
        self, where: str, query: Mapping[str, str], parameters: Sequence[Any]
    ) -> Iterator[str]:
        declared = {p["name"]: p for p, _ in parameters if p["in"] == "query"}
        for name in query:
            if name not in declared:
                yield f"{where}: query {name}: not published"
        for name, parameter in declared.items():
            if name not in query:
                if parameter.get("required"):
                    yield f"{where}: query {name}: required and absent"
                continue
            schema = {key: parameter[key] for key in KEPT_KEYWORDS if key in parameter}
            for _, error in _errors(schema, _typed(query[name], parameter.get("type"))):
                yield f"{where}: query {name}: {error}"

    def _check_body(
        self, where: str, exchange: Mapping[str, Any], parameters: Sequence[Any]
    ) -> Iterator[str]:
        bodies = [(p, file) for p, file in parameters if p["in"] == "body"]
        given = _parsed(exchange["request"])
        if not bodies:
            if given:
                yield f"{where}: request: a body was sent and none is published"
            return
        parameter, file = bodies[0]
        if given is None:
            if parameter.get("required"):
                yield f"{where}: request: a body is required and none was sent"
            return
        yield from self._check(f"{where}: request", parameter["schema"], file, given)

    def _check_answer(
        self, where: str, exchange: Mapping[str, Any], operation: Mapping[str, Any], file: Path
    ) -> Iterator[str]:
        responses = operation["responses"]
        declared = responses.get(str(exchange["status"]), responses.get("default"))
        if declared is None or (
            exchange["status"] < 400 and str(exchange["status"]) not in responses
        ):
            yield f"{where}: status {exchange['status']}: not published"
            return
        given = _parsed(exchange["response"])
        schema = declared.get("schema")
        if schema is None:
            if given:
                yield f"{where}: answer {exchange['status']}: a body, and none is published"
            return
        yield from self._check(f"{where}: answer {exchange['status']}", schema, file, given)

    def _check(
        self, where: str, schema: Mapping[str, Any], file: Path, given: Any
    ) -> Iterator[str]:
        made = SchemaMaker(self._specs, request=where.endswith("request")).make(schema, file)
        whole = {**made, "$defs": self._specs.definitions}
        # What is known is taken out, and the rest looked at again: one error in an object makes
        # all of it look unknown, and would hide others.
        left, before = given, None
        while left != before:
            before = left
            errors = list(_errors(whole, left))
            for path, message in errors:
                text = f"{where} {_place(path)}: {message}"
                if path and any(entry.covers(text) for entry in self._known):
                    left = _without(left, path) if "is a required" not in message else left
        for path, message in errors:
            yield f"{where} {_place(path)}: {message}"


def violations(
    trace_file: Path, specs: Path, *, known: Sequence[Known] = (), answers: bool = True
) -> list[str]:
    """Every way in which the trace's ARM exchanges differ from the contract, once each.

    Args:
        trace_file: JSON lines; lines without a status (notes) and other services are passed over.
        specs: folder of the published swagger (`azure-specs`).
        known: differences not to be reported.
        answers: whether answers are checked as well as requests.
    """
    contracts: dict[str, Contract | None] = {}
    found: dict[str, None] = {}
    # Polls repeat themselves to the letter.
    for line in dict.fromkeys(trace_file.read_text(encoding="utf-8").splitlines()):
        exchange = json.loads(line)
        path, version = exchange["path"], (exchange.get("query") or {}).get("api-version", "")
        if not path.startswith("/subscriptions/"):
            continue
        if "/mfeOperation" in path:
            continue  # the status of long-running operations is ARM's own, in no service's swagger
        if version not in contracts:
            folder = _folder(specs, HELD_AGAINST.get(version, version))
            contracts[version] = Contract(folder, known) if folder is not None else None
        contract = contracts[version]
        if contract is None:
            found[f"{exchange['method']} {path}: api-version '{version}' is not published"] = None
            continue
        for text in contract.check(exchange, answers=answers):
            if not any(entry.covers(text) for entry in known):
                found[f"{text} [{version}]"] = None
    return list(found)


def _folder(specs: Path, version: str) -> Path | None:
    candidates = (specs / _PROVIDER / kind / version for kind in ("stable", "preview"))
    return next((folder for folder in candidates if version and folder.is_dir()), None)


def _errors(schema: Mapping[str, Any], given: Any) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Place and text of each error; an object that holds one is not reported as unknown, too."""
    validator = Draft202012Validator(schema, format_checker=_FORMATS)
    leaves = [leaf for error in validator.iter_errors(given) for leaf in _leaves(error)]
    places = [tuple(leaf.absolute_path) for leaf in leaves if leaf.validator != _UNKNOWN]
    unknown = [tuple(leaf.absolute_path) for leaf in leaves if leaf.validator == _UNKNOWN]
    for leaf in leaves:
        place = tuple(leaf.absolute_path)
        if leaf.validator == _UNKNOWN:
            below = [*places, *(other for other in unknown if other != place)]
            if any(other[: len(place)] == place for other in below):
                continue
        yield place, leaf.message[:_SHOWN]


def _leaves(error: Any) -> Iterator[Any]:
    """Errors of a nullable schema itself, without "is not null"."""
    first = [inner for inner in error.context or () if inner.schema_path[0] == 0]
    if not first:
        yield error
    for inner in first:
        yield from _leaves(inner)


def _place(path: tuple[Any, ...]) -> str:
    return "/".join(str(part) for part in path) or "."


def _without(given: Any, path: tuple[Any, ...]) -> Any:
    """A copy of `given` that lacks what is at `path`."""
    if not isinstance(given, dict | list):
        return given
    first, *rest = path
    made = given.copy()
    if rest:
        made[first] = _without(given[first], tuple(rest))
    elif isinstance(made, dict):
        made.pop(first, None)
    return made


def _parsed(body: Any) -> Any:
    if isinstance(body, str):
        try:
            return json.loads(body) if body else None
        except ValueError:
            return body
    return body


def _typed(value: str, kind: str | None) -> Any:
    if kind == "integer" and value.lstrip("-").isdigit():
        return int(value)
    if kind == "boolean" and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    return value


def _group(match: re.Match[str]) -> str:
    return f"(?P<{_name(match[1])}>[^/]+)"


def _name(parameter: str) -> str:
    return re.sub(r"\W", "_", parameter)

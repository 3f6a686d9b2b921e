"""The stack file: what a local stack sets up around an application, validated at once."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import yaml
from pydantic import BaseModel, StringConstraints, ValidationError

from local.errors import StackFileError
from local.event_grid.models import STRICT, ContainerName, SubscriptionEntry, TopicEntry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_BUILT_IN = ("storage", "workspace")  # sources that are always there
_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")

TableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9]{2,62}$")]


class _Strict(BaseModel):
    model_config = STRICT


class WorkspaceEntry(_Strict):
    """The Azure ML workspace that the control plane plays."""

    subscription: str = "00000000-0000-0000-0000-000000000000"
    resource_group: str = "local"
    name: str = "local"
    location: str = "local"


class DatastoreEntry(_Strict):
    """A datastore of the workspace beside its default one."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,255}$")]
    container: ContainerName


class StackFile(_Strict):
    """Everything around the application: storage, events, workspace and app settings."""

    containers: list[ContainerName] = []
    queues: list[ContainerName] = []
    tables: list[TableName] = []
    topics: list[TopicEntry] = []
    subscriptions: list[SubscriptionEntry] = []
    workspace: WorkspaceEntry = WorkspaceEntry()
    datastores: list[DatastoreEntry] = []
    settings: dict[str, str] = {}


class Placeholder(NamedTuple):
    """A setting that names a value the stack does not have."""

    setting: str
    name: str


def read_stack_file(path: Path) -> StackFile:
    """Read and validate `path`.

    Raises:
        StackFileError: missing, not YAML, or wrong; every mistake is listed.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise StackFileError(f"{path} does not exist; name the stack file with --file") from exc
    except OSError as exc:
        raise StackFileError(f"{path} cannot be read: {exc.strerror}") from exc
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise StackFileError(f"{path} is not YAML: {exc}") from exc
    content = {} if content is None else content
    if not isinstance(content, dict):
        raise StackFileError(f"{path} is not a mapping of containers, queues, subscriptions …")
    problems = _contradictions(content)
    try:
        file = StackFile.model_validate(content)
    except ValidationError as exc:
        wrong = [
            f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}"
            for error in exc.errors()
        ]
        problems = wrong + problems
    if problems:
        count = "a mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        raise StackFileError("\n  ".join([f"{path} has {count}:", *problems]))
    return file


def _contradictions(content: Mapping[str, Any]) -> list[str]:
    """Names that are duplicate or missing; ignores parts of the wrong type."""
    problems = [
        f"{kind}: {name!r} is there twice"
        for kind in ("containers", "queues", "tables", "topics", "subscriptions", "datastores")
        for name, count in Counter(_names(content, kind)).items()
        if count > 1
    ]
    topics = _names(content, "topics")
    problems += [
        f"topic {name!r} has a built-in source's name" for name in topics if name in _BUILT_IN
    ]
    sources = sorted({*_BUILT_IN, *topics})
    for name, entry in _entries(content, "subscriptions"):
        if entry.get("source") not in sources:
            problems.append(
                f"subscription {name}: source {entry.get('source')!r} is not one of {sources}"
            )
        for place, key, kind in (
            ("destination", "queue", "queues"),
            ("dead_letter", "container", "containers"),
        ):
            target = entry.get(place)
            wanted = target.get(key) if isinstance(target, dict) else None
            if wanted is not None and wanted not in _names(content, kind):
                problems.append(f"subscription {name}: {key} {wanted!r} is not under {kind}")
    problems += [
        f"datastore {name}: container {entry.get('container')!r} is not under containers"
        for name, entry in _entries(content, "datastores")
        if entry.get("container") not in _names(content, "containers")
    ]
    return problems


def _names(content: Mapping[str, Any], kind: str) -> list[str]:
    found = content.get(kind)
    plain = [item for item in found if isinstance(item, str)] if isinstance(found, list) else []
    return plain + [name for name, _ in _entries(content, kind)]


def _entries(content: Mapping[str, Any], kind: str) -> list[tuple[str, dict[str, Any]]]:
    found = content.get(kind)
    entries = [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
    return [(str(entry.get("name", "without a name")), entry) for entry in entries]


def fill_in(settings: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Replace ${name} in every setting by `values[name]`.

    Raises:
        StackFileError: a name that is not among the values; all of them are listed.
    """
    unknown = [
        Placeholder(setting, name)
        for setting, text in settings.items()
        for name in _PLACEHOLDER.findall(text)
        if name not in values
    ]
    if unknown:
        listed = "\n".join(f"  {setting}: ${{{name}}}" for setting, name in unknown)
        raise StackFileError(
            f"settings name values the stack does not have:\n{listed}\n"
            f"It has: {', '.join(sorted(values))}"
        )
    return {
        setting: _PLACEHOLDER.sub(lambda match: values[match[1]], text)
        for setting, text in settings.items()
    }

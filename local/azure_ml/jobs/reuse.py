"""Reuse: a step takes the outputs of an earlier run of it if nothing has changed."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.azure_ml.jobs.plan import FILE_TYPES, Literal
from local.azure_ml.workspace.blobs import content_digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.azure_ml.jobs.plan import Step
    from local.azure_ml.jobs.step_run import Resolved, Source
    from local.azure_ml.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier step job with the same inputs, and where its outputs are."""

    job: str
    outputs: Mapping[str, str]


def reuse_key(workspace: Workspace, step: Step, inputs: Mapping[str, Resolved]) -> str:
    """A key that is equal for steps with the same command, code, environment and inputs.

    An explicit place for an output is part of the key: files are expected there.
    """
    code = workspace.resources.get("/".join(step.code.split("/")[-4:])) if step.code else None
    content = ((code or {}).get("properties", {}).get("properties") or {}).get("hash_sha256")
    definition = {
        "command": step.command,
        "code": content or step.code,
        "environment": workspace.environment_definition(step.environment),
        "variables": dict(step.environment_variables),
        "inputs": {
            name: value.value if isinstance(value, Literal) else _of_files(value)
            for name, value in inputs.items()
        },
        "outputs": {name: [spec.type, spec.uri] for name, spec in step.outputs.items()},
    }
    return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()


def _of_files(source: Source) -> list[str]:
    # A step sees the file's name, and may depend on its extension.
    name = source.blob.path.rsplit("/", 1)[-1] if source.type in FILE_TYPES else ""
    return [source.type, source.digest, name]


class ReuseNotes:
    """One small file per key; a note whose outputs are gone or changed is ignored."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._folder = workspace.state / "reuse"

    async def find(self, key: str) -> Earlier | None:
        """The earlier step under `key`, if its outputs are unchanged."""
        note = self._folder / f"{key}.json"
        if not note.exists():
            return None
        known = json.loads(note.read_text(encoding="utf-8"))
        if await self._digests(known["outputs"]) != known.get("digests"):
            return None
        return Earlier(known["job"], known["outputs"])

    async def remember(self, key: str, job: str, outputs: Mapping[str, str]) -> None:
        """Remember the outputs of `job` under `key`."""
        digests = await self._digests(outputs)
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._folder / uuid.uuid4().hex
        note = {"job": job, "outputs": dict(outputs), "digests": digests}
        draft.write_text(json.dumps(note), encoding="utf-8")
        draft.replace(self._folder / f"{key}.json")

    async def _digests(self, outputs: Mapping[str, str]) -> dict[str, str]:
        """Digest of each output's files as they are now; another job may have changed them."""
        found = {}
        for name, uri in outputs.items():
            blob = self._workspace.locate(uri)
            items = await self._workspace.blobs.list(blob.container, blob.path)
            found[name] = content_digest(items, blob.path.rstrip("/"))
        return found

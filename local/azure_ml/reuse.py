"""Which step did what already: outputs are taken over when nothing has changed."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.azure_ml.plan import Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.azure_ml.plan import Step
    from local.azure_ml.step_run import Resolved
    from local.azure_ml.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Earlier:
    """A step job that did the same with the same, and where its outputs are."""

    job: str
    outputs: Mapping[str, str]


def reuse_key(workspace: Workspace, step: Step, inputs: Mapping[str, Resolved]) -> str:
    """Equal for steps that would do the same with the same: command, code, environment, inputs.

    An explicit place for an output is part of it: somebody waits for files there.
    """
    code = workspace.resources.get("/".join(step.code.split("/")[-4:])) if step.code else None
    content = ((code or {}).get("properties", {}).get("properties") or {}).get("hash_sha256")
    definition = {
        "command": step.command,
        "code": content or step.code,
        "environment": workspace.environment_definition(step.environment),
        "variables": dict(step.environment_variables),
        "inputs": {
            name: value.value if isinstance(value, Literal) else [value.type, value.digest]
            for name, value in inputs.items()
        },
        "outputs": {name: [spec.type, spec.uri] for name, spec in step.outputs.items()},
    }
    return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()


class ReuseNotes:
    """One small file a key; a note whose outputs are gone counts as none."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._folder = workspace.state / "reuse"

    async def find(self, key: str) -> Earlier | None:
        """The earlier step under `key`, if all its outputs still exist."""
        note = self._folder / f"{key}.json"
        if not note.exists():
            return None
        known = json.loads(note.read_text(encoding="utf-8"))
        for uri in known["outputs"].values():
            blob = self._workspace.locate(uri)
            if not await self._workspace.blobs.list(blob.container, blob.path):
                return None
        return Earlier(known["job"], known["outputs"])

    def remember(self, key: str, job: str, outputs: Mapping[str, str]) -> None:
        """Note what `job` did."""
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._folder / uuid.uuid4().hex
        draft.write_text(json.dumps({"job": job, "outputs": dict(outputs)}), encoding="utf-8")
        draft.replace(self._folder / f"{key}.json")

"""ARM resources of one workspace, as JSON files that survive a restart."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_PROVIDER = "Microsoft.MachineLearningServices/workspaces"
# As the published contract has them; a version may hold dots, but not dots alone.
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9\-_]{0,254}$")
_VERSION = re.compile(r"^(?!\.+$)[A-Za-z0-9_.\-]{1,255}$")


class InvalidNameError(LocalStackError):
    """A resource name that Azure would refuse as well."""


class Resources:
    """Resources by their path below the workspace, e.g. `models/churn/versions/3`.

    Kept in memory and written through with an atomic replace, so a reader never sees half a
    file. Bodies are ARM envelopes; `systemData.createdAt` survives updates. One event loop owns
    an instance; what it returns are copies.
    """

    def __init__(self, root: Path, *, arm_id: str) -> None:
        """Read what `root` holds.

        Raises:
            LocalStackError: a file under `root` is not a JSON object.
        """
        self._root = root
        self._arm_id = arm_id
        self._items: dict[str, dict[str, Any]] = {}
        root.mkdir(parents=True, exist_ok=True)
        found: list[tuple[str, str, dict[str, Any]]] = []
        for file in root.rglob("*.json"):
            body = read_object_file(file)
            parts = file.relative_to(root).with_suffix("").parts
            # Counted in, so that creation order survives equal timestamps.
            order = str(body.get("systemData", {}).get("createdAt", ""))
            found.append((order, "/".join(unquote(part) for part in parts), body))
        for _, path, body in sorted(found, key=lambda item: item[:2]):
            self._items[path] = body

    def get(self, path: str) -> dict[str, Any] | None:
        """The resource at `path`, or None."""
        body = self._items.get(path)
        return copy.deepcopy(body) if body is not None else None

    def put(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create or replace; adds `id`, `name`, `type` and `systemData`. Returns the envelope.

        Raises:
            InvalidNameError: a segment of `path` cannot be a resource's name.
        """
        parts = path.split("/")
        for collection, name in zip(parts[0::2], parts[1::2], strict=True):
            if not (_VERSION if collection == "versions" else _NAME).match(name):
                raise InvalidNameError(
                    f"'{name}' in {path} is not a resource name: use 1 to 255 letters, digits, '-' "
                    "and '_', beginning with a letter or digit (versions may hold '.', too)"
                )
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        before = self._items.get(path, {}).get("systemData", {})
        envelope = {
            "id": f"{self._arm_id}/{path}",
            "name": parts[-1],
            "type": "/".join([_PROVIDER, *parts[0::2]]),
            "systemData": {
                "createdAt": before.get("createdAt", now),
                "createdBy": "local",
                "createdByType": "User",
                "lastModifiedAt": now,
                "lastModifiedBy": "local",
                "lastModifiedByType": "User",
            },
        }
        # What the body says of these is not the caller's to say.
        envelope |= {key: value for key, value in body.items() if key not in envelope}
        envelope = copy.deepcopy(envelope)
        _write(self._file(path), envelope)
        self._items[path] = envelope
        return copy.deepcopy(envelope)

    def delete(self, path: str) -> bool:
        """Remove the resource and all below it; False when there was none."""
        below = [key for key in self._items if key == path or key.startswith(f"{path}/")]
        file = self._file(path)
        file.unlink(missing_ok=True)
        shutil.rmtree(file.with_suffix(""), ignore_errors=True)
        for key in below:
            del self._items[key]
        return bool(below)

    def list(self, collection: str) -> list[dict[str, Any]]:
        """Direct members of e.g. `models/churn/versions`, oldest first."""
        prefix = f"{collection}/"
        return [
            copy.deepcopy(body)
            for path, body in self._items.items()
            if path.startswith(prefix) and "/" not in path[len(prefix) :]
        ]

    def names(self, collection: str) -> tuple[str, ...]:
        """Names in e.g. `models` that are a resource or have one below, oldest first."""
        prefix = f"{collection}/"
        found = {
            path[len(prefix) :].split("/", 1)[0]: None
            for path in self._items
            if path.startswith(prefix)
        }
        return tuple(found)

    def _file(self, path: str) -> Path:
        *folders, last = (quote(part) for part in path.split("/"))
        return self._root.joinpath(*folders, f"{last}.json")


def read_object_file(file: Path) -> dict[str, Any]:
    """A JSON object of the state folder.

    Raises:
        LocalStackError: it holds none; with the way out.
    """
    try:
        body = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as exc:
        raise LocalStackError(
            f"{file} is damaged ({exc}). Delete that file to lose this one resource, or the whole "
            "state folder to start over."
        ) from exc
    if not isinstance(body, dict):
        raise LocalStackError(f"{file} holds no JSON object. Delete it, or the state folder.")
    return body


def _write(file: Path, body: Mapping[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".json.new")
    with draft.open("w", encoding="utf-8") as out:
        json.dump(body, out, indent=1)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)

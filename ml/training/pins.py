"""The manifest of a data version (its "pin set"): the accepted files, each with its hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from ml.errors import PinMismatchError
from ml.step_files import Pin

if TYPE_CHECKING:
    from pathlib import Path

_FORMAT: Final = 1
_BLOCK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class PinSet:
    """The files of one data version, oldest first."""

    model: str
    data_version: str
    files: tuple[Pin, ...]

    @property
    def data_sha256(self) -> str:
        """One hash of the content of all files in their order, whatever their names."""
        return hashlib.sha256("\n".join(pin.sha256 for pin in self.files).encode()).hexdigest()


def read_pins(path: Path, *, model: str) -> PinSet:
    """Read and check a pin set.

    Raises:
        PinMismatchError: not a pin set of this format, of another model, or empty.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != _FORMAT:
            raise PinMismatchError(
                f"{path.name}: format {document['format']}, this code reads {_FORMAT}; "
                "write the pin set with the same release"
            )
        pins = PinSet(
            model=document["model"],
            data_version=str(document["data_version"]),
            files=tuple(
                Pin(
                    path=str(entry["path"]),
                    sha256=str(entry["sha256"]).lower(),
                    rows=int(entry["rows"]),
                    source=str(entry.get("source", entry["path"])),
                )
                for entry in document["files"]
            ),
        )
    except (ValueError, KeyError, TypeError) as exc:
        raise PinMismatchError(
            f"{path.name} is not a pin set: {type(exc).__name__} {exc}; wanted format, model, "
            "data_version and files with path, sha256 and rows"
        ) from exc
    if pins.model != model:
        raise PinMismatchError(
            f"{path.name} pins files of model {pins.model!r}, the job trains {model!r}; "
            "submit it with the pin set of that model"
        )
    if not pins.files:
        raise PinMismatchError(f"{path.name} pins no file; a data version needs at least one")
    return pins


def verified_path(pin: Pin, files: Path) -> Path:
    """The path of a pinned file, after checking that its content is what was accepted.

    Raises:
        PinMismatchError: the file is outside the folder, absent, or has other content.
    """
    relative = PurePosixPath(pin.path)
    if relative.is_absolute() or ".." in relative.parts:
        raise PinMismatchError(f"{pin.path!r} leads out of the files folder; pin files inside it")
    path = files / relative
    if not path.is_file():
        raise PinMismatchError(
            f"{pin.path} ({pin.source}) is pinned but not there; restore it in container data"
        )
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    if digest.hexdigest() != pin.sha256:
        raise PinMismatchError(
            f"{pin.path} ({pin.source}) has sha256 {digest.hexdigest()}, accepted was "
            f"{pin.sha256}; accepted files are immutable: restore the accepted content"
        )
    return path

"""The pins of a data version: which files it is made of. The prepare step of a job reads them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from shared.usecases.performers.stored_json import dumps, reading

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class PinnedFile:
    """One file of a data version; `path` is below `<model>/files/` in the data container."""

    path: str
    sha256: str
    rows: int
    source: str  # container/path of the blob that landed


@dataclass(frozen=True, slots=True)
class Pins:
    """The files of a data version, in the order they were accepted."""

    model: str
    data_version: str
    files: tuple[PinnedFile, ...]

    def to_json(self) -> str:
        """As it is stored in the data container."""
        return dumps(
            {
                "format": _FORMAT,
                "model": self.model,
                "data_version": self.data_version,
                "files": [asdict(file) for file in self.files],
            }
        )

    @classmethod
    def from_json(cls, text: str, *, place: str) -> Pins:
        """The inverse of `to_json`; `place` is where the text was stored, for the error.

        Raises:
            DataMismatchError: it cannot be read.
        """
        with reading(place):
            document = json.loads(text)
            files = tuple(
                PinnedFile(item["path"], item["sha256"], item["rows"], item["source"])
                for item in document["files"]
            )
            return cls(document["model"], document["data_version"], files)

"""The files of a data version (its pins), and what is said about them: accepted, withdrawn.

The JSON is a format: what earlier releases stored is read for ever.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from shared.usecases.performers.files import dumps, reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class PinnedFile:
    """One file of a data version.

    Args:
        path: below `<model>/files/` in the data container.
        sha256: hash of its content.
        rows: that it has.
        source: container/path of the blob that landed.
        also: other blobs that landed with the same content.
    """

    path: str
    sha256: str
    rows: int
    source: str
    also: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """The folders of `path`, which hold values of columns."""
        return self.path.rpartition("/")[0]

    @property
    def sources(self) -> tuple[str, ...]:
        """All blobs that landed with that content, the first one first."""
        return (self.source, *self.also)


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
                "files": [_document(file) for file in self.files],
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
            files = tuple(_file(item) for item in document["files"])
            return cls(document["model"], document["data_version"], files)

    def of(self, source: str) -> tuple[PinnedFile, ...]:
        """What the blob of that place brought: several where files of one name are added."""
        return tuple(file for file in self.files if source in file.sources)


class DataSet:
    """A set of statements about files: the latest one about a name holds."""

    def __init__(self, files: Iterable[PinnedFile]) -> None:
        self._files = list(files)

    def __iter__(self) -> Iterator[PinnedFile]:
        return iter(self._files)

    def accept(self, file: PinnedFile, *, replaces: bool) -> None:
        """Its content is data now, once, whatever its names.

        Args:
            file: with one source.
            replaces: whether what that source brought before goes.
        """
        if replaces:
            self._take_out(file.source, but=file.sha256)
        for place, known in enumerate(self._files):
            if known.sha256 == file.sha256 and known.folder == file.folder:
                if file.source not in known.sources:
                    self._files[place] = replace(known, also=(*known.also, file.source))
                return
        self._files.append(file)

    def withdraw(self, source: str) -> None:
        """What that source brought is no data any more, unless it landed under another name too."""
        self._take_out(source)

    def _take_out(self, source: str, *, but: str | None = None) -> None:
        left = []
        for file in self._files:
            sources = file.sources
            if source in sources and file.sha256 != but:
                sources = tuple(other for other in sources if other != source)
            if sources:
                left.append(replace(file, source=sources[0], also=sources[1:]))
        self._files = left


def _document(file: PinnedFile) -> dict[str, Any]:
    also = {"also": list(file.also)} if file.also else {}
    return {
        "path": file.path,
        "sha256": file.sha256,
        "rows": file.rows,
        "source": file.source,
        **also,
    }


def _file(document: Mapping[str, Any]) -> PinnedFile:
    return PinnedFile(
        document["path"],
        document["sha256"],
        document["rows"],
        document["source"],
        tuple(document.get("also", ())),
    )

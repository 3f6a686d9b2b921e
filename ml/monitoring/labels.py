"""Labelled rows: the accepted files of a model, read the way the data tests read them.

A file's modification time is when it landed: mounts preserve the blob's time, downloads set it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

    from ml.model_config import ModelConfig


@dataclass(frozen=True, slots=True)
class LabelFile:
    """One accepted file; `name` is its path below the folder."""

    path: Path
    name: str
    landed_utc: datetime


@dataclass(slots=True)
class Labels:
    """Accepted files, oldest first; `unreadable` names those that cannot be read, with reasons."""

    files: tuple[LabelFile, ...]
    unreadable: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, *, since_utc: datetime, until_utc: datetime) -> Labels:
        """Find the files below a folder that landed in [since, until), whatever their names."""
        found = [
            LabelFile(
                path,
                path.relative_to(folder).as_posix(),
                datetime.fromtimestamp(path.stat().st_mtime, UTC),
            )
            for path in folder.rglob("*")
            if path.is_file()
        ]
        landed = [file for file in found if since_utc <= file.landed_utc < until_utc]
        return cls(tuple(sorted(landed, key=lambda file: (file.landed_utc, file.path))))

    def frames(self, file: LabelFile, config: ModelConfig) -> Iterator[pd.DataFrame]:
        """Raw rows of one file, in chunks; none if the file lacks the target."""
        from ml.data_tests.raw_file import UnreadableFile  # noqa: PLC0415 - most days bring none
        from ml.data_tests.reading import open_file  # noqa: PLC0415 - pandas

        with file.path.open("rb") as source:
            try:
                opened = open_file(source, config.data, path=file.name)
                if config.target in opened.header:
                    yield from opened.chunks
            except UnreadableFile as exc:
                self.unreadable[file.path.name] = str(exc)

    def sentences(self) -> list[str]:
        """One sentence for each file that could not be read."""
        return [f"Labels in {name} cannot be read: {why}." for name, why in self.unreadable.items()]

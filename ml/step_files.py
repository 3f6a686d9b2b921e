"""Files that the steps of the pipeline pass to later steps; each file has one writer."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from ml.errors import UnreadableDataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PREPARED_FILE: Final = "prepared.json"
TRAINING_FILE: Final = "training.json"
EVIDENCE_FILE: Final = "evidence.json"
_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Pin:
    """One accepted file: path below the files folder, hash, and row count when it was accepted."""

    path: str
    sha256: str
    rows: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCounts:
    """Row counts: read, kept, and left out by cause."""

    train: int
    test: int
    twins_left_out: int
    read: int
    replaced: int
    without_target: int
    outside_window: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedRecord:
    """The record of `prepare`: prepared.json beside the rows."""

    model: str
    data_version: str
    data_sha256: str
    config_sha256: str
    test_rows_sha256: str
    test_percent: float
    rows: RowCounts
    files: tuple[Pin, ...]

    def write(self, folder: Path) -> None:
        """Write it beside the rows."""
        write_json(folder / PREPARED_FILE, {"format": _FORMAT, **asdict(self)})

    @classmethod
    def read(cls, folder: Path) -> PreparedRecord:
        """Read what `prepare` wrote.

        Raises:
            UnreadableDataError: absent, or of another format.
        """
        path = folder / PREPARED_FILE
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if found.pop("format") != _FORMAT:
                raise UnreadableDataError(
                    f"{path} is of another format than {_FORMAT}; run all steps of one release"
                )
            rows, files = RowCounts(**found.pop("rows")), found.pop("files")
            return cls(**found, rows=rows, files=tuple(Pin(**file) for file in files))
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise UnreadableDataError(
                f"{path} is not what prepare writes: {type(exc).__name__} {exc}; run it again"
            ) from exc


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecord:
    """The record of a training: training.json in the model folder."""

    model: str
    config_sha256: str
    rows: int
    test_percent: float
    seed: int
    params: Mapping[str, Any]
    fit_seconds: float

    def write(self, folder: Path) -> None:
        """Write it into the model's folder."""
        write_json(folder / TRAINING_FILE, {"format": _FORMAT, **asdict(self)})


def frozen_percent(model: Path) -> float | None:
    """The percentage of rows that were frozen when a model was trained.

    None if the model has no record: a person registered it, or an older release trained it.
    """
    path = model / TRAINING_FILE
    record = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    share: float | None = record.get("test_percent")
    return share


def write_json(path: Path, document: object) -> None:
    """Write a document as indented JSON."""
    text = json.dumps(document, indent=2, default=str)
    path.write_text(f"{text}\n", encoding="utf-8")

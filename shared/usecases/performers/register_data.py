"""Pin the accepted files as an immutable data version."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from shared.domain.data import DataRegistered
from shared.domain.ids import sha256_hex
from shared.usecases.performers.files import DataReport, OutcomeKind, dumps, reading

if TYPE_CHECKING:
    from shared.domain.data import RegisterData
    from shared.domain.state import State
    from shared.ports.data import DataStore
    from shared.ports.registry import Registry

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


def register_data(
    effect: RegisterData, state: State, *, data: DataStore, registry: Registry
) -> DataRegistered:
    """Pin the previous data version's files, then the accepted ones that it does not hold yet."""
    model, version = state.model, effect.cycle_id
    text = data.get_json(effect.report, sha256=effect.report_sha256)
    report = DataReport.from_json(text, place=effect.report)
    files = _previous_files(effect, data)
    known = {file.sha256 for file in files}
    for file in report.of_kind(OutcomeKind.ACCEPTED):
        if file.sha256 not in known:
            known.add(file.sha256)
            path = file.path.removeprefix(f"{model}/files/")
            files.append(PinnedFile(path, file.sha256, file.rows, file.source))
    pins = Pins(model, version, tuple(files)).to_json()
    path = f"{model}/pins/{version}.json"
    data.put_json(path, pins)
    data_sha256 = sha256_hex("\n".join(file.sha256 for file in files))
    registry.register_data(
        model, version, pins=path, data_sha256=data_sha256, fact_seq=effect.fact_seq
    )
    return DataRegistered(
        effect.cycle_id,
        data_version=version,
        pins=path,
        pins_sha256=sha256_hex(pins),
        data_sha256=data_sha256,
        rows=sum(file.rows for file in files),
        files=len(files),
    )


def _previous_files(effect: RegisterData, data: DataStore) -> list[PinnedFile]:
    if effect.previous_pins is None or effect.previous_pins_sha256 is None:
        return []
    text = data.get_json(effect.previous_pins, sha256=effect.previous_pins_sha256)
    return list(Pins.from_json(text, place=effect.previous_pins).files)

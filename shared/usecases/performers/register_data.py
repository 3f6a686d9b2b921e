"""Pin the data version that a cycle's accepted and withdrawn files make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.data import DataArrived, DataRegistered, DataWithdrawn
from shared.domain.ids import sha256_hex
from shared.usecases.performers.files import DataReport, OutcomeKind
from shared.usecases.performers.pins import DataSet, PinnedFile, Pins

if TYPE_CHECKING:
    from shared.domain.data import RegisterData
    from shared.domain.state import State
    from shared.ports.catalog import ModelCatalog
    from shared.ports.data import DataStore
    from shared.ports.ledger import Ledger
    from shared.ports.registry import Registry

_NAMES_KEPT = 3  # in the fact; all of them stand in the pins


def register_data(
    effect: RegisterData,
    state: State,
    *,
    ledger: Ledger,
    catalog: ModelCatalog,
    data: DataStore,
    registry: Registry,
) -> DataRegistered:
    """The previous version's files, then each statement about a file in the order it was made."""
    model, version = state.model, effect.cycle_id
    files = _previous_files(effect, data)
    accepted = _accepted_files(effect, model, data)
    replaces = catalog.policy(model).same_name_replaces
    for entry in ledger.entries(model, after=effect.after_seq, to=effect.to_seq):
        fact = entry.fact
        if isinstance(fact, DataWithdrawn):
            files.withdraw(fact.place)
        elif isinstance(fact, DataArrived) and not fact.stale:
            file = accepted.get((fact.blob.place, fact.blob.etag))
            if file is not None:
                files.accept(file, replaces=replaces)
    pins = Pins(model, version, tuple(files))
    text, path = pins.to_json(), f"{model}/pins/{version}.json"
    data.put_json(path, text)
    data_sha256 = sha256_hex("\n".join(file.sha256 for file in pins.files))
    registry.register_data(
        model, version, pins=path, data_sha256=data_sha256, fact_seq=effect.fact_seq
    )
    return DataRegistered(
        effect.cycle_id,
        data_version=version,
        pins=path,
        pins_sha256=sha256_hex(text),
        data_sha256=data_sha256,
        rows=sum(file.rows for file in pins.files),
        files=len(pins.files),
        newest_files=tuple(
            file.source.rpartition("/")[2] for file in reversed(pins.files[-_NAMES_KEPT:])
        ),
    )


def _previous_files(effect: RegisterData, data: DataStore) -> DataSet:
    if effect.previous_pins is None or effect.previous_pins_sha256 is None:
        return DataSet(())
    text = data.get_json(effect.previous_pins, sha256=effect.previous_pins_sha256)
    return DataSet(Pins.from_json(text, place=effect.previous_pins).files)


def _accepted_files(
    effect: RegisterData, model: str, data: DataStore
) -> dict[tuple[str, str], PinnedFile]:
    """By place and ETag of what landed."""
    if effect.report is None or effect.report_sha256 is None:
        return {}
    text = data.get_json(effect.report, sha256=effect.report_sha256)
    report = DataReport.from_json(text, place=effect.report)
    return {
        (file.source, file.etag): PinnedFile(
            file.path.removeprefix(f"{model}/files/"), file.sha256, file.rows, file.source
        )
        for file in report.of_kind(OutcomeKind.ACCEPTED)
    }

"""Test what arrived; pin what was accepted."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from shared.domain.facts import DataArrived, DataRegistered, DataTested
from shared.errors import BlobChangedError, BlobTooLargeError
from shared.usecases.effects_jobs import Wait
from shared.usecases.effects_large_files import fate_by_job, forget_copies, test_in_jobs
from shared.usecases.file_fates import keep, settle, superseded, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.domain.effects import RegisterData, TestData
    from shared.domain.facts import BlobRef
    from shared.usecases.effect_ports import EffectPorts

_FORMAT = 1
_SENTENCES_KEPT = 3  # in the fact; all of them stand in the report
# One message tests so much, far below the ten minutes a function has; the rest is the next one's.
_SLICE_FILES = 100
_SLICE_BYTES = 200_000_000


def test_data(model: str, effect: TestData, ports: EffectPorts) -> DataTested | Wait:
    """Each file is read once, as the content that arrived; newer content is another arrival.

    Large ones are tested by jobs, all at once. The others are tested slice by slice, and what was
    found is kept beside the report, so a crash costs one slice. Repeating it is harmless: accepted
    files are stored under their hash, quarantined ones under the cycle.
    """
    arrivals = [
        entry.fact
        for entry in ports.ledger.entries(model, after=effect.after_seq, to=effect.to_seq)
        if isinstance(entry.fact, DataArrived) and not entry.fact.stale
    ]
    large = [fact.blob for fact in arrivals if not ports.data_tests.takes(fact.size_bytes)]
    waiting = test_in_jobs(model, large, cycle_id=effect.cycle_id, ports=ports)
    if waiting is not None:
        return waiting
    slices = _slices(arrivals)
    files: list[dict[str, Any]] = []
    for number, arrived in enumerate(slices):
        path = f"{model}/reports/{effect.cycle_id}-part-{number}.json"
        last = number == len(slices) - 1
        kept = None if last else ports.data.find_json(path)
        if kept is not None:
            files += json.loads(kept)["files"]
            continue
        found = _test_slice(model, arrived, cycle_id=effect.cycle_id, ports=ports)
        if isinstance(found, Wait):
            return found
        if not last:
            keep(path, _report(model, effect.cycle_id, found), ports)
            return Wait(f"{len(slices) - number - 1} more slices of files", at_once=True)
        files += found
    return _tested(model, effect, files=files, ports=ports)


def _slices(arrived: Iterable[DataArrived]) -> list[list[DataArrived]]:
    """Cut by what the facts say alone: the same slices whenever it is done again."""
    slices: list[list[DataArrived]] = [[]]
    size_bytes = 0
    for fact in arrived:
        if len(slices[-1]) >= _SLICE_FILES or size_bytes >= _SLICE_BYTES:
            slices.append([])
            size_bytes = 0
        slices[-1].append(fact)
        size_bytes += fact.size_bytes
    return slices


def _tested(
    model: str, effect: TestData, *, files: list[dict[str, Any]], ports: EffectPorts
) -> DataTested:
    report = _report(model, effect.cycle_id, files)
    sha256 = _sha256(report)
    path = f"{model}/reports/{effect.cycle_id}-{sha256[:8]}.json"
    ports.data.put_json(path, report)
    forget_copies(model, ports)
    accepted, quarantined = _of(files, "accepted"), _of(files, "quarantined")
    return DataTested(
        effect.cycle_id,
        accepted=len(accepted),
        quarantined=len(quarantined),
        superseded=len(_of(files, "superseded")),
        rows=sum(item["rows"] for item in accepted),
        report=path,
        report_sha256=sha256,
        findings=tuple(item["sentence"] for item in quarantined[:_SENTENCES_KEPT]),
    )


test_data.__test__ = False  # type: ignore[attr-defined] # pytest would take it for a test


def register_data(model: str, effect: RegisterData, ports: EffectPorts) -> DataRegistered:
    """The previous data version's files, then the accepted ones that it does not hold yet."""
    report = json.loads(ports.data.get_json(effect.report, sha256=effect.report_sha256))
    files = _previous_files(effect, ports)
    known = {item["sha256"] for item in files}
    for item in report["files"]:
        if item["fate"] == "accepted" and item["sha256"] not in known:
            known.add(item["sha256"])
            files.append(
                {
                    "path": item["path"].removeprefix(f"{model}/files/"),
                    "sha256": item["sha256"],
                    "rows": item["rows"],
                    "source": item["source"],
                }
            )
    pins = to_json(
        {"format": _FORMAT, "model": model, "data_version": effect.cycle_id, "files": files}
    )
    path = f"{model}/pins/{effect.cycle_id}.json"
    ports.data.put_json(path, pins)
    data_sha256 = _sha256("\n".join(item["sha256"] for item in files))
    ports.registry.register_data(
        model, effect.cycle_id, pins=path, data_sha256=data_sha256, fact_seq=effect.fact_seq
    )
    return DataRegistered(
        effect.cycle_id,
        data_version=effect.cycle_id,
        pins=path,
        pins_sha256=_sha256(pins),
        data_sha256=data_sha256,
        rows=sum(item["rows"] for item in files),
        files=len(files),
    )


def _test_slice(
    model: str, arrived: Sequence[DataArrived], *, cycle_id: str, ports: EffectPorts
) -> list[dict[str, Any]] | Wait:
    """Where each file went."""
    found = []
    for fact in arrived:
        if ports.data_tests.takes(fact.size_bytes):
            line = _test_here(model, fact.blob, cycle_id=cycle_id, ports=ports)
        else:
            line = fate_by_job(model, fact.blob, cycle_id=cycle_id, ports=ports)
        if isinstance(line, Wait):
            return line
        found.append(line)
    return found


def _test_here(
    model: str, blob: BlobRef, *, cycle_id: str, ports: EffectPorts
) -> dict[str, Any] | Wait:
    try:
        with ports.data.fetch(blob) as copy:
            tested = ports.data_tests.test(model, copy, blob.name)
            sha256 = copy.sha256
        return settle(model, blob, tested, cycle_id=cycle_id, sha256=sha256, ports=ports)
    except BlobChangedError:
        return superseded(blob)
    except BlobTooLargeError:  # larger than its event said, or once it is unpacked
        return fate_by_job(model, blob, cycle_id=cycle_id, ports=ports)


def _previous_files(effect: RegisterData, ports: EffectPorts) -> list[dict[str, Any]]:
    if effect.previous_pins is None or effect.previous_pins_sha256 is None:
        return []
    text = ports.data.get_json(effect.previous_pins, sha256=effect.previous_pins_sha256)
    return list(json.loads(text)["files"])


def _report(model: str, cycle_id: str, files: Sequence[dict[str, Any]]) -> str:
    return to_json({"format": _FORMAT, "model": model, "cycle_id": cycle_id, "files": files})


def _of(files: Sequence[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [item for item in files if item["fate"] == kind]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

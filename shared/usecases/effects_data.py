"""Test what arrived; pin what was accepted."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.domain import sentences
from shared.domain.facts import DataArrived, DataRegistered, DataTested
from shared.errors import BlobChangedError, BlobTooLargeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.effects import RegisterData, TestData
    from shared.domain.facts import BlobRef
    from shared.ports import TestedFile
    from shared.usecases.effect_ports import EffectPorts

_FORMAT = 1
_SENTENCES_KEPT = 3  # in the fact; all of them stand in the report


@dataclass(frozen=True, slots=True)
class _Fate:
    """Where one file went."""

    blob: BlobRef
    kind: str  # accepted, quarantined, superseded
    path: str = ""
    sha256: str = ""
    rows: int = 0
    sentence: str = ""


def test_data(model: str, effect: TestData, ports: EffectPorts) -> DataTested:
    """Each file is read once, as the content that arrived; newer content is another arrival.

    Repeating it is harmless: accepted files are stored under their hash, quarantined ones under
    the cycle.
    """
    arrived = (
        entry.fact
        for entry in ports.ledger.entries(model, after=effect.after_seq, to=effect.to_seq)
    )
    fates = [
        _test_file(model, effect.cycle_id, blob=fact.blob, ports=ports)
        for fact in arrived
        if isinstance(fact, DataArrived) and not fact.stale
    ]
    report = _report(model, effect.cycle_id, fates)
    sha256 = _sha256(report)
    path = f"{model}/reports/{effect.cycle_id}-{sha256[:8]}.json"
    ports.data.put_json(path, report)
    accepted = _of(fates, "accepted")
    quarantined = _of(fates, "quarantined")
    return DataTested(
        effect.cycle_id,
        accepted=len(accepted),
        quarantined=len(quarantined),
        superseded=len(_of(fates, "superseded")),
        rows=sum(fate.rows for fate in accepted),
        report=path,
        report_sha256=sha256,
        findings=tuple(fate.sentence for fate in quarantined[:_SENTENCES_KEPT]),
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
    pins = _json(
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


def _test_file(model: str, cycle_id: str, *, blob: BlobRef, ports: EffectPorts) -> _Fate:
    try:
        with ports.data.fetch(blob) as copy:
            tested = ports.data_tests.test(model, copy, blob.name)
            sha256 = copy.sha256
        if not tested.passed:
            return _set_aside(model, cycle_id, blob=blob, tested=tested, ports=ports)
        path = f"{model}/files/{sha256[:16]}-{blob.name}"
        ports.data.accept(blob, path)
    except BlobChangedError:
        return _Fate(blob, "superseded")
    except BlobTooLargeError as exc:
        return _too_large(model, cycle_id, blob=blob, sentence=str(exc), ports=ports)
    return _Fate(blob, "accepted", path=path, sha256=sha256, rows=tested.rows)


def _set_aside(
    model: str, cycle_id: str, *, blob: BlobRef, tested: TestedFile, ports: EffectPorts
) -> _Fate:
    findings = [finding.sentence for finding in tested.findings]
    sentence = sentences.set_aside(blob.name, findings)
    return _quarantine(
        model, cycle_id, blob=blob, report=tested.report, sentence=sentence, ports=ports
    )


def _too_large(
    model: str, cycle_id: str, *, blob: BlobRef, sentence: str, ports: EffectPorts
) -> _Fate:
    return _quarantine(
        model,
        cycle_id,
        blob=blob,
        report={"findings": [{"test": "size", "column": None, "sentence": sentence}]},
        sentence=sentences.set_aside(blob.name, [sentence]),
        ports=ports,
    )


def _quarantine(
    model: str,
    cycle_id: str,
    *,
    blob: BlobRef,
    report: Any,
    sentence: str,
    ports: EffectPorts,
) -> _Fate:
    inside = blob.path.removeprefix(f"{model}/")
    path = f"{model}/{cycle_id}/{inside}"
    document = {"source": blob.place, "etag": blob.etag, "sentence": sentence, "report": report}
    ports.quarantine.put(blob, path, report=_json(document))
    return _Fate(blob, "quarantined", path=path, sentence=sentence)


def _previous_files(effect: RegisterData, ports: EffectPorts) -> list[dict[str, Any]]:
    if effect.previous_pins is None or effect.previous_pins_sha256 is None:
        return []
    text = ports.data.get_json(effect.previous_pins, sha256=effect.previous_pins_sha256)
    return list(json.loads(text)["files"])


def _report(model: str, cycle_id: str, fates: Sequence[_Fate]) -> str:
    files = [
        {
            "source": fate.blob.place,
            "etag": fate.blob.etag,
            "fate": fate.kind,
            "path": fate.path,
            "sha256": fate.sha256,
            "rows": fate.rows,
            "sentence": fate.sentence,
        }
        for fate in fates
    ]
    return _json({"format": _FORMAT, "model": model, "cycle_id": cycle_id, "files": files})


def _of(fates: Sequence[_Fate], kind: str) -> list[_Fate]:
    return [fate for fate in fates if fate.kind == kind]


def _json(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

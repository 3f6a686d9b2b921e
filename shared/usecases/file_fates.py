"""What becomes of a file that was tested, and its line in the report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from shared.domain import sentences
from shared.domain.ids import content_name, path_within
from shared.errors import DataMismatchError

if TYPE_CHECKING:
    from shared.domain.facts import BlobRef
    from shared.ports.data import TestedFile
    from shared.usecases.effect_ports import EffectPorts


def settle(
    model: str, blob: BlobRef, tested: TestedFile, *, cycle_id: str, sha256: str, ports: EffectPorts
) -> dict[str, Any]:
    """Accept the content that passed, set aside the other.

    Raises:
        BlobChangedError: the blob is gone or holds something else by now.
    """
    if not tested.passed:
        findings = [finding.sentence for finding in tested.findings]
        sentence = sentences.set_aside(blob.name, findings)
        return _set_aside(
            model, blob, sentence, cycle_id=cycle_id, report=tested.report, ports=ports
        )
    path = f"{model}/files/{content_name(sha256, blob.name)}"
    ports.data.accept(blob, path)
    return _fate(blob, "accepted", path=path, sha256=sha256, rows=tested.rows)


def set_aside_untested(
    model: str, blob: BlobRef, why: str, *, cycle_id: str, ports: EffectPorts
) -> dict[str, Any]:
    """A file that nobody could test.

    Raises:
        BlobChangedError: the blob is gone or holds something else by now.
    """
    report = {"findings": [{"test": "job", "column": None, "sentence": why}]}
    sentence = sentences.set_aside(blob.name, [why])
    return _set_aside(model, blob, sentence, cycle_id=cycle_id, report=report, ports=ports)


def superseded(blob: BlobRef) -> dict[str, Any]:
    """Gone or overwritten before it was used; newer content is another arrival."""
    return _fate(blob, "superseded")


def keep(path: str, text: str, ports: EffectPorts) -> None:
    """Write down what was found; what another message wrote there first holds."""
    try:
        ports.data.put_json(path, text)
    except DataMismatchError:
        return  # a doubled message was faster, and a file changed in between


def to_json(document: Any) -> str:
    """As reports and fates are stored."""
    return json.dumps(document, ensure_ascii=False)


def _set_aside(
    model: str, blob: BlobRef, sentence: str, *, cycle_id: str, report: Any, ports: EffectPorts
) -> dict[str, Any]:
    inside = blob.path.removeprefix(f"{model}/")
    path = path_within(f"{model}/{cycle_id}", inside)
    document = {"source": blob.place, "etag": blob.etag, "sentence": sentence, "report": report}
    ports.quarantine.put(blob, path, report=to_json(document))
    return _fate(blob, "quarantined", path=path, sentence=sentence)


def _fate(
    blob: BlobRef, kind: str, *, path: str = "", sha256: str = "", rows: int = 0, sentence: str = ""
) -> dict[str, Any]:
    return {
        "source": blob.place,
        "etag": blob.etag,
        "fate": kind,
        "path": path,
        "sha256": sha256,
        "rows": rows,
        "sentence": sentence,
    }

"""Test what arrived; pin what was accepted."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from shared.domain import sentences
from shared.domain.facts import DataArrived, DataRegistered, DataTested, JobStatus
from shared.domain.ids import JobName, content_name, cycle_id_of, path_within
from shared.errors import BlobChangedError, BlobTooLargeError, DataMismatchError
from shared.ports.jobs import DataTestRequest
from shared.usecases.effects_jobs import Wait

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.domain.effects import RegisterData, TestData
    from shared.domain.facts import BlobRef
    from shared.ports.data import TestedFile
    from shared.ports.jobs import JobReport
    from shared.usecases.effect_ports import EffectPorts

_FORMAT = 1
_MOST_JOBS = 2  # of a large file: machines fail, and a file that breaks the tests breaks them again
_SENTENCES_KEPT = 3  # in the fact; all of them stand in the report
# One message tests so much, far below the ten minutes a function has; the rest is the next one's.
_SLICE_FILES = 100
_SLICE_BYTES = 200_000_000


def test_data(model: str, effect: TestData, ports: EffectPorts) -> DataTested | Wait:
    """Each file is read once, as the content that arrived; newer content is another arrival.

    Many files are tested slice by slice, and what was found is kept beside the report, so a crash
    costs one slice. Repeating it is harmless: accepted files are stored under their hash,
    quarantined ones under the cycle.
    """
    slices = _slices(
        entry.fact
        for entry in ports.ledger.entries(model, after=effect.after_seq, to=effect.to_seq)
        if isinstance(entry.fact, DataArrived) and not entry.fact.stale
    )
    files: list[dict[str, Any]] = []
    for number, arrived in enumerate(slices):
        path = f"{model}/reports/{effect.cycle_id}-part-{number}.json"
        last = number == len(slices) - 1
        kept = None if last else ports.data.find_json(path)
        if kept is not None:
            files += json.loads(kept)["files"]
            continue
        found = _test_files(model, effect.cycle_id, arrived, ports)
        if isinstance(found, Wait):
            return found
        if not last:
            _keep(path, _report(model, effect.cycle_id, found), ports)
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


def _keep(path: str, report: str, ports: EffectPorts) -> None:
    try:
        ports.data.put_json(path, report)
    except DataMismatchError:
        return  # a doubled message was faster, and a file changed in between: the first one holds


def _tested(
    model: str, effect: TestData, *, files: list[dict[str, Any]], ports: EffectPorts
) -> DataTested:
    report = _report(model, effect.cycle_id, files)
    sha256 = _sha256(report)
    path = f"{model}/reports/{effect.cycle_id}-{sha256[:8]}.json"
    ports.data.put_json(path, report)
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


def _test_files(
    model: str, cycle_id: str, arrived: Sequence[DataArrived], ports: EffectPorts
) -> list[dict[str, Any]] | Wait:
    """Where each file went. Large ones first: the others are not tested again while a job runs."""
    large: dict[BlobRef, dict[str, Any]] = {}
    running: list[Wait] = []
    for fact in arrived:
        if not ports.data_tests.takes(fact.size_bytes):
            found = _test_in_job(model, cycle_id, blob=fact.blob, ports=ports)
            if isinstance(found, Wait):
                running.append(found)
            else:
                large[fact.blob] = found
    if running:
        return running[0]
    return [
        large[fact.blob]
        if fact.blob in large
        else _test_here(model, cycle_id, blob=fact.blob, ports=ports)
        for fact in arrived
    ]


def _test_here(model: str, cycle_id: str, *, blob: BlobRef, ports: EffectPorts) -> dict[str, Any]:
    try:
        with ports.data.fetch(blob) as copy:
            tested = ports.data_tests.test(model, copy, blob.name)
            sha256 = copy.sha256
        return _tested_file(model, cycle_id, blob=blob, sha256=sha256, tested=tested, ports=ports)
    except BlobChangedError:
        return _fate(blob, "superseded")
    except BlobTooLargeError as exc:  # what the event said of its size was wrong
        return _untested(model, cycle_id, blob=blob, test="size", sentence=str(exc), ports=ports)


def _test_in_job(
    model: str, cycle_id: str, *, blob: BlobRef, ports: EffectPorts
) -> dict[str, Any] | Wait:
    """A job tests a copy, so that it reads exactly that content; the copy goes with its fate."""
    digits = cycle_id_of(model, f"{cycle_id}:{blob.place}:{blob.etag}")
    copy = f"{model}/untested/{digits}"
    for attempt in range(1, _MOST_JOBS + 1):
        job = str(JobName("test", digits, attempt))
        report = ports.jobs.report(job)
        if report is None or report.status is not JobStatus.FAILED:
            break
    try:
        if report is None:
            ports.data.accept(blob, copy)
            ports.jobs.submit_data_test(DataTestRequest(job, model=model, path=copy))
        if report is None or report.status is None:
            return Wait(f"job {job}", job_name=job)
        found = _after_job(model, cycle_id, blob=blob, job=job, report=report, ports=ports)
    except BlobChangedError:
        found = _fate(blob, "superseded")
    ports.data.discard(copy)
    return found


def _after_job(
    model: str, cycle_id: str, *, blob: BlobRef, job: str, report: JobReport, ports: EffectPorts
) -> dict[str, Any]:
    if report.status is not JobStatus.COMPLETED:
        sentence = sentences.not_tested(
            sentences.job_failed_twice(job, report.message)
            if report.status is JobStatus.FAILED
            else sentences.job_was_canceled(job)
        )
        return _untested(model, cycle_id, blob=blob, test="job", sentence=sentence, ports=ports)
    text = ports.evidence.read(ports.evidence.location(model, job))
    found = ports.data_tests.read(text, blob.name)
    return _tested_file(
        model, cycle_id, blob=blob, sha256=found.sha256, tested=found.tested, ports=ports
    )


def _tested_file(
    model: str, cycle_id: str, *, blob: BlobRef, sha256: str, tested: TestedFile, ports: EffectPorts
) -> dict[str, Any]:
    """Accepted or set aside: its line in the report.

    Raises:
        BlobChangedError: it is another content by now.
    """
    if not tested.passed:
        return _set_aside(model, cycle_id, blob=blob, tested=tested, ports=ports)
    path = f"{model}/files/{content_name(sha256, blob.name)}"
    ports.data.accept(blob, path)
    return _fate(blob, "accepted", path=path, sha256=sha256, rows=tested.rows)


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


def _set_aside(
    model: str, cycle_id: str, *, blob: BlobRef, tested: TestedFile, ports: EffectPorts
) -> dict[str, Any]:
    findings = [finding.sentence for finding in tested.findings]
    sentence = sentences.set_aside(blob.name, findings)
    return _quarantine(
        model, cycle_id, blob=blob, report=tested.report, sentence=sentence, ports=ports
    )


def _untested(
    model: str, cycle_id: str, *, blob: BlobRef, test: str, sentence: str, ports: EffectPorts
) -> dict[str, Any]:
    return _quarantine(
        model,
        cycle_id,
        blob=blob,
        report={"findings": [{"test": test, "column": None, "sentence": sentence}]},
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
) -> dict[str, Any]:
    inside = blob.path.removeprefix(f"{model}/")
    path = path_within(f"{model}/{cycle_id}", inside)
    document = {"source": blob.place, "etag": blob.etag, "sentence": sentence, "report": report}
    ports.quarantine.put(blob, path, report=_json(document))
    return _fate(blob, "quarantined", path=path, sentence=sentence)


def _previous_files(effect: RegisterData, ports: EffectPorts) -> list[dict[str, Any]]:
    if effect.previous_pins is None or effect.previous_pins_sha256 is None:
        return []
    text = ports.data.get_json(effect.previous_pins, sha256=effect.previous_pins_sha256)
    return list(json.loads(text)["files"])


def _report(model: str, cycle_id: str, files: Sequence[dict[str, Any]]) -> str:
    return _json({"format": _FORMAT, "model": model, "cycle_id": cycle_id, "files": files})


def _of(files: Sequence[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [item for item in files if item["fate"] == kind]


def _json(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

"""Files that are too large for a function: a job tests each, from a copy of what arrived."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from shared.domain import sentences
from shared.domain.facts import JobStatus
from shared.domain.ids import JobName, digits_of
from shared.errors import BlobChangedError, EvidenceError, NotThereYetError
from shared.ports.jobs import DataTestRequest
from shared.usecases.effects_jobs import Wait
from shared.usecases.file_fates import keep, set_aside_untested, settle, superseded, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.facts import BlobRef
    from shared.ports.jobs import JobReport
    from shared.usecases.effect_ports import EffectPorts

_MOST_JOBS = 2  # machines fail now and then


def test_in_jobs(
    model: str, blobs: Sequence[BlobRef], *, cycle_id: str, ports: EffectPorts
) -> Wait | None:
    """Start a job for each file, or look how far it is; None once the fate of all is kept."""
    running: list[str] = []
    decided = False
    for blob in blobs:
        digits = _digits(model, blob, cycle_id)
        if ports.data.find_json(_kept(model, cycle_id, digits)) is not None:
            continue
        job, report = _newest_job(digits, ports)
        try:
            if report is None:
                path = f"{_copies(model)}{cycle_id}/{digits}"
                ports.data.accept(blob, path)
                ports.jobs.submit_data_test(DataTestRequest(job, model=model, path=path))
            if report is None or report.status is None:
                running.append(job)
                continue
            fate = _fate_after(job, report, model=model, blob=blob, cycle_id=cycle_id, ports=ports)
        except BlobChangedError:
            fate = superseded(blob)
        keep(_kept(model, cycle_id, digits), to_json(fate), ports)
        decided = True
    if not running:
        return None
    others = f" and {len(running) - 1:,} more" if len(running) > 1 else ""
    # Each that ends is progress: the time that others may take begins anew.
    return Wait(f"job {running[0]}{others}", at_once=decided, jobs=tuple(running))


test_in_jobs.__test__ = False  # type: ignore[attr-defined] # pytest would take it for a test


def fate_by_job(
    model: str, blob: BlobRef, *, cycle_id: str, ports: EffectPorts
) -> dict[str, Any] | Wait:
    """What was decided after the file's job, or that it goes on.

    Raises:
        NotThereYetError: it was decided, and what was kept of it is gone.
    """
    waiting = test_in_jobs(model, [blob], cycle_id=cycle_id, ports=ports)
    if waiting is not None:
        return waiting
    path = _kept(model, cycle_id, _digits(model, blob, cycle_id))
    kept = ports.data.find_json(path)
    if kept is None:
        raise NotThereYetError(f"{path} in the data container is gone")
    fate: dict[str, Any] = json.loads(kept)
    return fate


def forget_copies(model: str, ports: EffectPorts) -> None:
    """Delete what jobs have read, of cycles that were given up too: a model has one at a time."""
    ports.data.empty(_copies(model))


def _newest_job(digits: str, ports: EffectPorts) -> tuple[str, JobReport | None]:
    """The job that counts: another one only after a failure, and not for ever."""
    name = JobName("test", digits, 1)
    report = ports.jobs.report(str(name))
    while report is not None and report.status is JobStatus.FAILED and name.attempt < _MOST_JOBS:
        name = JobName("test", digits, name.attempt + 1)
        report = ports.jobs.report(str(name))
    return str(name), report


def _fate_after(
    job: str, report: JobReport, *, model: str, blob: BlobRef, cycle_id: str, ports: EffectPorts
) -> dict[str, Any]:
    """The file's fate; whatever became of the job, the other files go on."""
    if report.status is JobStatus.COMPLETED:
        try:
            text = ports.evidence.read(ports.evidence.location(model, job))
            found = ports.data_tests.read(text, blob.name)
        except (EvidenceError, NotThereYetError) as exc:
            why = str(exc)
        else:
            return settle(
                model, blob, found.tested, cycle_id=cycle_id, sha256=found.sha256, ports=ports
            )
    elif report.status is JobStatus.FAILED:
        why = sentences.job_failed_twice(job, report.message)
    else:
        why = sentences.job_was_canceled(job)
    why = sentences.not_tested(why)
    return set_aside_untested(model, blob, why, cycle_id=cycle_id, ports=ports)


def _digits(model: str, blob: BlobRef, cycle_id: str) -> str:
    return digits_of(model, f"{cycle_id}:{blob.place}:{blob.etag}")


def _copies(model: str) -> str:
    return f"{model}/untested/"


def _kept(model: str, cycle_id: str, digits: str) -> str:
    return f"{model}/reports/{cycle_id}-file-{digits}.json"

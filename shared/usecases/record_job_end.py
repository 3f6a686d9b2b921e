"""Records that a job of ours ended, from its event."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.domain.jobs import JobStatus
from shared.usecases.performers.jobs import why_failed

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.domain.jobs import JobFinished
    from shared.ports.catalog import ModelCatalog
    from shared.ports.jobs import Jobs
    from shared.usecases.record_fact import Recorded, RecordFact


@dataclass(frozen=True, slots=True)
class RecordJobEnd:
    """Records how a job ended and, if it failed, why."""

    record: RecordFact
    catalog: ModelCatalog
    jobs: Callable[[], Jobs]  # made where it is needed: after a failure

    def __call__(self, model: str, ended: JobFinished) -> Recorded | None:
        """Record the end; None if the model is not ours or the job does not show its failure yet.

        An event does not say why a job failed, and the first fact of a key stands: so the reason is
        looked up before the fact is recorded. A failure that is skipped here is found by the effect
        that polls the job.

        Raises:
            TransientError: Azure ML or the ledger did not answer.
        """
        if model not in self.catalog.names():
            return None
        if ended.status is JobStatus.FAILED:
            report = self.jobs().report(ended.job_name)
            if report is not None and report.status is not JobStatus.FAILED:
                return None
            if report is not None:
                ended = replace(ended, message=why_failed(report), final=report.final)
        return self.record(model, ended)

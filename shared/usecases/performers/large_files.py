"""Files too large for a function: a job tests a copy of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain import file_sentences, sentences
from shared.domain.ids import JobName
from shared.domain.jobs import JobStatus
from shared.errors import BlobChangedError, EvidenceError, NotThereYetError
from shared.ports.jobs import DataTestRequest
from shared.usecases.performers.files import FileOutcome, store_once, untested_folder
from shared.usecases.performers.jobs import why_failed
from shared.usecases.performers.performer import Wait

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.ports.data import DataStore, DataTests
    from shared.ports.jobs import Evidence, JobReport, Jobs
    from shared.usecases.performers.files import CycleFile, SettleFile

_MOST_JOBS = 2  # a failed one is tried again once


@dataclass(frozen=True, slots=True, kw_only=True)
class LargeFiles:
    """Starts the jobs, watches them and settles each file by what its job found."""

    data: DataStore
    data_tests: DataTests
    jobs: Jobs
    evidence: Evidence
    settle: SettleFile

    def wait_for(self, files: Sequence[CycleFile]) -> Wait | None:
        """Start or poll the job of each file; None once all outcomes are stored."""
        running: list[str] = []
        settled = False
        for file in files:
            if self.data.find_json(_outcome_path(file)) is not None:
                continue
            found = self._outcome_or_job(file)
            if isinstance(found, str):
                running.append(found)
                continue
            store_once(self.data, _outcome_path(file), found.to_json())
            settled = True
        if not running:
            return None
        # A file that was settled is progress: the time limit begins anew.
        return Wait(sentences.jobs(running), at_once=settled, jobs=tuple(running))

    def abandon(self, file: CycleFile) -> None:
        """Cancel the job of a file that is no longer wanted: it would go on costing money."""
        job, report = self._newest_job(file.digits)
        if report is not None and report.status is None:
            self.jobs.cancel(job)

    def outcome(self, file: CycleFile) -> FileOutcome | Wait:
        """The stored outcome of a file, or a wait for its job.

        Raises:
            NotThereYetError: the outcome was stored and is gone.
            DataMismatchError: the stored outcome cannot be read.
        """
        waiting = self.wait_for([file])
        if waiting is not None:
            return waiting
        path = _outcome_path(file)
        stored = self.data.find_json(path)
        if stored is None:
            raise NotThereYetError(f"{path} in the data container is gone")
        return FileOutcome.from_json(stored, place=path)

    def _outcome_or_job(self, file: CycleFile) -> FileOutcome | str:
        """The outcome of the file, or the name of the job that tests it."""
        job, report = self._newest_job(file.digits)
        try:
            if report is None:
                path = f"{untested_folder(file.model)}{file.cycle_id}/{file.digits}"
                self.data.accept(file.blob, path)
                self.jobs.submit_data_test(
                    DataTestRequest(job, file.model, path, partition=file.partition)
                )
            if report is None or report.status is None:
                return job
            return self._settled(file, job, report)
        except BlobChangedError:
            return FileOutcome.superseded(file.blob)

    def _newest_job(self, digits: str) -> tuple[str, JobReport | None]:
        """The newest job of a file; there is a second one only if the first failed."""
        name = JobName("test", digits, 1)
        report = self.jobs.report(str(name))
        while (
            report is not None and report.status is JobStatus.FAILED and name.attempt < _MOST_JOBS
        ):
            name = JobName("test", digits, name.attempt + 1)
            report = self.jobs.report(str(name))
        return str(name), report

    def _settled(self, file: CycleFile, job: str, report: JobReport) -> FileOutcome:
        """The outcome of a file whose job has ended, whatever the job's own status."""
        if report.status is JobStatus.COMPLETED:
            try:
                text = self.evidence.read(self.evidence.location(file.model, job))
                found = self.data_tests.read(text, file.name)
            except (EvidenceError, NotThereYetError) as exc:
                why = str(exc)
            else:
                return self.settle.tested(file, found.tested, sha256=found.sha256)
        elif report.status is JobStatus.FAILED:
            why = sentences.job_failed_twice(job, why_failed(report))
        else:
            why = sentences.job_was_canceled(job)
        return self.settle.untested(file, file_sentences.not_tested(why))


def _outcome_path(file: CycleFile) -> str:
    return f"{file.model}/reports/{file.cycle_id}-file-{file.digits}.json"

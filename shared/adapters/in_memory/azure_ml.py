"""Jobs and registry of Azure ML, simulated: asynchronous, and failing as scripted."""

from __future__ import annotations

import heapq
import itertools
import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from operator import attrgetter
from typing import TYPE_CHECKING

from shared.adapters.in_memory.tests_and_notices import tested_in_job
from shared.domain.ids import JobName, registering_job
from shared.domain.jobs import JobStatus
from shared.domain.retraining import Mode
from shared.errors import DataMismatchError, JobMismatchError
from shared.ports.jobs import DataTestRequest, DriftJobRequest, JobReport, JobRequest, SubmittedJob
from shared.ports.registry import ModelVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from shared.adapters.in_memory.storage import InMemoryBlobs
    from shared.domain.drift import TagDrift
    from shared.domain.rollout import Role
    from shared.ports.clock import Clock

AnyJob = JobRequest | DriftJobRequest | DataTestRequest
_COMPARED = (
    "model",
    "cycle_id",
    "mode",
    "pins",
    "data_version",
    "config_sha256",
    "challenger_version",
)


@dataclass(frozen=True, slots=True)
class JobScript:
    """What a simulated job will do: how long it takes, how it ends, what it measures.

    `final`: why it fails and would again. `config_sha256`: where it runs under other settings than
    asked for.
    """

    duration: timedelta = timedelta(minutes=5)
    fails: bool = False
    final: str = ""
    challenger_metric: float = 0.5
    champion_metric: float = 0.4
    config_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class ModelRegistered:
    """A version entered the registry, by a job or by a person."""

    model: str
    version: str
    cycle_id: str | None
    job_name: str | None


@dataclass(frozen=True, slots=True)
class JobEnded:
    """A job has ended."""

    model: str
    job_name: str
    status: JobStatus


@dataclass(slots=True)
class _Job:
    request: AnyJob
    report: JobReport
    script: JobScript


@dataclass(slots=True)
class AzureMlSimulator:
    """`Jobs` and `Registry` of one workspace.

    A training job writes its evidence, then registers its model, then completes, like the real
    pipeline; each end is announced through `announce`, which may lose or double it.
    """

    clock: Clock
    blobs: InMemoryBlobs
    script_of: Callable[[AnyJob], JobScript] = lambda _request: JobScript()
    announce: Callable[[ModelRegistered | JobEnded], None] = lambda _event: None
    jobs: dict[str, _Job] = field(default_factory=dict)
    models: dict[str, dict[str, ModelVersion]] = field(default_factory=dict)
    data: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    run_tags: dict[str, dict[str, str]] = field(default_factory=dict)
    submissions: int = 0
    registered_utc: dict[tuple[str, str], datetime] = field(default_factory=dict)
    _agenda: list[tuple[datetime, int, str, JobStatus]] = field(default_factory=list)
    _order: itertools.count[int] = field(default_factory=itertools.count)

    # --- Jobs

    def submit(self, job: JobRequest) -> SubmittedJob:
        """Start it, or find the one of that name."""
        self.settle()
        return self._submit(job, job.champion_version, _COMPARED)

    def submit_drift(self, job: DriftJobRequest) -> SubmittedJob:
        """Start it, or find the one of that name."""
        self.settle()
        version = job.comparison.check.profile
        return self._submit(job, version, ("model", "comparison.check", "comparison.profile"))

    def submit_data_test(self, job: DataTestRequest) -> SubmittedJob:
        """Start it, or find the one of that name."""
        self.settle()
        return self._submit(job, None, ("model", "path"))

    def _submit(self, job: AnyJob, champion: str | None, compared: Sequence[str]) -> SubmittedJob:
        known = self.jobs.get(job.name)
        if known is None:
            self._start(job)
            return self._submitted(job.name, champion)
        for part in compared:
            was, wanted = (attrgetter(part)(one) for one in (known.request, job))
            if was != wanted:
                raise JobMismatchError(f"job {job.name} exists with {part} {was!r}, not {wanted!r}")
        return self._submitted(job.name, getattr(known.request, "champion_version", champion))

    def _start(self, job: AnyJob) -> None:
        script = self.script_of(job)
        status = JobStatus.FAILED if script.fails else JobStatus.COMPLETED
        self.jobs[job.name] = _Job(job, JobReport(None), script)
        end_utc = self.clock.now_utc() + script.duration
        heapq.heappush(self._agenda, (end_utc, next(self._order), job.name, status))
        self.submissions += 1

    @staticmethod
    def _submitted(name: str, champion: str | None) -> SubmittedJob:
        return SubmittedJob(champion, f"https://ml.azure.com/runs/{name}")

    def report(self, name: str) -> JobReport | None:
        """The current state of a job; None if it does not exist."""
        self.settle()
        job = self.jobs.get(name)
        return job.report if job else None

    def cancel(self, name: str) -> None:
        """End the job at once if it is running."""
        self.settle()
        job = self.jobs.get(name)
        if job is not None and job.report.status is None:
            self._end(job, JobStatus.CANCELED)

    def next_end_utc(self) -> datetime | None:
        """When the next job will end; None if none is running."""
        return self._agenda[0][0] if self._agenda else None

    def settle(self) -> None:
        """End all jobs that are due by now."""
        while self._agenda and self._agenda[0][0] <= self.clock.now_utc():
            _, _, name, status = heapq.heappop(self._agenda)
            job = self.jobs[name]
            if job.report.status is None:
                self._finish(job, status)

    def _finish(self, job: _Job, status: JobStatus) -> None:
        request = job.request
        if status is JobStatus.COMPLETED and isinstance(request, DataTestRequest):
            content = self.blobs.get("data", request.path)
            assert content is not None, f"{request.path} is gone"  # noqa: S101 - a simulation
            folder = f"evidence/{request.model}/{request.name}"
            text = tested_in_job(request.model, content)
            self.blobs.upload("workspace", f"{folder}/evidence.json", text.encode())
        if status is JobStatus.COMPLETED and isinstance(request, JobRequest):
            self._write_evidence(request, job.script)
            if request.mode is Mode.RETRAIN:
                self._register(request)
        self._end(job, status)

    def _end(self, job: _Job, status: JobStatus) -> None:
        failed_steps = ("train",) if status is JobStatus.FAILED else ()
        why = job.script.final if status is JobStatus.FAILED else ""
        job.report = JobReport(status, why, failed_steps=failed_steps, final=bool(why))
        self.announce(JobEnded(job.request.model, job.request.name, status))

    def _write_evidence(self, request: JobRequest, script: JobScript) -> None:
        champion = script.champion_metric if request.champion_version is not None else None
        document = {
            "format": 1,
            "model": request.model,
            "cycle_id": request.cycle_id,
            "champion_version": request.champion_version,
            "metrics": [
                {
                    "name": "r2",
                    "goal": "max",
                    "challenger": script.challenger_metric,
                    "champion": champion,
                    "floor": 0.3,
                }
            ],
            "rows": {"train": 353, "test": 89},
            "data_version": request.data_version,
            "data_sha256": "",
            "test_rows_sha256": "",
            "config_sha256": script.config_sha256 or request.config_sha256,
            "reference": "challenger/reference.profile",
        }
        folder = f"evidence/{request.model}/{request.name}"
        self.blobs.upload("workspace", f"{folder}/evidence.json", json.dumps(document).encode())
        self.blobs.upload("workspace", f"{folder}/sample_request.json", b"{}")

    def _register(self, request: JobRequest) -> None:
        name = JobName.parse(request.name)
        tags = {
            "cycle_id": request.cycle_id,
            "attempt": str(name.attempt) if name else "1",
            "data_version": request.data_version,
            "role": "candidate",
            "fact_seq": str(request.fact_seq),
        }
        self.register(request.model, tags, job_name=request.name)

    def register(self, model: str, tags: dict[str, str], *, job_name: str | None = None) -> str:
        """Register a new version, as a job or a person would; returns the version."""
        versions = self.models.setdefault(model, {})
        version = str(len(versions) + 1)
        versions[version] = ModelVersion(version, tags)
        self.registered_utc[model, version] = self.clock.now_utc()
        self.announce(ModelRegistered(model, version, tags.get("cycle_id"), job_name))
        return version

    # --- Registry

    def of_cycle(self, model: str, cycle_id: str) -> Sequence[ModelVersion]:
        """Versions whose tag `cycle_id` is that one."""
        self.settle()
        versions = self.models.get(model, {}).values()
        return [item for item in versions if item.tags.get("cycle_id") == cycle_id]

    def registered_since(self, model: str, since_utc: datetime) -> Sequence[ModelVersion]:
        """Versions registered after that time."""
        self.settle()
        versions = self.models.get(model, {}).values()
        return [v for v in versions if self.registered_utc[model, v.version] > since_utc]

    def version(self, model: str, version: str) -> ModelVersion | None:
        """The version, or None if it does not exist."""
        self.settle()
        return self.models.get(model, {}).get(version)

    def tag(self, model: str, version: str, *, role: Role, cycle_id: str, fact_seq: int) -> None:
        """Set the role tags unless a later fact has set them (the fence)."""
        known = self.version(model, version)
        # The job's own fact_seq is of its submission, so any later role is newer.
        if known is None or int(known.tags.get("fact_seq", 0)) > fact_seq:
            return
        tags = {"role": str(role), "role_cycle_id": cycle_id, "fact_seq": str(fact_seq)}
        self.models[model][version] = replace(known, tags={**known.tags, **tags})

    def tag_drift(self, model: str, drift: TagDrift) -> None:
        """Set the drift tags on version and run, unless a later fact has set them (the fence)."""
        known = self.version(model, drift.version)
        if known is None:
            return
        tags = {
            "drift_date": drift.day.isoformat(),
            "drift_verdict": str(drift.verdict),
            "drift_report": drift.report,
            "drift_fact_seq": str(drift.fact_seq),
        }
        if int(known.tags.get("drift_fact_seq", 0)) <= drift.fact_seq:
            self.models[model][drift.version] = replace(known, tags={**known.tags, **tags})
        job = registering_job(known.tags)
        if job in self.jobs:
            run_tags = self.run_tags.setdefault(job, {})
            if int(run_tags.get("drift_fact_seq", 0)) <= drift.fact_seq:
                run_tags.update(tags)

    def register_data(
        self, model: str, version: str, *, pins: str, data_sha256: str, fact_seq: int
    ) -> None:
        """Register an immutable data version; the same again is fine."""
        del fact_seq
        known = self.data.setdefault((model, version), (pins, data_sha256))
        if known != (pins, data_sha256):
            raise DataMismatchError(f"data {model}:{version} exists with {known[0]}")

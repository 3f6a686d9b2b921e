"""Submit jobs, watch them, and read what they produced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain import sentences
from shared.domain.evidence import parse_evidence
from shared.domain.ids import JobName
from shared.domain.jobs import (
    ChallengerRegistered,
    EvidenceRead,
    JobFinished,
    JobStatus,
    JobSubmitted,
)
from shared.domain.retraining import SettingsChanged
from shared.errors import NotThereYetError
from shared.ports.jobs import JobRequest
from shared.usecases.performers.performer import Wait

if TYPE_CHECKING:
    from shared.domain.drift import WatchDriftJob
    from shared.domain.jobs import Evaluate, FindChallenger, SubmitJob, WatchJob
    from shared.domain.state import State
    from shared.ports.catalog import ModelCatalog
    from shared.ports.jobs import Evidence, JobReport, Jobs
    from shared.ports.registry import ModelVersion, Registry


def submit_job(
    effect: SubmitJob, state: State, *, jobs: Jobs, catalog: ModelCatalog
) -> JobSubmitted | SettingsChanged:
    """Submit a job. Its name is the idempotency key: a repetition finds the same job.

    A job takes model.yml and pipeline.py as they are now: none is submitted under other settings
    than those the cycle was decided under.
    """
    found = catalog.policy(state.model).config_sha256
    if found != effect.config_sha256 and jobs.report(effect.job_name) is None:
        return SettingsChanged(effect.cycle_id, decided=effect.config_sha256, found=found)
    submitted = jobs.submit(
        JobRequest(
            effect.job_name,
            model=state.model,
            cycle_id=effect.cycle_id,
            mode=effect.mode,
            pins=effect.pins,
            data_version=effect.data_version,
            config_sha256=effect.config_sha256,
            champion_version=effect.champion_version,
            challenger_version=effect.challenger_version,
            fact_seq=effect.fact_seq,
        )
    )
    return JobSubmitted(
        effect.cycle_id,
        effect.job_name,
        champion_version=submitted.champion_version,
        url=submitted.url,
    )


def watch_job(effect: WatchJob | WatchDriftJob, *, jobs: Jobs) -> JobFinished | Wait:
    """Poll the job, in case its event is lost."""
    report = jobs.report(effect.job_name)
    if report is None:
        raise NotThereYetError(f"Azure ML has no job {effect.job_name}, though it was submitted")
    if report.status is None:
        return Wait(sentences.jobs((effect.job_name,)), jobs=(effect.job_name,))
    return JobFinished(effect.job_name, report.status, why_failed(report), final=report.final)


def why_failed(report: JobReport) -> str:
    """Why a job failed; empty if it did not."""
    if report.status is not JobStatus.FAILED:
        return ""
    return report.message or sentences.steps_failed(report.failed_steps)


def find_challenger(
    effect: FindChallenger, state: State, *, registry: Registry
) -> ChallengerRegistered:
    """Look up the registered version, in case its event is lost."""
    found = registry.of_cycle(state.model, effect.cycle_id)
    mine = [version for version in found if _registered_by(version, effect.job_name)]
    if not mine:
        raise NotThereYetError(
            f"job {effect.job_name} completed, but no version of {state.model} has the tag "
            f"cycle_id={effect.cycle_id}; look at the log of its step `register`"
        )
    return ChallengerRegistered(mine[0].version, effect.cycle_id, effect.job_name)


def _registered_by(version: ModelVersion, job_name: str) -> bool:
    attempt = version.tags.get("attempt")
    name = JobName.parse(job_name)
    return attempt is None or name is None or attempt == str(name.attempt)


def evaluate(effect: Evaluate, state: State, *, evidence: Evidence) -> EvidenceRead:
    """Read the evidence of a job; the gate's verdict follows from the recorded fact."""
    location = evidence.location(state.model, effect.job_name)
    text = evidence.read(location)
    return parse_evidence(text, job_name=effect.job_name, location=location)

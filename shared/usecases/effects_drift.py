"""Compare production data with the champion's reference, here or in a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.facts import DriftChecked, EffectDone, JobFinished, JobSubmitted
from shared.domain.ids import JobName
from shared.errors import NotThereYetError
from shared.ports.drift import DriftJobRequest
from shared.usecases.effects_jobs import Wait

if TYPE_CHECKING:
    from shared.domain.effects import CheckDrift, ReadDriftCheck, WatchDriftJob
    from shared.domain.state import State
    from shared.usecases.effect_ports import EffectPorts


def check_drift(
    state: State, effect: CheckDrift, ports: EffectPorts
) -> DriftChecked | JobSubmitted | EffectDone:
    """A small window is compared here, a large one by a job that is named by what it compares."""
    champion = state.champion
    if champion is None or champion.version != effect.profile:
        return EffectDone(effect.key)  # its reference is no longer the one that counts
    found = ports.drift_checks.check(state.model, champion, effect)
    if not isinstance(found, DriftJobRequest):
        return found
    submitted = ports.jobs.submit_drift(found)
    name = JobName.parse(found.name)
    return JobSubmitted(
        name.cycle_id if name else "",
        found.name,
        champion_version=effect.profile,
        url=submitted.url,
        collected=found.collected,
    )


def watch_drift_job(effect: WatchDriftJob, ports: EffectPorts) -> JobFinished | Wait:
    """Its event usually comes first; this is for when it does not."""
    report = ports.jobs.report(effect.job_name)
    if report is None:
        raise NotThereYetError(f"Azure ML knows no job {effect.job_name}, though it was submitted")
    if report.status is None:
        return Wait(f"job {effect.job_name}")
    return JobFinished(effect.job_name, report.status, report.message)


def read_drift_check(model: str, effect: ReadDriftCheck, ports: EffectPorts) -> DriftChecked:
    """What the job found becomes the same fact as a comparison made here."""
    return ports.drift_checks.read(model, effect.check, collected=effect.collected)

"""Compare production data with the champion's reference, here or in a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.facts.jobs import JobSubmitted
from shared.domain.facts.notices import EffectDone
from shared.domain.ids import JobName
from shared.ports.drift import DriftJobRequest

if TYPE_CHECKING:
    from shared.domain.effects.drift import CheckDrift, ReadDriftCheck
    from shared.domain.facts.drift import DriftChecked
    from shared.domain.state import State
    from shared.ports.drift import DriftChecks
    from shared.ports.jobs import Jobs


def check_drift(
    effect: CheckDrift, state: State, *, drift_checks: DriftChecks, jobs: Jobs
) -> DriftChecked | JobSubmitted | EffectDone:
    """A small window is compared here, a large one by a job that is named by what it compares."""
    champion = state.champion
    if champion is None or champion.version != effect.profile:
        return EffectDone(effect.key)  # its reference is no longer the one that counts
    found = drift_checks.check(state.model, champion, effect)
    if not isinstance(found, DriftJobRequest):
        return found
    submitted = jobs.submit_drift(found)
    name = JobName.parse(found.name)
    return JobSubmitted(
        name.cycle_id if name else "",
        found.name,
        champion_version=effect.profile,
        url=submitted.url,
        collected=found.collected,
    )


def read_drift_check(
    effect: ReadDriftCheck, state: State, *, drift_checks: DriftChecks
) -> DriftChecked:
    """What the job found becomes the same fact as a comparison made here."""
    return drift_checks.read(state.model, effect.check, collected=effect.collected)

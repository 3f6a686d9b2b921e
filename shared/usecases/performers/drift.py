"""Compares production data with the champion's reference, in the app or in a job."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.domain import sentences
from shared.domain.drift import DriftChecked, DriftVerdict
from shared.domain.evidence import parse_evidence
from shared.domain.ids import JobName
from shared.domain.jobs import JobSubmitted
from shared.domain.notices import EffectDone
from shared.errors import EvidenceError, NotThereYetError
from shared.ports.drift import Comparison
from shared.ports.jobs import DriftJobRequest
from shared.usecases.check_drift import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from shared.domain.drift import CheckDrift, ReadDriftCheck
    from shared.domain.state import Champion, State
    from shared.ports.catalog import ModelCatalog, MonitoringSettings
    from shared.ports.drift import DriftChecks, DriftResult, StoredCheck
    from shared.ports.jobs import Evidence, Jobs

_MOST_PAST_DAYS = 90
_PROFILE = ".profile"


def check_drift(
    effect: CheckDrift,
    state: State,
    *,
    catalog: ModelCatalog,
    drift_checks: DriftChecks,
    evidence: Evidence,
    jobs: Jobs,
    limit_bytes: int,
) -> DriftChecked | JobSubmitted | EffectDone:
    """Compare here if the files are within `limit_bytes`, otherwise submit a job for it."""
    champion = state.champion
    if champion is None or champion.version != effect.profile:
        return EffectDone(effect.key)  # its reference is no longer the one that counts
    if not _has_profile(champion):
        return _no_reference(effect)
    comparison = _comparison(
        effect,
        champion,
        model=state.model,
        settings=catalog.monitoring(state.model),
        drift_checks=drift_checks,
        evidence=evidence,
    )
    collected = fingerprint(comparison.files.inputs)
    if comparison.files.size_bytes <= limit_bytes:
        return _checked(effect, drift_checks.compare(comparison), collected=collected)
    name = effect.job_name(state.model)
    submitted = jobs.submit_drift(DriftJobRequest(name, comparison))
    parsed = JobName.parse(name)
    return JobSubmitted(
        parsed.cycle_id if parsed else "",
        name,
        champion_version=effect.profile,
        url=submitted.url,
        collected=collected,
    )


def read_drift_check(
    effect: ReadDriftCheck, state: State, *, drift_checks: DriftChecks
) -> DriftChecked:
    """Read the job's result as the same fact that a comparison in the app gives."""
    found = drift_checks.read(state.model, effect.check)
    return _checked(effect.check, found, collected=effect.collected)


def _has_profile(champion: Champion) -> bool:
    """Whether the version has a profile: older releases kept a sample of rows as Parquet."""
    reference = champion.reference
    return champion.evidence is not None and reference is not None and _PROFILE in reference


def _no_reference(effect: CheckDrift) -> DriftChecked:
    return DriftChecked(
        effect.day,
        effect.profile,
        DriftVerdict.NOT_ENOUGH_DATA,
        sentences.no_drift_reference(effect.profile),
        revision=effect.revision,
        window_start_utc=effect.window_start_utc,
        window_end_utc=effect.window_end_utc,
    )


def _comparison(
    effect: CheckDrift,
    champion: Champion,
    *,
    model: str,
    settings: MonitoringSettings,
    drift_checks: DriftChecks,
    evidence: Evidence,
) -> Comparison:
    oldest_utc = effect.window_end_utc - timedelta(days=settings.prediction_days)
    since_utc = min(effect.window_start_utc, oldest_utc)
    stored = drift_checks.past(model, profile=effect.profile)
    return Comparison(
        model=model,
        check=effect,
        profile=f"{champion.evidence}/{champion.reference}",
        files=drift_checks.files(model, effect, since_utc=since_utc),
        past=_newest_of_each_day_before(effect.day, stored),
        baseline=_baseline(str(champion.evidence), settings.metric, evidence),
    )


def _newest_of_each_day_before(day: date, stored: Iterable[StoredCheck]) -> tuple[StoredCheck, ...]:
    newest: dict[date, StoredCheck] = {}
    for check in stored:
        known = newest.get(check.day)
        if check.day < day and (known is None or known.revision < check.revision):
            newest[check.day] = check
    return tuple(newest[day] for day in sorted(newest)[-_MOST_PAST_DAYS:])


def _baseline(location: str, metric: str | None, evidence: Evidence) -> float | None:
    """The champion's metric on the frozen rows when it was promoted; None if unknown."""
    if metric is None:
        return None
    try:
        text = evidence.read(location)
    except NotThereYetError as exc:  # its job is long over: it will not come
        raise EvidenceError(str(exc)) from exc
    read = parse_evidence(text, job_name=location.rpartition("/")[2], location=location)
    return next((item.challenger for item in read.metrics if item.name == metric), None)


def _checked(effect: CheckDrift, found: DriftResult, *, collected: str) -> DriftChecked:
    return DriftChecked(
        effect.day,
        effect.profile,
        found.verdict,
        found.sentence,
        signals=found.signals,
        current_rows=found.current_rows,
        reference_rows=found.reference_rows,
        report=found.report,
        revision=effect.revision,
        window_start_utc=effect.window_start_utc,
        window_end_utc=effect.window_end_utc,
        collected=collected,
        missing_days=found.missing_days,
        performance=found.performance,
    )

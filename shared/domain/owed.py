"""The effects that a fact makes outstanding: drift checks, alerts, tags, clean-up, events.

They are due in addition to the open cycle's next step, until a fact records their result. There is
one function per fact; its state is the one before that fact, except that the cycle holds the fact.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, assert_never

from shared.domain import sentences
from shared.domain.cycle import challenger
from shared.domain.data import DataArrived, DataTested, DataWithdrawn, quarantine_report
from shared.domain.declared import FactOfCycle, Verdict
from shared.domain.drift import (
    CheckDrift,
    CheckSource,
    DriftCheckDue,
    DriftChecked,
    PublishDrift,
    ReadDriftCheck,
    TagDrift,
    WatchDriftJob,
)
from shared.domain.drift_days import check_behind, checked_day, reasons_found
from shared.domain.jobs import (
    ChallengerEvaluated,
    ChallengerRegistered,
    JobFinished,
    JobStatus,
    JobSubmitted,
)
from shared.domain.notices import AlertRaised, EffectDone, EffectFailed, RaiseAlert
from shared.domain.retraining import (
    CycleEnded,
    Mode,
    Outcome,
    ReasonKind,
    ResumeRetraining,
    RetrainDecided,
    RetrainingPossible,
    RetrainRequested,
)
from shared.domain.rollout import (
    ChampionPromoted,
    RestoreTraffic,
    RetireDeployment,
    Role,
    TagModel,
    TrafficChangedOutside,
    TrafficFoundStale,
)

if TYPE_CHECKING:
    from shared.domain.cycle import Cycle
    from shared.domain.effects import Effect
    from shared.domain.facts import Entry
    from shared.domain.state import State

    Effects = tuple[Effect, ...]

# A message may come two seconds early and clocks differ: the policy must not refuse once more.
_SURELY = timedelta(seconds=10)
_POSTPONED_REASONS_KEPT = 20
_MOST_DRIFT_JOBS = 2  # one more where the first failed


def outstanding_after(state: State, entry: Entry) -> Effects:  # noqa: C901, PLR0911, PLR0912 - a case a fact
    """The effects that are outstanding once the fact is recorded, oldest first."""
    owed = state.outstanding
    match entry.fact:
        case DriftCheckDue() as fact:
            return (*owed, CheckDrift.asked_by(fact))
        case DriftChecked() as fact:
            return _after_drift_check(state, entry, fact)
        case JobSubmitted() as fact:
            return _after_job_submitted(state, fact)
        case JobFinished() as fact:
            return _after_drift_job_finished(state, entry, fact)
        case DataTested() as fact:
            return (*owed, *_alert_of_quarantine(entry, fact))
        case ChampionPromoted() as fact:
            return _after_promotion(state, entry, fact)
        case TrafficChangedOutside() as fact:
            return (*owed, _alert_of_outside_change(state, entry, fact))
        case TrafficFoundStale() as fact:
            return (*owed, *_repair_of_traffic(state, entry, fact))
        case CycleEnded() as fact:
            return (*_with_postponed(state, fact), *_after_the_end(state, entry, fact))
        case EffectDone() as fact:
            return _without(owed, fact.effect)
        case EffectFailed() as fact:
            return _after_giving_up(state, entry, fact)
        case AlertRaised() as fact:
            return (*owed, RaiseAlert(entry.seq, fact.sentence))
        case (
            FactOfCycle()
            | DataArrived()
            | DataWithdrawn()
            | RetrainRequested()
            | ChallengerRegistered()
        ):
            return owed  # nothing comes of it for others
        case RetrainingPossible():
            return tuple(effect for effect in owed if not isinstance(effect, ResumeRetraining))
        case unknown:
            assert_never(unknown)


def _without(effects: Effects, key: str) -> Effects:
    return tuple(effect for effect in effects if effect.key != key)


def _after_drift_check(state: State, entry: Entry, fact: DriftChecked) -> Effects:
    owed: Effects = tuple(
        effect
        for effect in state.outstanding
        if (check := check_behind(effect)) is None or check.compared != fact.compared
    )
    if fact.source is CheckSource.OUTSIDE:
        return owed  # its finder has told the others already
    newest = state.last_drift is None or fact.day >= state.last_drift.day
    if fact.report is not None and newest:
        # A newer check's note replaces one that is not written yet.
        owed = tuple(
            effect
            for effect in owed
            if not (isinstance(effect, TagDrift) and effect.version == fact.profile)
        )
        note = TagDrift(fact.profile, fact.day, fact.verdict, fact.report, entry.seq)
        owed = (*owed, note)
    day = checked_day(state.checked_days, fact.day, fact.profile)
    told = day is not None and ReasonKind.DRIFT in day.gave
    if state.serves(fact.profile) and ReasonKind.DRIFT in reasons_found(fact) and not told:
        owed = (*owed, PublishDrift.of(fact))
    return owed


def _after_job_submitted(state: State, fact: JobSubmitted) -> Effects:
    if fact.job is not None and fact.job.kind == Mode.RETRAIN:
        # It learns from all that was postponed, and a cooldown starts anew.
        return tuple(
            effect for effect in state.outstanding if not isinstance(effect, ResumeRetraining)
        )
    return tuple(
        WatchDriftJob(fact.job_name, effect, fact.collected)
        if isinstance(effect, CheckDrift) and effect.job_name(state.model) == fact.job_name
        else effect
        for effect in state.outstanding
    )


def _after_drift_job_finished(state: State, entry: Entry, fact: JobFinished) -> Effects:
    """The end may come by event or by polling, before or after JobSubmitted is recorded."""
    found = next(
        (
            effect
            for effect in state.outstanding
            if (isinstance(effect, WatchDriftJob) and effect.job_name == fact.job_name)
            or (isinstance(effect, CheckDrift) and effect.job_name(state.model) == fact.job_name)
        ),
        None,
    )
    check = None if found is None else check_behind(found)
    if found is None or check is None:
        return state.outstanding
    owed = _without(state.outstanding, found.key)
    if fact.status is JobStatus.COMPLETED:
        collected = found.collected if isinstance(found, WatchDriftJob) else ""
        return (*owed, ReadDriftCheck(fact.job_name, check, collected))
    if fact.status is JobStatus.FAILED and check.job_attempt < _MOST_DRIFT_JOBS:
        return (*owed, replace(check, job_attempt=check.job_attempt + 1))
    why = (
        sentences.job_failed_twice(fact.job_name, fact.message)
        if fact.status is JobStatus.FAILED
        else sentences.job_was_canceled(fact.job_name)
    )
    return (*owed, RaiseAlert(entry.seq, sentences.effect_failed(check.words, why)))


def _alert_of_quarantine(entry: Entry, fact: DataTested) -> Effects:
    return (RaiseAlert(entry.seq, quarantine_report(fact)),) if fact.quarantined else ()


def _after_promotion(state: State, entry: Entry, fact: ChampionPromoted) -> Effects:
    if not state.is_open(fact.cycle_id):
        return state.outstanding
    # A version that comes back must keep its deployment.
    owed = tuple(
        effect
        for effect in state.outstanding
        if not (isinstance(effect, RetireDeployment) and effect.version == fact.version)
    )
    tag = TagModel(fact.version, Role.CHAMPION, fact.cycle_id, entry.seq)
    if fact.over is None or fact.over == fact.version:
        return (*owed, tag)
    return (
        *owed,
        tag,
        TagModel(fact.over, Role.RETIRED, fact.cycle_id, entry.seq),
        RetireDeployment(fact.over, entry.seq, not_before_utc=entry.at_utc + fact.soak),
    )


def _alert_of_outside_change(state: State, entry: Entry, fact: TrafficChangedOutside) -> RaiseAlert:
    champion = state.champion.version if state.champion else None
    return RaiseAlert(entry.seq, sentences.traffic_outside(fact.observed, champion))


def _repair_of_traffic(state: State, entry: Entry, fact: TrafficFoundStale) -> Effects:
    champion = state.champion
    if champion is None:
        return ()
    return (
        RestoreTraffic(
            champion.version,
            cycle_id=champion.cycle_id or "",
            fact_seq=champion.fact_seq,
            seen_seq=entry.seq,
        ),
        RaiseAlert(entry.seq, sentences.traffic_stale(fact.observed, champion.version)),
    )


def _with_postponed(state: State, fact: CycleEnded) -> Effects:
    """What is outstanding, with the reasons of the ending cycle if its retraining was postponed."""
    cycle = state.cycle
    decision = None if cycle is None else cycle.one(RetrainDecided)
    if cycle is None or not state.is_open(fact.cycle_id):
        return state.outstanding
    if decision is None or decision.possible_from_utc is None:
        return state.outstanding
    before = [effect for effect in state.outstanding if isinstance(effect, ResumeRetraining)]
    reasons = {reason.key: reason for effect in before for reason in effect.reasons}
    reasons |= {reason.key: reason for reason in cycle.opening.reasons}
    return (
        *(effect for effect in state.outstanding if effect not in before),
        ResumeRetraining(
            cycle.cycle_id,
            tuple(reasons.values())[-_POSTPONED_REASONS_KEPT:],
            not_before_utc=decision.possible_from_utc + _SURELY,
        ),
    )


def _after_the_end(state: State, entry: Entry, fact: CycleEnded) -> Effects:
    cycle = state.cycle
    if cycle is None or not state.is_open(fact.cycle_id):
        return ()
    alert = _alert_of_the_end(state, cycle, entry=entry, fact=fact)
    if fact.outcome in {Outcome.PROMOTED, Outcome.NOT_RETRAINED}:
        return alert  # what was never judged is not rejected
    return (*alert, *_clean_up(state, cycle, entry))


def _alert_of_the_end(state: State, cycle: Cycle, *, entry: Entry, fact: CycleEnded) -> Effects:
    """The alert that a cycle ended, with links to the drift reports behind its reasons."""
    decision = cycle.one(RetrainDecided)
    if fact.outcome is not Outcome.FAILED and (decision is None or not decision.alert):
        return ()
    links = sentences.report_links(state.model, cycle.opening.reasons)
    return (RaiseAlert(entry.seq, sentences.with_report(fact.sentence, links)),)


def _clean_up(state: State, cycle: Cycle, entry: Entry) -> Effects:
    """Tag the versions that lost and retire their deployments, if any."""
    candidate = challenger(cycle)
    losers = dict.fromkeys(item.version for item in cycle.all(ChallengerRegistered))
    if candidate is not None:
        losers[candidate.version] = None
    # A deployment may be there without our knowing: refused half-way, or given up.
    deployed = dict.fromkeys(
        item.challenger for item in cycle.all(ChallengerEvaluated) if item.verdict is Verdict.PASSED
    )
    return (
        *(
            TagModel(version, Role.REJECTED, cycle.cycle_id, entry.seq)
            for version in losers
            if not state.serves(version)
        ),
        *(
            RetireDeployment(version, entry.seq)
            for version in deployed
            if not state.serves(version)
        ),
    )


def _after_giving_up(state: State, entry: Entry, fact: EffectFailed) -> Effects:
    dropped = next((item for item in state.outstanding if item.key == fact.effect), None)
    if dropped is None:
        return state.outstanding  # the open cycle's: it ends by it
    owed = _without(state.outstanding, fact.effect)
    if isinstance(dropped, RaiseAlert):
        return owed  # an alert about an alert would go the same way
    sentence = sentences.effect_failed(dropped.words, fact.sentence)
    return (*owed, RaiseAlert(entry.seq, sentence))

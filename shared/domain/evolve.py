"""Folds facts into the state: no decision, no clock, no I/O."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from shared.domain.cycle import (
    Cycle,
    challenger,
    evidence_of,
    files_left,
    learn,
    settings_changed,
    withdrawals_left,
)
from shared.domain.data import DataArrived, DataRegistered, DataWithdrawn
from shared.domain.declared import FactOfCycle
from shared.domain.drift import DriftCheckDue, DriftChecked
from shared.domain.drift_days import checked_day, reasons_found, remembered, with_given
from shared.domain.jobs import (
    ChallengerEvaluated,
    ChallengerRegistered,
    EvidenceRead,
    JobFinished,
    JobSubmitted,
)
from shared.domain.notices import AlertRaised, EffectDone, EffectFailed
from shared.domain.owed import outstanding_after
from shared.domain.retraining import (
    CycleEnded,
    CycleOpened,
    Mode,
    Outcome,
    Reason,
    ReasonKind,
    RetrainDecided,
    RetrainingPossible,
    RetrainRequested,
)
from shared.domain.rollout import (
    ChampionPromoted,
    TrafficChangedOutside,
    TrafficFoundStale,
)
from shared.domain.state import BUDGET_WINDOW, Champion, DataVersion, Learnt, PastCycle, State
from shared.errors import FactConflictError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.domain.facts import Entry

_PAST_CYCLES_KEPT = 20
_JOB_STARTS_KEPT = 200
_SAME_REASONS_KEPT = 20  # they all go into one cycle: the twenty-first adds nothing to it


def fold(model: str, entries: Iterable[Entry]) -> State:
    """The state after all facts of a stream."""
    state = State(model)
    for entry in entries:
        state = evolve(state, entry)
    return state


def evolve(state: State, entry: Entry) -> State:
    """The state after one more fact, including the effects that the fact makes outstanding.

    Raises:
        FactConflictError: its number is not the next one, or it contradicts the open cycle.
    """
    if entry.seq != state.count + 1:
        raise FactConflictError(
            f"{state.model}: fact number {entry.seq} cannot follow number {state.count}"
        )
    counted = replace(state, count=entry.seq, updated_utc=entry.at_utc)
    if counted.cycle is not None:
        counted = replace(counted, cycle=learn(counted.cycle, entry))
    known = _learn(counted, entry)
    return replace(known, outstanding=outstanding_after(counted, entry))


def _learn(state: State, entry: Entry) -> State:  # noqa: C901, PLR0911, PLR0912 - a case a fact
    match entry.fact:
        case DataArrived() as fact:
            return state if fact.stale else _arrived(state, entry, fact)
        case DataWithdrawn() as fact:
            return _withdrawn(state, entry, fact)
        case RetrainRequested() as fact:
            reason = Reason(ReasonKind.MANUAL, fact.key, entry.seq, fact.text, unseat=fact.unseat)
            return _wait(state, reason)
        case RetrainingPossible() as fact:
            return _given_again(state, entry, fact.key, fact.reasons)
        case ChallengerRegistered() as fact:
            return _registered(state, entry, fact)
        case DriftChecked() as fact:
            return _drift_checked(state, entry, fact)
        case CycleOpened() as fact:
            return _opened(state, entry, fact)
        case DataRegistered() as fact:
            return _data_registered(state, fact)
        case JobSubmitted() as fact:
            return _submitted(state, entry, fact)
        case ChampionPromoted() as fact:
            return _promoted(state, entry, fact)
        case TrafficChangedOutside() as fact:
            return _changed_outside(state, entry, fact)
        case CycleEnded() as fact:
            return _ended(state, entry, fact)
        case FactOfCycle():
            return state  # the cycle has learnt it
        case (
            DriftCheckDue()
            | JobFinished()
            | TrafficFoundStale()
            | EffectDone()
            | EffectFailed()
            | AlertRaised()
        ):
            return state  # they change what is outstanding, nothing else
        case unknown:
            assert_never(unknown)


def _wait(state: State, reason: Reason) -> State:
    # Each registered version gets its own cycle; a word against a champion says more than "again".
    if reason.kind is not ReasonKind.MODEL and reason.unseat is None:
        same = sum(1 for known in state.waiting if known.kind is reason.kind)
        if same >= _SAME_REASONS_KEPT:
            return state
    return replace(state, waiting=(*state.waiting, reason))


def _arrived(state: State, entry: Entry, fact: DataArrived) -> State:
    first = state.first_waiting or Reason(ReasonKind.DATA, fact.key, entry.seq, fact.blob.name)
    return replace(state, waiting_arrivals=state.waiting_arrivals + 1, first_waiting=first)


def _withdrawn(state: State, entry: Entry, fact: DataWithdrawn) -> State:
    first = state.first_waiting or Reason(ReasonKind.DATA, fact.key, entry.seq, fact.words)
    return replace(state, waiting_withdrawals=state.waiting_withdrawals + 1, first_waiting=first)


def _registered(state: State, entry: Entry, fact: ChallengerRegistered) -> State:
    """A version with a cycle belongs to that cycle; a manually registered one is a reason."""
    serves = state.champion is not None and state.champion.version == fact.version
    if fact.cycle_id is not None or serves:
        return state
    return _wait(state, Reason(ReasonKind.MODEL, fact.key, entry.seq, version=fact.version))


def _drift_checked(state: State, entry: Entry, fact: DriftChecked) -> State:
    before = checked_day(state.checked_days, fact.day, fact.profile)
    gave = before.gave if before else ()
    found = reasons_found(fact) if state.serves(fact.profile) else {}
    newest = state.last_drift is None or fact.day >= state.last_drift.day
    state = replace(
        state,
        checked_days=with_given(remembered(state.checked_days, fact), fact, found),
        last_drift=fact if newest else state.last_drift,
    )
    for kind, text in found.items():
        if kind not in gave:
            reason = Reason(
                kind, fact.reason_key(kind), entry.seq, text, report=fact.report, day=fact.day
            )
            state = _wait(state, reason)
    return state


def _opened(state: State, entry: Entry, fact: CycleOpened) -> State:
    taken = {reason.key for reason in fact.reasons}
    state = replace(
        state,
        cycle=Cycle(entry),
        waiting=tuple(reason for reason in state.waiting if reason.key not in taken),
    )
    if fact.to_seq == state.taken_seq:
        return state  # a cycle about a version takes no arrivals along
    return replace(
        state,
        waiting_arrivals=0,
        waiting_withdrawals=0,
        first_waiting=None,
        returned_arrivals=0,
        returned_withdrawals=0,
        taken_seq=fact.to_seq,
    )


def _data_registered(state: State, fact: DataRegistered) -> State:
    if not state.is_open(fact.cycle_id):
        return state  # a late result of a cycle that is over must not turn the data back
    return replace(
        state,
        data=DataVersion(
            fact.data_version,
            pins=fact.pins,
            pins_sha256=fact.pins_sha256,
            data_sha256=fact.data_sha256,
            rows=fact.rows,
            files=fact.files,
        ),
    )


def _submitted(state: State, entry: Entry, fact: JobSubmitted) -> State:
    job = fact.job
    if job is None or job.kind != Mode.RETRAIN:
        return state
    recent = [start for start in state.job_starts_utc if start > entry.at_utc - BUDGET_WINDOW]
    return replace(
        state,
        job_starts_utc=(*recent, entry.at_utc)[-_JOB_STARTS_KEPT:],
        # Training the first model is not a retraining: it starts no cooldown.
        last_retraining_utc=entry.at_utc if state.champion else state.last_retraining_utc,
    )


def _promoted(state: State, entry: Entry, fact: ChampionPromoted) -> State:
    if state.cycle is None or not state.is_open(fact.cycle_id):
        return state  # a late result of a cycle that is over must not turn the champion back
    evidence = _evidence(state.cycle, fact)
    champion = Champion(
        fact.version,
        since_utc=entry.at_utc,
        fact_seq=fact.fact_seq,
        cycle_id=fact.cycle_id,
        evidence=evidence.location if evidence else None,
        reference=evidence.reference if evidence else None,
        data_version=_trained_on(state.cycle, evidence),
    )
    return replace(state, champion=champion, previous_champion=state.champion, traffic_outside=None)


def _evidence(cycle: Cycle, fact: ChampionPromoted) -> EvidenceRead | None:
    """The evidence that the promoted version was judged by; it holds its reference profile."""
    candidate = challenger(cycle)
    judged = next(
        (item for item in cycle.all(ChallengerEvaluated) if item.challenger == fact.version), None
    )
    for job_name in (
        candidate.job_name if candidate else None,
        judged.job_name if judged else None,
    ):
        evidence = evidence_of(cycle, job_name) if job_name else None
        if evidence is not None:
            return evidence
    return None


def _trained_on(cycle: Cycle, evidence: EvidenceRead | None) -> str | None:
    """The data version it was trained on; None (unknown) if a person registered it."""
    if evidence is None or cycle.has(ReasonKind.MODEL):
        return None
    return evidence.data_version


def _changed_outside(state: State, entry: Entry, fact: TrafficChangedOutside) -> State:
    state = replace(state, traffic_outside=fact.observed)
    if fact.version is None or state.serves(fact.version):
        return state
    seq = state.champion.fact_seq if state.champion else entry.seq
    back = state.previous_champion
    known = back if back is not None and back.version == fact.version else None
    champion = Champion(
        fact.version,
        since_utc=entry.at_utc,
        fact_seq=seq,
        # Rolled back to the one before: its drift reference is known.
        evidence=known.evidence if known else None,
        reference=known.reference if known else None,
        data_version=known.data_version if known else None,
    )
    return replace(state, champion=champion, previous_champion=state.champion)


def _ended(state: State, entry: Entry, fact: CycleEnded) -> State:
    cycle = state.cycle
    if cycle is None or not state.is_open(fact.cycle_id):
        return state
    candidate = challenger(cycle)
    line = PastCycle(
        cycle.cycle_id,
        reasons=tuple(dict.fromkeys(reason.kind for reason in cycle.opening.reasons)),
        opened_utc=cycle.opened.at_utc,
        ended_utc=entry.at_utc,
        opened_seq=cycle.opened.seq,
        ended_seq=entry.seq,
        outcome=fact.outcome,
        sentence=fact.sentence,
        version=candidate.version if candidate else None,
    )
    state = replace(
        state,
        cycle=None,
        past=(*state.past, line)[-_PAST_CYCLES_KEPT:],
        learnt=_learnt(state, cycle, fact),
    )
    if fact.outcome is Outcome.FAILED:
        return _with_files_back(state, cycle)
    if fact.outcome is Outcome.SUPERSEDED and settings_changed(cycle):
        return _with_reasons_back(state, cycle, entry, fact)
    return state


def _with_files_back(state: State, cycle: Cycle) -> State:
    """Return files and withdrawals to waiting if their cycle failed before registering its data.

    They join the next cycle but do not open one, which would fail the same way again and again.
    """
    files, withdrawals = files_left(cycle), withdrawals_left(cycle)
    if not files and not withdrawals:
        return state
    return replace(
        state,
        returned_arrivals=state.returned_arrivals + files,
        returned_withdrawals=state.returned_withdrawals + withdrawals,
        taken_seq=cycle.opening.after_seq,
    )


def _with_reasons_back(state: State, cycle: Cycle, entry: Entry, fact: CycleEnded) -> State:
    """The same reasons, given anew by this end, open the next cycle."""
    reasons = [reason for reason in cycle.opening.reasons if reason.kind is not ReasonKind.SETTINGS]
    if not cycle.has(ReasonKind.MODEL):
        reasons.append(Reason(ReasonKind.SETTINGS, fact.key, entry.seq))
    return _given_again(state, entry, fact.key, reasons)


def _given_again(state: State, entry: Entry, key: str, reasons: Iterable[Reason]) -> State:
    """Reasons wait again; they are named anew, since a reason opens one cycle."""
    again = [
        replace(reason, key=f"{key}:{number}", seq=entry.seq)
        for number, reason in enumerate(reasons)
    ]
    return replace(state, waiting=(*state.waiting, *again))


def _learnt(state: State, cycle: Cycle, fact: CycleEnded) -> Learnt | None:
    decision = cycle.one(RetrainDecided)
    judged = fact.outcome in {Outcome.PROMOTED, Outcome.REJECTED}
    if not judged or decision is None or decision.mode is not Mode.RETRAIN or state.data is None:
        return state.learnt
    return Learnt(
        data_sha256=state.data.data_sha256,
        config_sha256=decision.config_sha256,
        champion=state.champion.version if state.champion else None,
        cycle_id=cycle.cycle_id,
    )

"""What a fact changes in what is known: pure, no clock, no I/O."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.domain import sentences
from shared.domain.cycle import challenger, evidence_of, files_left, learn
from shared.domain.effects import (
    CheckDrift,
    Effect,
    PublishDrift,
    RaiseAlert,
    ReadDriftCheck,
    RestoreTraffic,
    RetireDeployment,
    Role,
    TagDrift,
    TagModel,
    WatchDriftJob,
)
from shared.domain.facts import (
    AlertRaised,
    ChallengerEvaluated,
    ChallengerRegistered,
    ChampionPromoted,
    CycleEnded,
    CycleOpened,
    DataArrived,
    DataRegistered,
    DataTested,
    DriftCheckDue,
    DriftChecked,
    DriftVerdict,
    EffectDone,
    EffectFailed,
    EvidenceRead,
    JobFinished,
    JobStatus,
    JobSubmitted,
    Mode,
    Outcome,
    PerformanceVerdict,
    Reason,
    ReasonKind,
    RetrainDecided,
    RetrainRequested,
    TrafficChangedOutside,
    TrafficFoundStale,
    Verdict,
)
from shared.domain.ids import JobName
from shared.domain.state import (
    BUDGET_WINDOW,
    Champion,
    CheckedDay,
    Cycle,
    DataVersion,
    Learnt,
    PastCycle,
    State,
)
from shared.errors import FactConflictError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.domain.facts import Entry

_PAST_CYCLES_KEPT = 20
_JOB_STARTS_KEPT = 200
_CHECKED_DAYS_KEPT = 40
_DRIFT_JOBS = 2  # one more where the first failed
_SAME_REASONS_KEPT = 20  # they all go into one cycle: the twenty-first adds nothing to it


def fold(model: str, entries: Iterable[Entry]) -> State:
    """The state after all facts of a stream."""
    state = State(model)
    for entry in entries:
        state = evolve(state, entry)
    return state


def evolve(state: State, entry: Entry) -> State:
    """The state after one more fact.

    Raises:
        FactConflictError: its number is not the next one, or it contradicts the open cycle.
    """
    if entry.seq != state.count + 1:
        raise FactConflictError(
            f"{state.model}: fact number {entry.seq} cannot follow number {state.count}"
        )
    state = replace(state, count=entry.seq, updated_utc=entry.at_utc)
    if state.cycle is not None:
        state = replace(state, cycle=learn(state.cycle, entry))
    return _apply(state, entry)


def _apply(state: State, entry: Entry) -> State:  # noqa: C901, PLR0911, PLR0912 - one case a fact
    match entry.fact:
        case DataArrived() as fact if not fact.stale:
            return _arrived(state, entry, fact)
        case RetrainRequested() as fact:
            return _wait(state, Reason(ReasonKind.MANUAL, fact.key, entry.seq, fact.text))
        case ChallengerRegistered(cycle_id=None) as fact:
            if state.champion is not None and state.champion.version == fact.version:
                return state
            reason = Reason(ReasonKind.MODEL, fact.key, entry.seq, version=fact.version)
            return _wait(state, reason)
        case DriftCheckDue() as fact:
            return _ask(state, check_of(fact))
        case DriftChecked() as fact:
            return _drift_checked(state, entry, fact)
        case CycleOpened() as fact:
            return _opened(state, entry, fact)
        case DataTested() as fact if fact.quarantined:
            return _ask(state, RaiseAlert(entry.seq, sentences.all_quarantined(fact)))
        # Late results of a cycle that is over must not turn data or champion back.
        case DataRegistered() as fact if _is_open(state, fact.cycle_id):
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
        case JobSubmitted() as fact:
            return _submitted(state, entry, fact)
        case JobFinished() as fact:
            return _drift_job_finished(state, entry, fact)
        case ChampionPromoted() as fact if _is_open(state, fact.cycle_id):
            return _promoted(state, entry, fact)
        case TrafficChangedOutside() as fact:
            return _changed_outside(state, entry, fact)
        case TrafficFoundStale() as fact if state.champion is not None:
            return _found_stale(state, entry, fact, champion=state.champion)
        case CycleEnded() as fact if state.cycle and _is_open(state, fact.cycle_id):
            return _ended(state, entry, fact, cycle=state.cycle)
        case EffectDone() as fact:
            return _forget(state, fact.effect)
        case EffectFailed() as fact:
            return _given_up(state, entry, fact)
        case AlertRaised() as fact:
            return _ask(state, RaiseAlert(entry.seq, fact.sentence))
    return state


def _is_open(state: State, cycle_id: str) -> bool:
    return state.cycle is not None and state.cycle.cycle_id == cycle_id


def _ask(state: State, *effects: Effect) -> State:
    return replace(state, outstanding=state.outstanding + effects)


def _forget(state: State, key: str) -> State:
    return replace(state, outstanding=tuple(item for item in state.outstanding if item.key != key))


def _wait(state: State, reason: Reason) -> State:
    if reason.kind is not ReasonKind.MODEL:  # each version has a cycle of its own
        same = sum(1 for known in state.waiting if known.kind is reason.kind)
        if same >= _SAME_REASONS_KEPT:
            return state
    return replace(state, waiting=(*state.waiting, reason))


def check_of(due: DriftCheckDue) -> CheckDrift:
    """The effect that a drift check asked for comes to."""
    return CheckDrift(
        due.day,
        due.profile,
        due.window_start_utc,
        due.window_end_utc,
        attempt=due.attempt,
        revision=due.revision,
    )


def _arrived(state: State, entry: Entry, fact: DataArrived) -> State:
    first = state.first_waiting or Reason(ReasonKind.DATA, fact.key, entry.seq, fact.blob.name)
    return replace(state, waiting_arrivals=state.waiting_arrivals + 1, first_waiting=first)


def _drift_checked(state: State, entry: Entry, fact: DriftChecked) -> State:
    left = tuple(
        item
        for item in state.outstanding
        if (check := check_behind(item)) is None
        or (check.day, check.profile, check.revision) != (fact.day, fact.profile, fact.revision)
    )
    known = _checked_day(state, fact)
    newest = state.last_drift is None or fact.day >= state.last_drift.day
    state = replace(state, outstanding=left, last_drift=fact if newest else state.last_drift)
    # Against the reference of a version that reigns no more it says nothing about today.
    reigns = state.champion is not None and state.champion.version == fact.profile
    gives = _reasons_given(fact) if reigns else {}
    gave = known.gave if known else ()
    state = _remember(state, fact, gave=(*gave, *(kind for kind in gives if kind not in gave)))
    for kind, text in gives.items():
        if kind not in gave:
            key = fact.reason_key(kind)
            state = _wait(state, Reason(kind, key, entry.seq, text, report=fact.report))
    if fact.source == "outside":
        return state  # its finder has told the others already
    if fact.report is not None and newest:
        state = _ask(
            _without_older_tag(state, fact.profile),
            TagDrift(fact.profile, fact.day, fact.verdict, fact.report, entry.seq),
        )
    if ReasonKind.DRIFT in gives and ReasonKind.DRIFT not in gave:
        state = _ask(state, _notice(fact))
    return state


def _reasons_given(fact: DriftChecked) -> dict[ReasonKind, str]:
    """Each with its words."""
    gives = {}
    if fact.verdict is DriftVerdict.DRIFT:
        gives[ReasonKind.DRIFT] = fact.sentence
    if fact.performance and fact.performance.verdict is PerformanceVerdict.WORSE:
        gives[ReasonKind.PERFORMANCE] = fact.performance.sentence
    return gives


def _notice(fact: DriftChecked) -> PublishDrift:
    return PublishDrift(
        fact.day,
        fact.profile,
        fact.sentence,
        fact.signals,
        fact.report,
        revision=fact.revision,
        current_rows=fact.current_rows,
        reference_rows=fact.reference_rows,
    )


def _checked_day(state: State, fact: DriftChecked) -> CheckedDay | None:
    same = (fact.day, fact.profile)
    return next((item for item in state.checked_days if (item.day, item.profile) == same), None)


def _remember(state: State, fact: DriftChecked, *, gave: tuple[ReasonKind, ...]) -> State:
    """The newest revision stands for its day; what an older one gave stays given."""
    known = _checked_day(state, fact)
    if known is not None and known.revision > fact.revision:
        changed = replace(known, gave=gave)
    else:
        changed = CheckedDay(
            fact.day,
            fact.profile,
            revision=fact.revision,
            verdict=fact.verdict,
            collected=fact.collected,
            window_start_utc=fact.window_start_utc,
            window_end_utc=fact.window_end_utc,
            report=fact.report,
            gave=gave,
        )
    others = [item for item in state.checked_days if item is not known]
    days = sorted([changed, *others], key=lambda item: item.day, reverse=True)
    return replace(state, checked_days=tuple(days[:_CHECKED_DAYS_KEPT]))


def _without_older_tag(state: State, version: str) -> State:
    """A newer check's note replaces one that is not written yet."""
    return replace(
        state,
        outstanding=tuple(
            item
            for item in state.outstanding
            if not (isinstance(item, TagDrift) and item.version == version)
        ),
    )


def check_behind(effect: Effect) -> CheckDrift | None:
    """The drift check that an effect is a step of."""
    if isinstance(effect, CheckDrift):
        return effect
    if isinstance(effect, WatchDriftJob | ReadDriftCheck):
        return effect.check
    return None


def _drift_job_submitted(state: State, fact: JobSubmitted) -> State:
    return replace(
        state,
        outstanding=tuple(
            WatchDriftJob(fact.job_name, item, fact.collected)
            if isinstance(item, CheckDrift) and item.job_name(state.model) == fact.job_name
            else item
            for item in state.outstanding
        ),
    )


def _drift_job_finished(state: State, entry: Entry, fact: JobFinished) -> State:
    """By event or by looking, before or after it is known to be submitted."""
    found = next(
        (
            item
            for item in state.outstanding
            if (isinstance(item, WatchDriftJob) and item.job_name == fact.job_name)
            or (isinstance(item, CheckDrift) and item.job_name(state.model) == fact.job_name)
        ),
        None,
    )
    check = None if found is None else check_behind(found)
    if found is None or check is None:
        return state
    state = _forget(state, found.key)
    if fact.status is JobStatus.COMPLETED:
        collected = found.collected if isinstance(found, WatchDriftJob) else ""
        return _ask(state, ReadDriftCheck(fact.job_name, check, collected))
    if fact.status is JobStatus.FAILED and check.job_attempt < _DRIFT_JOBS:
        return _ask(state, replace(check, job_attempt=check.job_attempt + 1))
    why = (
        sentences.job_failed_twice(fact.job_name, fact.message)
        if fact.status is JobStatus.FAILED
        else sentences.job_was_canceled(fact.job_name)
    )
    what = sentences.doing(check.key)
    return _ask(state, RaiseAlert(entry.seq, sentences.effect_failed(what, why)))


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
        first_waiting=None,
        returned_arrivals=0,
        taken_seq=fact.to_seq,
    )


def _submitted(state: State, entry: Entry, fact: JobSubmitted) -> State:
    name = JobName.parse(fact.job_name)
    if name is None or name.kind != Mode.RETRAIN:
        return _drift_job_submitted(state, fact)
    recent = [start for start in state.job_starts_utc if start > entry.at_utc - BUDGET_WINDOW]
    return replace(
        state,
        job_starts_utc=(*recent, entry.at_utc)[-_JOB_STARTS_KEPT:],
        # Training the first model is no retraining: it starts no cooldown.
        last_retraining_utc=entry.at_utc if state.champion else state.last_retraining_utc,
    )


def _promoted(state: State, entry: Entry, fact: ChampionPromoted) -> State:
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
    # A version that comes back must keep its deployment.
    kept = tuple(
        item
        for item in state.outstanding
        if not (isinstance(item, RetireDeployment) and item.version == fact.version)
    )
    state = replace(
        state,
        champion=champion,
        previous_champion=state.champion,
        outstanding=kept,
        traffic_outside=None,
    )
    state = _ask(state, TagModel(fact.version, Role.CHAMPION, fact.cycle_id, entry.seq))
    if fact.over is None or fact.over == fact.version:
        return state
    return _ask(
        state,
        TagModel(fact.over, Role.RETIRED, fact.cycle_id, entry.seq),
        RetireDeployment(fact.over, entry.seq, not_before_utc=entry.at_utc + fact.soak),
    )


def _evidence(cycle: Cycle | None, fact: ChampionPromoted) -> EvidenceRead | None:
    """What the promoted version was judged by; its drift reference lies there."""
    if cycle is None or cycle.cycle_id != fact.cycle_id:
        return None
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


def _trained_on(cycle: Cycle | None, evidence: EvidenceRead | None) -> str | None:
    """None for a version that a person registered: nobody knows its rows."""
    if cycle is None or evidence is None or cycle.has(ReasonKind.MODEL):
        return None
    return evidence.data_version


def _changed_outside(state: State, entry: Entry, fact: TrafficChangedOutside) -> State:
    was = state.champion.version if state.champion else None
    alert = RaiseAlert(entry.seq, sentences.traffic_outside(fact.observed, was))
    state = replace(_ask(state, alert), traffic_outside=fact.observed)
    if fact.version is None or fact.version == was:
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


def _found_stale(
    state: State, entry: Entry, fact: TrafficFoundStale, *, champion: Champion
) -> State:
    return _ask(
        state,
        RestoreTraffic(
            champion.version,
            cycle_id=champion.cycle_id or "",
            fact_seq=champion.fact_seq,
            seen_seq=entry.seq,
        ),
        RaiseAlert(entry.seq, sentences.traffic_stale(fact.observed, champion.version)),
    )


def _given_up(state: State, entry: Entry, fact: EffectFailed) -> State:
    dropped = next((item for item in state.outstanding if item.key == fact.effect), None)
    if dropped is None:
        return state  # the open cycle's: it ends by it
    state = _forget(state, fact.effect)
    if isinstance(dropped, RaiseAlert):
        return state  # an alert about an alert would go the same way
    what = sentences.doing(fact.effect)
    return _ask(state, RaiseAlert(entry.seq, sentences.effect_failed(what, fact.sentence)))


def _ended(state: State, entry: Entry, fact: CycleEnded, *, cycle: Cycle) -> State:
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
    decision = cycle.one(RetrainDecided)
    if fact.outcome is Outcome.FAILED:
        state = _ask(
            _return_arrivals(state, cycle), _alert_of(state, cycle, entry=entry, fact=fact)
        )
    elif decision is not None and decision.alert:
        state = _ask(state, _alert_of(state, cycle, entry=entry, fact=fact))
    if fact.outcome in {Outcome.PROMOTED, Outcome.NOT_RETRAINED}:
        return state  # what was never judged is not rejected
    reigning = state.champion.version if state.champion else None
    losers = dict.fromkeys(item.version for item in cycle.all(ChallengerRegistered))
    if candidate is not None:
        losers[candidate.version] = None
    # A deployment may be there without our knowing: refused half-way, or given up.
    deployed = dict.fromkeys(
        item.challenger for item in cycle.all(ChallengerEvaluated) if item.verdict is Verdict.PASSED
    )
    return _ask(
        state,
        *(
            TagModel(version, Role.REJECTED, cycle.cycle_id, entry.seq)
            for version in losers
            if version != reigning
        ),
        *(RetireDeployment(version, entry.seq) for version in deployed if version != reigning),
    )


def _alert_of(state: State, cycle: Cycle, *, entry: Entry, fact: CycleEnded) -> RaiseAlert:
    """With the report that the reason came with."""
    return RaiseAlert(
        entry.seq,
        sentences.with_report(
            fact.sentence, sentences.report_links(state.model, cycle.opening.reasons)
        ),
    )


def _return_arrivals(state: State, cycle: Cycle) -> State:
    """Files of a cycle that failed before their data was registered go along with the next one.

    They do not open one by themselves: it would fail the same way, again and again.
    """
    left = files_left(cycle)
    if not left:
        return state
    return replace(
        state,
        returned_arrivals=state.returned_arrivals + left,
        taken_seq=cycle.opening.after_seq,
    )


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

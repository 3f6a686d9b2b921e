"""Facts that follow from what is known: pure decisions, in the transaction that allows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain import sentences
from shared.domain.cycle import (
    Challenger,
    challenger,
    evaluation,
    evidence_job,
    evidence_of,
    failures,
    files_left,
    latest_job,
)
from shared.domain.facts import (
    ChallengerEvaluated,
    ChampionPromoted,
    CycleEnded,
    CycleOpened,
    DataRegistered,
    DataTested,
    DeploymentFailed,
    DeploymentReady,
    EffectFailed,
    Fact,
    JobFinished,
    JobStatus,
    Mode,
    Outcome,
    PromotionStarted,
    Reason,
    ReasonKind,
    RetrainDecided,
    Verdict,
)
from shared.domain.gate import judge
from shared.domain.ids import cycle_id_of
from shared.domain.policy import decide

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from shared.domain.policy import Policy
    from shared.domain.state import Cycle, State


def consequence(  # noqa: PLR0911 - one return a stage
    state: State, policy: Callable[[], Policy], now_utc: datetime
) -> Fact | None:
    """The next fact that follows, or None when the state waits for the world.

    Args:
        state: what is known.
        policy: called only where a policy decides; reading one costs an import.
        now_utc: enters cooldown and budget.
    """
    cycle = state.cycle
    if cycle is None:
        return _opening(state)
    given_up = cycle.one(EffectFailed)
    if given_up is not None:
        what = sentences.doing(given_up.effect, cycle.cycle_id)
        return end_cycle(cycle, Outcome.FAILED, sentences.effect_failed(what, given_up.sentence))
    decision = cycle.one(RetrainDecided)
    if decision is None:
        return _after_data(state, cycle, policy=policy, now_utc=now_utc)
    if decision.verdict is Verdict.FAILED:
        return end_cycle(cycle, Outcome.NOT_RETRAINED, decision.sentence)
    promoted = cycle.one(ChampionPromoted)
    if promoted is not None:
        judged = evaluation(cycle, promoted.version, promoted.over)
        ground = judged.sentence if judged else ""
        return end_cycle(cycle, Outcome.PROMOTED, sentences.promoted(promoted.version, ground))
    found = challenger(cycle)
    if found is None:
        return _after_jobs(cycle, Mode.RETRAIN, decision)
    return _after_challenger(state, cycle, decision=decision, found=found)


def end_cycle(cycle: Cycle, outcome: Outcome, sentence: str) -> CycleEnded:
    """The end, with what becomes of its files where they were not used."""
    left = files_left(cycle)
    if outcome is Outcome.FAILED and left:
        sentence = f"{sentence} {sentences.files_wait(left)}"
    return CycleEnded(cycle.cycle_id, outcome, sentence)


def _opening(state: State) -> CycleOpened | None:
    """All that waits goes into one cycle; a version registered by hand has one of its own."""
    waiting = sorted(
        (*state.waiting, *([state.first_waiting] if state.first_waiting else [])),
        key=lambda reason: reason.seq,
    )
    if not waiting:
        return None
    if waiting[0].kind is ReasonKind.MODEL:
        return _open(state, (waiting[0],), to_seq=state.taken_seq, arrivals=0)
    together = tuple(reason for reason in waiting if reason.kind is not ReasonKind.MODEL)
    arrivals = state.waiting_arrivals + state.returned_arrivals
    to_seq = state.count if arrivals else state.taken_seq
    return _open(state, together, to_seq=to_seq, arrivals=arrivals)


def _open(state: State, reasons: tuple[Reason, ...], *, to_seq: int, arrivals: int) -> CycleOpened:
    return CycleOpened(
        cycle_id_of(state.model, reasons[0].key),
        reasons=reasons,
        after_seq=state.taken_seq,
        to_seq=to_seq,
        arrivals=arrivals,
    )


def _after_data(
    state: State, cycle: Cycle, *, policy: Callable[[], Policy], now_utc: datetime
) -> Fact | None:
    tested = cycle.one(DataTested)
    if cycle.opening.arrivals and tested is None:
        return None
    if tested is not None and tested.accepted and cycle.one(DataRegistered) is None:
        return None
    only_data = all(reason.kind is ReasonKind.DATA for reason in cycle.opening.reasons)
    if tested is not None and not tested.accepted and only_data:
        if tested.quarantined:
            return end_cycle(cycle, Outcome.QUARANTINED, sentences.all_quarantined(tested))
        return end_cycle(cycle, Outcome.SUPERSEDED, sentences.all_superseded(tested))
    if state.data is None:
        return end_cycle(cycle, Outcome.NOT_RETRAINED, sentences.no_data())
    return decide(state, cycle, data=state.data, policy=policy(), now_utc=now_utc)


def _after_jobs(cycle: Cycle, mode: Mode, decision: RetrainDecided) -> Fact | None:
    """The end of a cycle whose jobs bring nothing; None while one may."""
    canceled = next(
        (
            fact
            for fact in cycle.all(JobFinished)
            if fact.status is JobStatus.CANCELED and fact.job_name.startswith(mode)
        ),
        None,
    )
    if canceled is not None and latest_job(cycle, mode).canceled:
        return end_cycle(cycle, Outcome.FAILED, sentences.job_canceled(canceled.job_name))
    failed = failures(cycle, mode)
    if failed < decision.max_attempts:
        return None
    last = [fact for fact in cycle.all(JobFinished) if fact.job_name.startswith(mode)][-1]
    sentence = sentences.job_failed(last.job_name, failed, last.message)
    return end_cycle(cycle, Outcome.FAILED, sentence)


def _after_challenger(
    state: State, cycle: Cycle, *, decision: RetrainDecided, found: Challenger
) -> Fact | None:
    champion = state.champion.version if state.champion else None
    verdict = evaluation(cycle, found.version, champion)
    if verdict is None:
        view = evidence_job(cycle, found, champion)
        evidence = evidence_of(cycle, str(view.name))
        if evidence is not None:
            return judge(evidence, challenger=found.version)
        if view.canceled:
            return end_cycle(cycle, Outcome.FAILED, sentences.job_canceled(str(view.name)))
        return _after_jobs(cycle, Mode.EVALUATE, decision)
    if verdict.verdict is Verdict.FAILED:
        return end_cycle(cycle, Outcome.REJECTED, verdict.sentence)
    return _after_gate(cycle, verdict, champion=champion)


def _after_gate(cycle: Cycle, verdict: ChallengerEvaluated, *, champion: str | None) -> Fact | None:
    version = verdict.challenger
    for failed in cycle.all(DeploymentFailed):
        if failed.version == version:
            sentence = sentences.deployment_failed(version, failed.sentence, champion)
            return end_cycle(cycle, Outcome.FAILED, sentence)
    if not any(ready.version == version for ready in cycle.all(DeploymentReady)):
        return None
    promotion = PromotionStarted(cycle.cycle_id, version, over=verdict.champion)
    # The fence: `verdict` is about the champion that reigns now, else we would not be here.
    known = any(fact.key == promotion.key for fact in cycle.all(PromotionStarted))
    return None if known else promotion

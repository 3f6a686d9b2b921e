"""Decides what follows from what is known; nothing else decides.

`next_step` is a ladder of rules, read from top to bottom: it is the whole behaviour of the product.
If the next step is a fact, it is recorded in the same transaction; if it is an effect, it is the
open cycle's row in the outbox until its result is recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain import file_sentences, sentences
from shared.domain.cycle import (
    Challenger,
    Cycle,
    JobView,
    challenger,
    changes_data,
    evaluation,
    evidence_job,
    evidence_of,
    failures,
    files_left,
    latest_job,
    seq_of,
    settings_changed,
)
from shared.domain.data import DataRegistered, DataTested, RegisterData, TestData, quarantine_report
from shared.domain.declared import FactBase, Verdict
from shared.domain.drift import TagDrift
from shared.domain.gate import judge
from shared.domain.ids import cycle_id_of
from shared.domain.jobs import (
    ChallengerEvaluated,
    Evaluate,
    FindChallenger,
    JobFinished,
    SubmitJob,
    WatchJob,
)
from shared.domain.notices import EffectFailed
from shared.domain.policy import decide_retraining
from shared.domain.retraining import (
    CycleEnded,
    CycleOpened,
    Mode,
    Outcome,
    Reason,
    ReasonKind,
    RetrainDecided,
)
from shared.domain.rollout import (
    ChampionPromoted,
    Deploy,
    DeploymentFailed,
    DeploymentReady,
    DeploymentStarted,
    PromotionStarted,
    ShiftTraffic,
    TagModel,
    WatchDeployment,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from shared.domain.effects import Effect
    from shared.domain.facts import Fact
    from shared.domain.policy import Policy
    from shared.domain.state import DataVersion, State


def next_step(  # noqa: PLR0911 - one return a rung
    state: State, policy: Callable[[], Policy], now_utc: datetime
) -> Fact | Effect | None:
    """The next step for a model; None if no cycle is open and no reason is waiting.

    Args:
        state: what is known.
        policy: called only if the step depends on it, since reading one costs an import.
        now_utc: UTC-aware; for the cooldown and the job budget.
    """
    cycle = state.cycle
    if cycle is None:
        return _open_cycle(state)
    given_up = cycle.one(EffectFailed)
    if given_up is not None:
        return end_cycle(cycle, Outcome.FAILED, sentences.gave_up(given_up))
    decision = cycle.one(RetrainDecided)
    if decision is None:
        return _prepare_data(state, cycle) or _decide(state, cycle, policy, now_utc)
    if decision.verdict is Verdict.FAILED:
        return end_cycle(cycle, Outcome.NOT_RETRAINED, decision.sentence)
    promoted = cycle.one(ChampionPromoted)
    if promoted is not None:
        return _end_promoted(cycle, promoted)
    if settings_changed(cycle):
        return end_cycle(cycle, Outcome.SUPERSEDED, sentences.settings_changed())
    found = challenger(cycle)
    if found is None:
        return _train(state, cycle, decision)
    champion = state.champion.version if state.champion else None
    verdict = evaluation(cycle, found.version, champion)
    if verdict is None:
        return _evaluate(state, cycle, decision, found)
    if verdict.verdict is Verdict.FAILED:
        return end_cycle(cycle, Outcome.REJECTED, verdict.sentence)
    return _roll_out(cycle, verdict)


def outbox(state: State, step: Fact | Effect | None) -> tuple[Effect, ...]:
    """All effects that are due: the open cycle's next step and the outstanding ones.

    Args:
        state: what is known.
        step: `next_step` of that state.
    """
    outstanding = tuple(_one_tagging_a_version(state.outstanding))
    return outstanding if step is None or isinstance(step, FactBase) else (step, *outstanding)


def end_cycle(cycle: Cycle, outcome: Outcome, sentence: str) -> CycleEnded:
    """End the cycle; if files were left unused, the sentence says what becomes of them."""
    left = files_left(cycle)
    if outcome is Outcome.FAILED and left:
        sentence = f"{sentence} {file_sentences.files_wait(left)}"
    return CycleEnded(cycle.cycle_id, outcome, sentence)


def _one_tagging_a_version(effects: Iterable[Effect]) -> Iterator[Effect]:
    """At most one tagging effect per version: Azure ML replaces all tags of a version at once."""
    tagged: set[str] = set()
    for effect in effects:
        if isinstance(effect, TagModel | TagDrift):
            if effect.version in tagged:
                continue
            tagged.add(effect.version)
        yield effect


# --- the steps of the ladder, in its order -------------------------------------------------------


def _open_cycle(state: State) -> CycleOpened | None:
    """Open a cycle for all waiting reasons; a manually registered version gets a separate one."""
    waiting = sorted(
        (*state.waiting, *([state.first_waiting] if state.first_waiting else [])),
        key=lambda reason: reason.seq,
    )
    if not waiting:
        return None
    if waiting[0].kind is ReasonKind.MODEL:
        return _opened(state, (waiting[0],), to_seq=state.taken_seq)
    together = tuple(reason for reason in waiting if reason.kind is not ReasonKind.MODEL)
    arrivals = state.waiting_arrivals + state.returned_arrivals
    withdrawals = state.waiting_withdrawals + state.returned_withdrawals
    to_seq = state.count if arrivals or withdrawals else state.taken_seq
    return _opened(state, together, to_seq=to_seq, arrivals=arrivals, withdrawals=withdrawals)


def _opened(
    state: State,
    reasons: tuple[Reason, ...],
    *,
    to_seq: int,
    arrivals: int = 0,
    withdrawals: int = 0,
) -> CycleOpened:
    return CycleOpened(
        cycle_id_of(state.model, reasons[0].key),
        reasons=reasons,
        after_seq=state.taken_seq,
        to_seq=to_seq,
        arrivals=arrivals,
        withdrawals=withdrawals,
    )


def _prepare_data(state: State, cycle: Cycle) -> TestData | RegisterData | None:
    """Test the cycle's files, then pin them; None if that is done or the data does not change."""
    opening, tested = cycle.opening, cycle.one(DataTested)
    if tested is None and opening.arrivals:
        return TestData(cycle.cycle_id, opening.after_seq, opening.to_seq)
    if not changes_data(cycle) or cycle.one(DataRegistered) is not None:
        return None
    return RegisterData(
        cycle.cycle_id,
        after_seq=opening.after_seq,
        to_seq=opening.to_seq,
        report=tested.report if tested else None,
        report_sha256=tested.report_sha256 if tested else None,
        previous_pins=state.data.pins if state.data else None,
        previous_pins_sha256=state.data.pins_sha256 if state.data else None,
        fact_seq=seq_of(cycle, lambda fact: isinstance(fact, DataTested)),
    )


def _decide(
    state: State, cycle: Cycle, policy: Callable[[], Policy], now_utc: datetime
) -> RetrainDecided | CycleEnded:
    """Ask the policy whether to retrain, or end the cycle if there is nothing to train on."""
    tested = cycle.one(DataTested)
    only_data = all(reason.kind is ReasonKind.DATA for reason in cycle.opening.reasons)
    if tested is not None and not changes_data(cycle) and only_data:
        if tested.quarantined:
            return end_cycle(cycle, Outcome.QUARANTINED, quarantine_report(tested))
        return end_cycle(cycle, Outcome.SUPERSEDED, file_sentences.all_superseded(tested))
    if state.data is None or not state.data.files:
        withdrawn = state.data is not None
        sentence = file_sentences.all_withdrawn() if withdrawn else file_sentences.no_data(tested)
        return end_cycle(cycle, Outcome.NOT_RETRAINED, sentence)
    return decide_retraining(state, cycle, data=state.data, policy=policy(), now_utc=now_utc)


def _end_promoted(cycle: Cycle, promoted: ChampionPromoted) -> CycleEnded:
    judged = evaluation(cycle, promoted.version, promoted.over)
    ground = judged.sentence if judged else ""
    return end_cycle(cycle, Outcome.PROMOTED, sentences.promoted(promoted.version, ground))


def _train(state: State, cycle: Cycle, decision: RetrainDecided) -> Effect | CycleEnded:
    job = latest_job(cycle, Mode.RETRAIN)
    end = _end_of_jobs(cycle, job, decision, Mode.RETRAIN)
    if end is not None:
        return end
    if job.status is None:
        return _submit_or_watch(state, cycle, decision, job=job, about=None)
    return FindChallenger(cycle.cycle_id, str(job.name))


def _evaluate(
    state: State, cycle: Cycle, decision: RetrainDecided, found: Challenger
) -> Effect | ChallengerEvaluated | CycleEnded:
    """Compare the challenger with the current champion; evidence about an earlier one is stale."""
    champion = state.champion.version if state.champion else None
    job = evidence_job(cycle, found, champion)
    evidence = evidence_of(cycle, str(job.name))
    if evidence is not None:
        return judge(
            evidence, decision.gate, challenger=found.version, unseat=_word_against(cycle, champion)
        )
    end = _end_of_jobs(cycle, job, decision, Mode.EVALUATE)
    if end is not None:
        return end
    if job.status is None:
        return _submit_or_watch(state, cycle, decision, job=job, about=found)
    return Evaluate(cycle.cycle_id, str(job.name), found.version)


def _word_against(cycle: Cycle, champion: str | None) -> Reason | None:
    """The request by which this champion, and no other, need not be beaten."""
    reasons = cycle.opening.reasons
    return next((item for item in reasons if champion and item.unseat == champion), None)


def _end_of_jobs(
    cycle: Cycle, job: JobView, decision: RetrainDecided, mode: Mode
) -> CycleEnded | None:
    """End the cycle if its jobs can no longer produce a result; None while they can."""
    if job.canceled:
        return end_cycle(cycle, Outcome.FAILED, sentences.job_canceled(str(job.name)))
    failed = failures(cycle, mode)
    if failed == 0:
        return None
    last = [fact for fact in cycle.all(JobFinished) if fact.job and fact.job.kind == mode][-1]
    if last.final:
        sentence = sentences.job_failed_for_good(mode, last.job_name, last.message)
        return end_cycle(cycle, Outcome.FAILED, sentence)
    if failed < decision.max_attempts:
        return None
    sentence = sentences.job_failed(mode, last.job_name, failed, last.message)
    return end_cycle(cycle, Outcome.FAILED, sentence)


def _submit_or_watch(
    state: State, cycle: Cycle, decision: RetrainDecided, *, job: JobView, about: Challenger | None
) -> SubmitJob | WatchJob:
    if job.submitted:
        return WatchJob(cycle.cycle_id, str(job.name))
    data = _decided_data(state)
    return SubmitJob(
        cycle.cycle_id,
        mode=Mode(job.name.kind),
        attempt=job.name.attempt,
        pins=data.pins,
        data_version=data.version,
        config_sha256=decision.config_sha256,
        champion_version=state.champion.version if state.champion else None,
        challenger_version=about.version if about else None,
        fact_seq=seq_of(cycle, lambda fact: isinstance(fact, RetrainDecided)),
    )


def _decided_data(state: State) -> DataVersion:
    """The newest data version; it exists, since no decision is made without one."""
    if state.data is None:
        raise TypeError(f"{state.model}: a retraining was decided without data")
    return state.data


def _roll_out(
    cycle: Cycle, verdict: ChallengerEvaluated
) -> Deploy | WatchDeployment | ShiftTraffic | PromotionStarted | CycleEnded:
    """Roll out a challenger that passed the gate, up to 100 % of the traffic.

    The fence: `verdict` is about the current champion, or the ladder would have stopped earlier.
    """
    version = verdict.challenger
    failed = next((fact for fact in cycle.all(DeploymentFailed) if fact.version == version), None)
    if failed is not None:
        sentence = sentences.deployment_failed(version, failed.sentence, verdict.champion)
        return end_cycle(cycle, Outcome.FAILED, sentence)
    if not any(fact.version == version for fact in cycle.all(DeploymentReady)):
        if any(fact.version == version for fact in cycle.all(DeploymentStarted)):
            return WatchDeployment(cycle.cycle_id, version, verdict.job_name)
        return Deploy(cycle.cycle_id, version, seq_of(cycle, lambda fact: fact == verdict))
    promotion = PromotionStarted(cycle.cycle_id, version, over=verdict.champion)
    if not any(fact == promotion for fact in cycle.all(PromotionStarted)):
        return promotion
    return ShiftTraffic(
        cycle.cycle_id,
        version=version,
        over=promotion.over,
        fact_seq=seq_of(cycle, lambda fact: fact == promotion),
    )

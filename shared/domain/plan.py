"""What is to be done now, derived from what is known. The outbox is exactly this."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.cycle import (
    Challenger,
    JobView,
    challenger,
    evaluation,
    evidence_job,
    evidence_of,
    failures,
    latest_job,
    seq_of,
)
from shared.domain.effects import (
    Deploy,
    Effect,
    Evaluate,
    FindChallenger,
    RegisterData,
    ShiftTraffic,
    SubmitJob,
    TagDrift,
    TagModel,
    TestData,
    WatchDeployment,
    WatchJob,
)
from shared.domain.facts import (
    ChallengerEvaluated,
    ChampionPromoted,
    DataRegistered,
    DataTested,
    DeploymentFailed,
    DeploymentReady,
    DeploymentStarted,
    Mode,
    PromotionStarted,
    RetrainDecided,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shared.domain.state import Cycle, DataVersion, State


def plan(state: State) -> tuple[Effect, ...]:
    """All effects the state asks for: at most one of the open cycle, and what is outstanding."""
    effect = None if state.cycle is None else _cycle_effect(state, state.cycle)
    outstanding = tuple(_one_tagging_a_version(state.outstanding))
    return outstanding if effect is None else (effect, *outstanding)


def _one_tagging_a_version(effects: Iterable[Effect]) -> Iterator[Effect]:
    """Azure ML takes a version's tags as a whole: two writers at once would lose one's."""
    tagged: set[str] = set()
    for effect in effects:
        if isinstance(effect, TagModel | TagDrift):
            if effect.version in tagged:
                continue
            tagged.add(effect.version)
        yield effect


def _cycle_effect(state: State, cycle: Cycle) -> Effect | None:
    decision = cycle.one(RetrainDecided)
    if decision is None:
        return _data_effect(state, cycle)
    if decision.verdict is Verdict.FAILED or state.data is None or cycle.one(ChampionPromoted):
        return None
    found = challenger(cycle)
    if found is None:
        if failures(cycle, Mode.RETRAIN) >= decision.max_attempts:
            return None
        view = latest_job(cycle, Mode.RETRAIN)
        return _job_effect(state, cycle, view=view, decision=decision, data=state.data, about=None)
    return _challenger_effect(state, cycle, decision=decision, data=state.data, found=found)


def _data_effect(state: State, cycle: Cycle) -> Effect | None:
    opening, tested = cycle.opening, cycle.one(DataTested)
    if opening.arrivals and tested is None:
        return TestData(cycle.cycle_id, opening.after_seq, opening.to_seq)
    if tested is None or not tested.accepted or cycle.one(DataRegistered):
        return None
    return RegisterData(
        cycle.cycle_id,
        report=tested.report,
        report_sha256=tested.report_sha256,
        previous_pins=state.data.pins if state.data else None,
        previous_pins_sha256=state.data.pins_sha256 if state.data else None,
        fact_seq=seq_of(cycle, lambda fact: isinstance(fact, DataTested)),
    )


def _job_effect(  # the parts of one decision
    state: State,
    cycle: Cycle,
    *,
    view: JobView,
    decision: RetrainDecided,
    data: DataVersion,
    about: Challenger | None,
) -> Effect | None:
    """Submit, watch, or look for what came out, for one attempt."""
    if not view.submitted:
        return SubmitJob(
            cycle.cycle_id,
            mode=Mode(view.name.kind),
            attempt=view.name.attempt,
            pins=data.pins,
            data_version=data.version,
            config_sha256=decision.config_sha256,
            champion_version=state.champion.version if state.champion else None,
            challenger_version=about.version if about else None,
            fact_seq=seq_of(cycle, lambda fact: isinstance(fact, RetrainDecided)),
        )
    if view.status is None:
        return WatchJob(cycle.cycle_id, str(view.name))
    if view.canceled:
        return None
    if about is None:
        return FindChallenger(cycle.cycle_id, str(view.name))
    return Evaluate(cycle.cycle_id, str(view.name), about.version)


def _challenger_effect(
    state: State, cycle: Cycle, *, decision: RetrainDecided, data: DataVersion, found: Challenger
) -> Effect | None:
    champion = state.champion.version if state.champion else None
    verdict = evaluation(cycle, found.version, champion)
    if verdict is None:
        view = evidence_job(cycle, found, champion)
        given_up = failures(cycle, Mode.EVALUATE) >= decision.max_attempts
        if given_up or evidence_of(cycle, str(view.name)) is not None:
            return None
        return _job_effect(state, cycle, view=view, decision=decision, data=data, about=found)
    if verdict.verdict is Verdict.FAILED:
        return None
    return _rollout_effect(cycle, verdict)


def _rollout_effect(cycle: Cycle, verdict: ChallengerEvaluated) -> Effect | None:
    version = verdict.challenger
    if any(fact.version == version for fact in cycle.all(DeploymentFailed)):
        return None
    if not any(fact.version == version for fact in cycle.all(DeploymentStarted)):
        return Deploy(cycle.cycle_id, version, seq_of(cycle, lambda fact: fact == verdict))
    if not any(fact.version == version for fact in cycle.all(DeploymentReady)):
        return WatchDeployment(cycle.cycle_id, version, verdict.job_name)
    promotion = next(
        (
            fact
            for fact in cycle.all(PromotionStarted)
            if (fact.version, fact.over) == (version, verdict.champion)
        ),
        None,
    )
    if promotion is None:
        return None
    return ShiftTraffic(
        cycle.cycle_id,
        version=version,
        over=promotion.over,
        fact_seq=seq_of(cycle, lambda fact: fact == promotion),
    )

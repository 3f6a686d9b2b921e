"""The retrain policy: a pure function from state to yes or no, with the reason."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.domain import sentences
from shared.domain.declared import Verdict
from shared.domain.retraining import GateMode, Mode, ReasonKind, RetrainDecided
from shared.domain.state import BUDGET_WINDOW
from shared.domain.value import Value, value

if TYPE_CHECKING:
    from datetime import datetime

    from shared.domain.cycle import Cycle
    from shared.domain.state import DataVersion, State


@value
class Policy(Value):
    """The part of a model's `model.yml` that the core decides by."""

    config_sha256: str
    reasons: frozenset[ReasonKind]
    cooldown: timedelta
    drift_overrides_cooldown: bool
    jobs_per_30_days: int
    max_attempts: int = 2
    soak: timedelta = timedelta(0)
    drift_without_labels_retrains: bool = True
    gate: GateMode = GateMode.EVERY_METRIC_BETTER
    same_name_replaces: bool = True  # a file's rows go when a file of its name is accepted
    deleted_withdraws: bool = False  # a file's rows go when it is deleted from landing


@value
class _Answer(Value):
    verdict: Verdict
    sentence: str
    possible_from_utc: datetime | None = None
    alert: bool = False


def decide_retraining(
    state: State, cycle: Cycle, *, data: DataVersion, policy: Policy, now_utc: datetime
) -> RetrainDecided:
    """The policy's answer for the open cycle, whose data is `data`.

    A manual request overrides the cooldown and "nothing new", but not the job budget. A version
    that a person registered is only evaluated, if the model allows that: nothing is trained, so
    no other rule applies.
    """
    mode = Mode.EVALUATE if cycle.has(ReasonKind.MODEL) else Mode.RETRAIN
    if mode is Mode.EVALUATE and ReasonKind.MODEL in policy.reasons:
        answer = _Answer(Verdict.PASSED, sentences.evaluated_only())
    else:
        answer = _answer(state, cycle, data=data, policy=policy, now_utc=now_utc)
    return RetrainDecided(
        cycle_id=cycle.cycle_id,
        verdict=answer.verdict,
        mode=mode,
        sentence=answer.sentence,
        config_sha256=policy.config_sha256,
        max_attempts=policy.max_attempts,
        soak=policy.soak,
        possible_from_utc=answer.possible_from_utc,
        alert=answer.alert,
        gate=policy.gate,
    )


def _answer(
    state: State, cycle: Cycle, *, data: DataVersion, policy: Policy, now_utc: datetime
) -> _Answer:
    kinds = {reason.kind for reason in cycle.opening.reasons}
    allowed = kinds & policy.reasons
    if not allowed:
        return _Answer(Verdict.FAILED, sentences.reason_not_allowed(kinds, policy.reasons))
    by_hand = ReasonKind.MANUAL in allowed
    if (
        allowed == {ReasonKind.DRIFT}
        and not policy.drift_without_labels_retrains
        and not _labels_landed(state, data)
    ):
        sentence = sentences.no_labels(data.version)
        return _Answer(Verdict.FAILED, sentence, alert=True)
    champion = state.champion.version if state.champion else None
    learnt = state.learnt
    if (
        not by_hand
        and learnt is not None
        and (learnt.data_sha256, learnt.config_sha256, learnt.champion)
        == (data.data_sha256, policy.config_sha256, champion)
    ):
        return _Answer(Verdict.FAILED, sentences.nothing_new(learnt.cycle_id, data.version))
    last = state.last_retraining_utc
    moved = bool(allowed & {ReasonKind.DRIFT, ReasonKind.PERFORMANCE})
    again = ReasonKind.SETTINGS in kinds  # it was allowed under the settings before
    overridden = by_hand or again or (moved and policy.drift_overrides_cooldown)
    if champion is not None and last is not None and not overridden:
        possible_utc = last + policy.cooldown
        if now_utc < possible_utc:
            return _Answer(
                Verdict.FAILED,
                sentences.in_cooldown(policy.cooldown, last, possible_utc),
                possible_utc,
            )
    recent = [start for start in state.job_starts_utc if start > now_utc - BUDGET_WINDOW]
    if len(recent) >= policy.jobs_per_30_days:
        possible_utc = recent[len(recent) - policy.jobs_per_30_days] + BUDGET_WINDOW
        return _Answer(
            Verdict.FAILED,
            sentences.out_of_budget(len(recent), policy.jobs_per_30_days, possible_utc),
            possible_utc,
        )
    return _Answer(
        Verdict.PASSED,
        sentences.allowed(allowed, len(recent), policy.jobs_per_30_days),
    )


def _labels_landed(state: State, data: DataVersion) -> bool:
    """Whether a labelled row landed since the champion's data was registered.

    If a person registered the champion, its training data is unknown: labels count as landed.
    """
    trained_on = state.champion.data_version if state.champion else None
    return trained_on is None or trained_on != data.version

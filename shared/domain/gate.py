"""Does the challenger replace the champion? A pure verdict on what a job measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from shared.domain import gate_sentences
from shared.domain.declared import Verdict
from shared.domain.jobs import ChallengerEvaluated, EvidenceRead, MetricPair
from shared.domain.retraining import GateMode

if TYPE_CHECKING:
    from collections.abc import Callable


def judge(evidence: EvidenceRead, mode: GateMode, *, challenger: str) -> ChallengerEvaluated:
    """The verdict on a challenger; a first champion must reach the floor of every metric."""
    passes = _reaches_floor if evidence.champion_version is None else _better(mode)
    verdict = _verdict(evidence, passes)
    return ChallengerEvaluated(
        cycle_id=evidence.cycle_id,
        challenger=challenger,
        champion=evidence.champion_version,
        verdict=verdict,
        sentence=gate_sentences.evaluated(evidence, verdict, passes, challenger=challenger),
        job_name=evidence.job_name,
        config_sha256=evidence.config_sha256,
    )


def _verdict(evidence: EvidenceRead, passes: Callable[[MetricPair], bool]) -> Verdict:
    # Without metrics all() is True, which must not promote.
    passed = bool(evidence.metrics) and all(passes(metric) for metric in evidence.metrics)
    return Verdict.PASSED if passed else Verdict.FAILED


def _better(mode: GateMode) -> Callable[[MetricPair], bool]:
    """The rule by which the challenger wins on one metric, measured on the same frozen rows."""
    match mode:
        case GateMode.EVERY_METRIC_BETTER:
            return _is_strictly_better
        case unknown:
            assert_never(unknown)


def _is_strictly_better(metric: MetricPair) -> bool:
    """Whether the challenger is strictly better, as in published systems: a tie loses."""
    if metric.champion is None:
        return False
    if metric.goal == "min":
        return metric.challenger < metric.champion
    return metric.challenger > metric.champion


def _reaches_floor(metric: MetricPair) -> bool:
    if metric.floor is None:
        return True
    if metric.goal == "min":
        return metric.challenger <= metric.floor
    return metric.challenger >= metric.floor

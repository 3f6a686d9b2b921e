"""Does the challenger replace the champion? A pure verdict on what a job measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from shared.domain import gate_sentences
from shared.domain.declared import Verdict
from shared.domain.jobs import ChallengerEvaluated, EvidenceRead, MetricPair
from shared.domain.retraining import GateMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.domain.retraining import Reason


def judge(
    evidence: EvidenceRead, mode: GateMode, *, challenger: str, unseat: Reason | None = None
) -> ChallengerEvaluated:
    """The verdict on a challenger.

    A first model must reach the floor of every metric, a later one be better than the champion;
    both must be better than a model without features, where model.yml does not say otherwise. A
    challenger is judged like a first model where the champion cannot be scored, or a person says
    that it need not be beaten.

    Args:
        evidence: what a job measured of both models.
        mode: how a challenger wins.
        challenger: its version.
        unseat: the request of that person.
    """
    alone = evidence.champion_version is None or unseat is not None or bool(evidence.obstacle)
    wins = _reaches_floor if alone else _better(mode)
    lost = tuple(metric for metric in evidence.metrics if not wins(metric))
    trivial = tuple(metric for metric in evidence.metrics if not _beats_baseline(metric))
    passed = bool(evidence.metrics) and not lost and not trivial
    return ChallengerEvaluated(
        cycle_id=evidence.cycle_id,
        challenger=challenger,
        champion=evidence.champion_version,
        verdict=Verdict.PASSED if passed else Verdict.FAILED,
        sentence=gate_sentences.passed(evidence, unseat)
        if passed
        else gate_sentences.rejected(evidence, unseat, challenger, lost=lost, trivial=trivial),
        job_name=evidence.job_name,
        config_sha256=evidence.config_sha256,
    )


def _better(mode: GateMode) -> Callable[[MetricPair], bool]:
    """The rule by which the challenger wins on one metric, measured on the same frozen rows."""
    match mode:
        case GateMode.EVERY_METRIC_BETTER:
            return _is_strictly_better
        case unknown:
            assert_never(unknown)


def _is_strictly_better(metric: MetricPair) -> bool:
    """Whether the challenger is strictly better, as in published systems: a tie loses."""
    return metric.champion is not None and metric.beats(metric.champion)


def _beats_baseline(metric: MetricPair) -> bool:
    baseline = metric.baseline
    return baseline is None or not baseline.decides or metric.beats(baseline.value)


def _reaches_floor(metric: MetricPair) -> bool:
    floor = metric.floor
    return floor is None or metric.challenger == floor or metric.beats(floor)

"""The wording of the gate: why a challenger passed or stays out, with the numbers that decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.wording import capital, ended, metric_word, number, numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.jobs import EvidenceRead, MetricPair
    from shared.domain.retraining import Reason


def passed(evidence: EvidenceRead, unseat: Reason | None) -> str:
    """Every metric with what it was compared with, and what a model without features reaches."""
    floors = "; ".join(map(_against_floor, evidence.metrics))
    aside = _champion_aside(evidence, unseat)
    if evidence.champion_version is None:
        verdict = f"First model, {floors}."
    elif aside:
        verdict = f"{aside} Judged like a first model: {floors}."
    else:
        verdict = f"Better than champion {evidence.champion_version}: {_compared(evidence)}."
    return _told(verdict, _without_features(evidence.metrics), evidence)


def rejected(
    evidence: EvidenceRead,
    unseat: Reason | None,
    challenger: str,
    *,
    lost: Sequence[MetricPair],
    trivial: Sequence[MetricPair],
) -> str:
    """The metrics that decided.

    Args:
        evidence: of both models.
        unseat: the request by which the champion need not be beaten.
        challenger: its version.
        lost: metrics that miss their floor, or are not shown to be better than the champion's.
        trivial: those that are not better than a constant answer's.
    """
    out = f"Version {challenger} stays out:"
    aside = _champion_aside(evidence, unseat)
    constant = f"not better than {_constants(trivial)}" if trivial else ""
    if not evidence.metrics:
        verdict, constant = f"{out} no metric was measured.", ""
    elif not lost:
        verdict, constant = f"{out} {constant}, on {evidence.test_rows} rows.", ""
    elif evidence.champion_version is None or aside:
        verdict = f"{out} {'; '.join(map(_against_floor, lost))}."
    else:
        verdict = f"{out} not shown to be better. {_compared(evidence, lost)}."
    constant = ended(capital(constant)) if constant else ""
    return _told(f"{verdict} {aside}".rstrip(), constant, evidence)


def _champion_aside(evidence: EvidenceRead, unseat: Reason | None) -> str:
    """Why the champion was not compared with; empty if it was, or if there is none."""
    if evidence.champion_version is None:
        return ""
    champion, told = f"Champion {evidence.champion_version}", []
    if evidence.obstacle:
        told.append(f"{champion} cannot be compared: {ended(evidence.obstacle)}")
    if unseat is not None:
        told.append(f"{champion} need not be beaten, by a person's word: {ended(unseat.text)}")
    return " ".join(told)


def _told(verdict: str, baseline: str, evidence: EvidenceRead) -> str:
    parts = (verdict, baseline, *map(ended, evidence.warnings))
    return " ".join(part for part in parts if part)


def _compared(evidence: EvidenceRead, metrics: Sequence[MetricPair] | None = None) -> str:
    pairs = "; ".join(map(_pair, evidence.metrics if metrics is None else metrics))
    return f"{pairs} (champion {evidence.champion_version}) on the same {evidence.test_rows} rows"


def _constants(metrics: Sequence[MetricPair]) -> str:
    """`always answering 'no' (accuracy 0.98 against 0.98)`."""
    return "; ".join(
        f"always answering {metric.baseline.answer} "
        f"({_word(metric)} {' against '.join(numbers(metric.challenger, metric.baseline.value))})"
        for metric in metrics
        if metric.baseline is not None
    )


def _without_features(metrics: Sequence[MetricPair]) -> str:
    reached = [
        f"{_word(metric)} {number(metric.baseline.value)} (always {metric.baseline.answer})"
        for metric in metrics
        if metric.baseline is not None
    ]
    return f"A model without features reaches {', '.join(reached)}." if reached else ""


def _against_floor(metric: MetricPair) -> str:
    word = _word(metric)
    if metric.floor is None:
        return f"{word} {number(metric.challenger)}"
    value, floor = numbers(metric.challenger, metric.floor)
    limit = "ceiling" if metric.goal == "min" else "floor"
    if metric.challenger == metric.floor:
        return f"{word} {value} is at the {limit} {floor}"
    side = "above" if metric.challenger > metric.floor else "below"
    return f"{word} {value} is {side} the {limit} {floor}"


def _pair(metric: MetricPair) -> str:
    word = _word(metric)
    if metric.champion is None:
        return f"{word} {number(metric.challenger)} against no value"
    challenger, champion = numbers(metric.challenger, metric.champion)
    note = ", lower is better" if metric.goal == "min" else ""
    return f"{word} {challenger} against {champion}{note}"


def _word(metric: MetricPair) -> str:
    return f"{metric_word(metric.name)} {metric.about}".rstrip()

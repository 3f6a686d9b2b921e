"""The wording of the gate: why a challenger passed or stays out, with the numbers that decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.declared import Verdict
from shared.domain.wording import ended, metric_word, number, numbers

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.domain.jobs import EvidenceRead, MetricPair


def evaluated(
    evidence: EvidenceRead,
    verdict: Verdict,
    passes: Callable[[MetricPair], bool],
    *,
    challenger: str,
) -> str:
    """The verdict, the metrics that decided it, and what a person should know about them."""
    passed = verdict is Verdict.PASSED
    decisive = [metric for metric in evidence.metrics if passed or not passes(metric)]
    return " ".join(
        (_verdict(evidence, decisive, challenger, passed=passed), *map(ended, evidence.warnings))
    )


def _verdict(
    evidence: EvidenceRead, decisive: list[MetricPair], challenger: str, *, passed: bool
) -> str:
    if evidence.champion_version is None:
        text = "; ".join(_against_floor(metric) for metric in decisive)
        if passed:
            return f"First model, {text or 'no floor is set'}."
        return f"Version {challenger} stays out: {text or 'no metric was measured'}."
    pairs = "; ".join(_pair(metric) for metric in decisive) or "no metric was measured"
    ground = f"{pairs} (champion {evidence.champion_version}) on the same {evidence.test_rows} rows"
    if passed:
        return f"Better than champion {evidence.champion_version}: {ground}."
    return f"Version {challenger} stays out: not shown to be better. {ground}."


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

"""The evaluation report a person reads: who was compared on what, metric by metric."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from ml.evaluation.metrics import METRICS
from ml.presentation.charts import number, overlaid
from ml.presentation.page import document, verdict

if TYPE_CHECKING:
    from ml.evaluation.compare import Comparison, MetricPair
    from ml.model_config import ModelConfig

_BARS = 24


def render_report(
    comparison: Comparison, *, config: ModelConfig, champion_version: str | None, cycle_id: str
) -> str:
    """A self-contained page. It shows the evidence; the verdict is made where it is recorded.

    Args:
        comparison: of both models on the frozen rows.
        config: of the model.
        champion_version: None when there is none yet.
        cycle_id: whose evidence it is.
    """
    rows = len(comparison.predictions)
    wins = [_wins(pair) for pair in comparison.metrics]
    good = all(wins)
    body = [
        verdict(
            f"Evaluation · {config.name} · cycle {cycle_id}",
            "✓" if good else "✕",
            _sentence(comparison, champion_version, rows=rows, good=good),
            attention=not good,
        ),
        (
            '<p class="quiet">Both models answered the same frozen rows; neither was trained on '
            "them. Every listed metric must be strictly better, ties lose; a first champion must "
            "reach every floor.</p>"
        ),
        _table(comparison),
        _errors(comparison) if config.task == "regression" else "",
    ]
    return document(f"Evaluation · {config.name}", "".join(body))


def _wins(pair: MetricPair) -> bool:
    if pair.champion is None:
        other, ties = pair.floor, True
    else:
        other, ties = pair.champion, False
    if pair.challenger == other:
        return ties
    return (pair.challenger > other) == (pair.goal == "max")


def _sentence(
    comparison: Comparison, champion_version: str | None, *, rows: int, good: bool
) -> str:
    first = comparison.metrics[0]
    label = METRICS[first.name].label
    if first.champion is None:
        side = "reaches its floors" if good else "misses a floor"
        return (
            f"The first model {side}: {label} {number(first.challenger)}, "
            f"floor {number(first.floor)}, on {rows} frozen rows."
        )
    side = "is better in every metric" if good else "is not better in every metric"
    return (
        f"The challenger {side}: {label} {number(first.challenger)} against "
        f"{number(first.champion)} (champion {champion_version}) on the same {rows} rows."
    )


def _table(comparison: Comparison) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(METRICS[pair.name].label)}</th>'
        f'<td class="n">{number(pair.challenger)}</td>'
        f'<td class="n">{"–" if pair.champion is None else number(pair.champion)}</td>'  # noqa: RUF001 - a dash
        f'<td class="n">{number(pair.floor)}</td>'
        f"<td>{'higher' if pair.goal == 'max' else 'lower'}</td>"
        f"<td>{'✓ passed' if _wins(pair) else '✕ not passed'}</td></tr>"
        for pair in comparison.metrics
    )
    return (
        '<div class="wide"><table><caption>Metrics on the frozen rows</caption><thead><tr>'
        '<th scope="col">metric</th><th scope="col" class="n">challenger</th>'
        '<th scope="col" class="n">champion</th><th scope="col" class="n">floor</th>'
        '<th scope="col">better is</th><th scope="col">passed?</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _errors(comparison: Comparison) -> str:
    """Histogram of the absolute errors, champion (or nothing) in grey behind the challenger."""
    import numpy as np  # noqa: PLC0415 - only where there are errors to draw

    table = comparison.predictions
    challenger = (table["challenger"] - table["true"]).abs().to_numpy()
    other = table.get("champion")
    champion = None if other is None else (other - table["true"]).abs().to_numpy()
    top = float(max(challenger.max(), 0.0 if champion is None else champion.max())) or 1.0
    edges = np.linspace(0.0, top, _BARS + 1)
    now = np.histogram(challenger, edges)[0] / len(table)
    before = now * 0 if champion is None else np.histogram(champion, edges)[0] / len(table)
    finding = f"median absolute error of the challenger {number(float(np.median(challenger)))}"
    if champion is not None:
        finding += f", of the champion {number(float(np.median(champion)))}"
    chart = overlaid(list(edges), list(before), list(now), finding=finding)
    return (
        f'<section class="card"><h2>Absolute errors</h2><p>{escape(finding)}</p>'
        '<p class="quiet">Blue line: challenger. Grey: champion.</p>'
        f'<div class="wide">{chart}</div></section>'
    )

"""The evaluation report: challenger and champion on the frozen rows, metric by metric."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

import numpy as np

from ml.presentation import page
from ml.presentation.charts import difference, overlaid
from ml.presentation.figures import number, percent, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from ml.evaluation.compare import Comparison, MetricPair
    from ml.model_config import ModelConfig

_BARS: Final = 36
_MOST_CLASSES: Final = 12
_CLIP: Final = 0.995
_ROOM: Final = 1.25  # keeps the largest difference off the end of its axis


def render_report(
    comparison: Comparison, *, config: ModelConfig, champion_version: str | None, cycle_id: str
) -> str:
    """A self-contained HTML page that shows the evidence; the decision is the app's.

    Args:
        comparison: of both models on the frozen rows.
        config: of the model.
        champion_version: None if there is none yet.
        cycle_id: the cycle that the evidence belongs to.
    """
    title = f"Evaluation · {config.name} · cycle {cycle_id}"
    good = all(_passes(pair) for pair in comparison.metrics)
    notes = list(comparison.warnings)
    if comparison.obstacle:
        notes.insert(0, f"Champion {champion_version} cannot be compared: {comparison.obstacle}.")
        champion_version = None
    first = champion_version is None
    body = [
        page.verdict(
            title,
            "✓" if good else "✕",
            _sentence(comparison, champion_version, good=good),
            tone=page.Tone.GOOD if good else page.Tone.ATTENTION,
        ),
        page.facts(_facts(comparison, champion_version)),
        page.paragraphs(notes),
        _table(comparison, first=first),
        _errors(comparison) if config.task == "regression" else _classes(comparison),
    ]
    return page.document(title, "".join(body))


def _facts(comparison: Comparison, champion_version: str | None) -> list[tuple[str, str]]:
    rows = len(comparison.predictions)
    if champion_version is None:
        who = "challenger, like a first model," if comparison.obstacle else "first model"
        compared = f"the {who} with its floors, on {rows:,} frozen rows"
        rule = "Every metric must reach its floor"
    else:
        compared = f"challenger and champion {champion_version} on the same {rows:,} frozen rows"
        rule = "Every metric must be strictly better than the champion's; ties lose"
    return [
        ("Compared", f"{compared[0].upper()}{compared[1:]}; no model was trained on them"),
        ("Rule", rule),
    ]


def _passes(pair: MetricPair) -> bool:
    return _wins(pair) and _beats_baseline(pair)


def _beats_baseline(pair: MetricPair) -> bool:
    baseline = pair.baseline
    return baseline is None or not baseline.decides or pair.beats(baseline.value)


def _wins(pair: MetricPair) -> bool:
    if pair.champion is None:
        return pair.challenger == pair.floor or pair.beats(pair.floor)
    return pair.beats(pair.champion)


def _sentence(comparison: Comparison, champion_version: str | None, *, good: bool) -> str:
    """The verdict with the metric that decides it: the first that fails, else the first."""
    rows = len(comparison.predictions)
    pair = next((p for p in comparison.metrics if not _passes(p)), comparison.metrics[0])
    label = pair.label
    if _wins(pair) and not _beats_baseline(pair) and pair.baseline is not None:
        return (
            f"The challenger is not better than always answering {pair.baseline.answer}: {label} "
            f"{number(pair.challenger)} against {number(pair.baseline.value)} on {rows:,} frozen "
            "rows."
        )
    if pair.champion is None:
        side = "reaches its floors" if good else "misses a floor"
        who = "challenger" if comparison.obstacle else "first model"
        return (
            f"The {who} {side}: {label} {number(pair.challenger)}, "
            f"floor {number(pair.floor)}, on {rows:,} frozen rows."
        )
    side = "is better in every metric" if good else "is not better in every metric"
    return (
        f"The challenger {side}: {label} {number(pair.challenger)} against "
        f"{number(pair.champion)} (champion {champion_version}) on the same {rows:,} rows."
    )


def _table(comparison: Comparison, *, first: bool) -> str:
    """Challenger against champion, or a first model against its floors; differences as drawings."""
    other = "floor" if first else "champion"
    head = ["metric", "better is", "challenger", other, "difference", "worse | better"]
    head += ["without features", "passed?"]
    rows = [_row(pair, comparison.metrics) for pair in comparison.metrics]
    caption = f"Metrics on the frozen rows, challenger against {other} and the best constant answer"
    return f"<h2>Metrics</h2>{page.table(caption, head, rows, numbers=(2, 3, 4))}"


def _other(pair: MetricPair) -> float:
    return pair.floor if pair.champion is None else pair.champion


def _gain(pair: MetricPair) -> float:
    """How much better the challenger is, in the metric's unit; below 0 if worse."""
    difference_ = pair.challenger - _other(pair)
    return difference_ if pair.goal == "max" else -difference_


def _row(pair: MetricPair, among: Sequence[MetricPair]) -> str:
    other, gain = _other(pair), _gain(pair)
    relative = [abs(_gain(p)) / (abs(_other(p)) or 1.0) for p in among]
    span = max(*relative, 1e-9) * (abs(other) or 1.0) * _ROOM
    label = pair.label
    direction = "better" if gain > 0 else "worse" if gain < 0 else "the same"
    finding = f"{label}: {number(abs(gain))} {direction}" if gain else f"{label}: the same"
    passed = "✓ passed" if _passes(pair) else "✕ not passed"
    kind = "good" if _passes(pair) else "attention"
    return (
        f'<tr><th scope="row">{escape(label)}</th>'
        f"<td>{'higher' if pair.goal == 'max' else 'lower'}</td>"
        f'<td class="n">{number(pair.challenger)}</td><td class="n">{number(other)}</td>'
        f'<td class="n">{_signed(pair.challenger - other)}</td>'
        f"<td>{difference(gain, span=span, finding=finding)}</td>"
        f"<td>{_constant(pair)}</td>"
        f'<td class="{kind}">{passed}</td></tr>'
    )


def _constant(pair: MetricPair) -> str:
    """What always giving one answer reaches, and whether that decides."""
    if pair.baseline is None:
        return "not measured"
    shown = f"{number(pair.baseline.value)}, always {escape(shortened(pair.baseline.answer, 40))}"
    return shown if pair.baseline.decides else f"{shown} (not asked)"


def _signed(value: float) -> str:
    return f"+{number(value)}" if value > 0 else number(value)


def _errors(comparison: Comparison) -> str:
    """Histogram of the absolute errors, the champion's in grey behind the challenger's."""
    answers = comparison.predictions
    challenger = _absolute(answers, "challenger")
    champion = _absolute(answers, "champion") if "champion" in answers else None
    sides = [challenger] if champion is None else [challenger, champion]
    top = max(float(np.quantile(side, _CLIP)) for side in sides) or 1.0
    edges = np.linspace(0.0, top, _BARS + 1)
    now, before = (
        np.zeros(_BARS) if side is None else np.histogram(side, edges)[0] / len(side)
        for side in (challenger, champion)
    )
    finding = f"Median error of the challenger {number(float(np.median(challenger)))}"
    marks = [("c", "challenger")]
    if champion is not None:
        finding += f", of the champion {number(float(np.median(champion)))}"
        marks.insert(0, ("r", "champion"))
    drawn = overlaid(edges.tolist(), before.tolist(), now.tolist(), finding=finding)
    caption = "Share of the rows by absolute error, up to the 99.5 % quantile"
    return (
        f"<h2>Absolute errors</h2>{page.paragraphs([f'{finding}.'])}{page.key(*marks)}"
        f'<div class="figures">{page.figure(caption, drawn)}</div>'
    )


def _absolute(answers: pd.DataFrame, side: str) -> NDArray[np.float64]:
    errors = answers[side].to_numpy(np.float64) - answers["true"].to_numpy(np.float64)
    return np.asarray(np.abs(errors), np.float64)


def _classes(comparison: Comparison) -> str:
    """Recall of each class, the challenger's worst first."""
    answers = comparison.predictions
    sides = [side for side in ("challenger", "champion") if side in answers]
    found = []
    for value, group in answers.groupby("true", sort=True):
        right = [float((group[side] == group["true"]).mean()) for side in sides]
        found.append((str(value), len(group), right))
    found.sort(key=lambda entry: (entry[2][0], entry[0]))
    rows = [
        f'<tr><th scope="row">{escape(shortened(name, 60))}</th><td class="n">{count:,}</td>'
        + "".join(f'<td class="n">{percent(share)}</td>' for share in right)
        + "</tr>"
        for name, count, right in found[:_MOST_CLASSES]
    ]
    caption = "Share of each class that was recognised, the challenger's worst first"
    if len(found) > _MOST_CLASSES:
        caption += f"; {_MOST_CLASSES} of {len(found)} classes"
    head = ["class", "rows", *sides]
    return f"<h2>Classes</h2>{page.table(caption, head, rows, numbers=range(1, len(head)))}"

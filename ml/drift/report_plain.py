"""The drift report a person reads: verdict, the features that matter, a row for each other one."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from ml.drift.check import DriftResult, FeatureDrift, Verdict
from ml.presentation.charts import bars, number, overlaid
from ml.presentation.page import document, verdict

if TYPE_CHECKING:
    import pandas as pd

    from ml.model_config import ModelConfig

_SIGNS = {Verdict.DRIFT: "◆", Verdict.NO_DRIFT: "✓", Verdict.NOT_ENOUGH_DATA: "?"}
_CHARTS = 12
_BARS = 30
_CATEGORIES = 12
_CLIP = (0.5, 99.5)


def render_report(
    result: DriftResult,
    reference: pd.DataFrame,
    current: pd.DataFrame,
    *,
    config: ModelConfig,
    title: str,
) -> str:
    """A self-contained page of some ten kilobytes.

    Args:
        result: what `check_drift` said of these two frames.
        reference: as given to `check_drift`.
        current: same.
        config: same.
        title: plain text, e.g. "Drift report · diabetes · champion version 7 · 14 Mar 2026 (UTC)".
    """
    shown = [
        _card(feature, reference, current, config)
        for feature in result.features[:_CHARTS]
        if feature.feature in current.columns
    ]
    body = [
        verdict(
            title,
            _SIGNS[result.verdict],
            result.sentence,
            attention=result.verdict is not Verdict.NO_DRIFT,
        ),
        (
            f'<p class="quiet">Compared {result.reference_rows:,} training rows with '
            f"{result.current_rows:,} production rows. Grey: reference. Blue line: current. "
            "Charts are clipped at 0.5 and 99.5 %.</p>"
        ),
        *shown,
        _table(result),
        (
            '<p class="quiet">Numbers: Wasserstein-1 distance in reference standard deviations. '
            "Categories: half the sum of differences between shares. The limit is the larger of "
            "model.yml's threshold and what chance gives at these sample sizes.</p>"
        ),
    ]
    return document(title, "".join(body))


def _card(
    feature: FeatureDrift, reference: pd.DataFrame, current: pd.DataFrame, config: ModelConfig
) -> str:
    name = feature.feature
    finding = _finding(feature)
    before, now = reference[name].dropna(), current[name].dropna()
    if config.column(name).numeric:
        chart = _histogram(before, now, finding)
    else:
        chart = _shares(before, now, finding)
    mark = "◆ " if feature.drifted else ""
    return (
        f'<section class="card"><h2>{mark}{escape(name)}</h2><p>{escape(finding)}</p>'
        f'<div class="wide">{chart}</div></section>'
    )


def _finding(feature: FeatureDrift) -> str:
    unit = " sd" if feature.unit == "sd" else ""
    note = f" ({feature.note})" if feature.note else ""
    side = "at or over" if feature.drifted else "below"
    limit = f"{feature.limit:.2f}{unit}"
    return f"changed by {feature.statistic:.2f}{unit}, {side} the limit {limit}{note}"


def _histogram(before: pd.Series, now: pd.Series, finding: str) -> str:
    first, second = before.to_numpy(np.float64), now.to_numpy(np.float64)
    both = np.concatenate([first, second])
    both = both[np.isfinite(both)]
    if both.size == 0:
        return ""
    low, high = np.percentile(both, _CLIP)
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, _BARS + 1)
    first, second = (np.clip(values[np.isfinite(values)], low, high) for values in (first, second))
    heights = [np.histogram(values, edges)[0] / max(len(values), 1) for values in (first, second)]
    return overlaid(list(edges), list(heights[0]), list(heights[1]), finding=finding)


def _shares(before: pd.Series, now: pd.Series, finding: str) -> str:
    first = before.astype(str).value_counts(normalize=True)
    second = now.astype(str).value_counts(normalize=True)
    names = (first.add(second, fill_value=0.0)).nlargest(_CATEGORIES).index
    return bars(
        [str(name) for name in names],
        [float(first.get(name, 0.0)) for name in names],
        [float(second.get(name, 0.0)) for name in names],
        finding=finding,
    )


def _table(result: DriftResult) -> str:
    if not result.features:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{escape(feature.feature)}</th>'
        f"<td>{'◆ drift' if feature.drifted else '✓ no drift'}</td>"
        f'<td class="n">{number(feature.statistic)}</td><td class="n">{number(feature.limit)}</td>'
        f"<td>{feature.unit}</td><td>{escape(feature.note)}</td></tr>"
        for feature in result.features
    )
    return (
        f'<div class="wide"><table><caption>All {len(result.features)} features, largest change '
        'first</caption><thead><tr><th scope="col">feature</th><th scope="col">verdict</th>'
        '<th scope="col" class="n">change</th><th scope="col" class="n">limit</th>'
        '<th scope="col">unit</th><th scope="col">note</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )

"""The report a person reads: one HTML file, verdict first, no script, nothing from the network."""

from collections.abc import Sequence
from html import escape
from itertools import accumulate
from typing import Final

from ml.drift.engine.layout import Role
from ml.drift.engine.limits import SPLIT, Statistic
from ml.drift.engine.result import CheckResult, FeatureResult, Side, Verdict
from ml.drift.engine.sentences import (
    SIGNS,
    day_text,
    details,
    figure,
    headline,
    moved,
    window_text,
)
from ml.presentation import charts, page

_MOST_CHARTS: Final = 12
_SMALL_STEPS: Final = 18
_LEAST_COURSE: Final = 2
_COURSE_DAYS: Final = 30
_NOTHING: Final = "-"
_ROLES: Final = {Role.FEATURE: "", Role.PREDICTION: "prediction", Role.LABEL: "label"}


def render(result: CheckResult, *, subject: str = "", notes: Sequence[str] = ()) -> str:
    """The whole report as HTML text; it grows by one short table row a column.

    Args:
        result: what a check found.
        subject: what is checked, for the title.
        notes: sentences of whoever asked, below the engine's own.
    """
    day = f" · {day_text(result.day)} (UTC)" if result.day else ""
    title = f"Drift report · {subject + ' · ' if subject else ''}{result.profile}{day}"
    attention = result.verdict is Verdict.DRIFT
    body = [
        page.verdict(title, SIGNS[result.verdict], headline(result), attention=attention),
        *(f"<p>{escape(line)}</p>" for line in [*details(result), *notes]),
        _legend(result),
        *(_card(feature) for feature in _with_charts(result)),
        _table(result.features),
        _method(result),
    ]
    return page.document(title, "".join(body))


def _legend(result: CheckResult) -> str:
    return (
        f'<p class="quiet">Compared {escape(window_text(result))}. '
        "Grey fill: reference. Blue line: current. Dashed: limit.</p>"
    )


def _with_charts(result: CheckResult) -> Sequence[FeatureResult]:
    """The drifted columns; without drift the three nearest to their limit."""
    if result.drifted:
        return result.drifted[:_MOST_CHARTS]
    return [f for f in result.features if f.ratio > 0][:3]


def _card(feature: FeatureResult) -> str:
    finding = moved(feature)
    drawn = [_distribution(feature, finding)]
    if feature.chart.edges:
        drawn.append(_cumulative(feature, finding))
    if len(feature.past) >= _LEAST_COURSE:
        drawn.append(_course(feature))
    facts = [
        f"Reference: {_numbers(feature.reference)}. Current: {_numbers(feature.current)}.",
    ]
    if feature.alarm_share:
        facts.append(f"It carries {feature.alarm_share:.0%} of the alarm.")
    if feature.new_categories:
        facts.append(f"New: {_listed(list(feature.new_categories))}.")
    if feature.vanished_categories:
        facts.append(f"Gone: {_listed(feature.vanished_categories)}.")
    return (
        f'<section class="card"><h2>{escape(feature.name)}</h2><p>{escape(finding)}.</p>'
        f'<div class="wide">{"".join(drawn)}</div><p class="quiet">{escape(" ".join(facts))}</p>'
        "</section>"
    )


def _distribution(feature: FeatureResult, finding: str) -> str:
    chart = feature.chart
    if chart.edges:
        return charts.overlaid(
            chart.edges, chart.reference, chart.current, finding=f"Distribution: {finding}"
        )
    if chart.labels:
        return charts.bars(
            chart.labels, chart.reference, chart.current, finding=f"Shares: {finding}"
        )
    return ""


def _cumulative(feature: FeatureResult, finding: str) -> str:
    chart = feature.chart
    sides = [[0.0, *accumulate(side)] for side in (chart.reference, chart.current)]
    return charts.cdfs(
        chart.edges, sides[0], sides[1], finding=f"Area between the curves: {finding}"
    )


def _course(feature: FeatureResult) -> str:
    past = feature.past[-_COURSE_DAYS:]
    values = [ratio for _, ratio in past]
    above = sum(value > 1 for value in values)
    first, last = day_text(past[0][0]), day_text(past[-1][0])
    return charts.course(
        values,
        limit=1.0,
        names=(first, last),
        finding=f"{feature.name} from {first} to {last}: above its limit on {above} of "
        f"{len(values)} days",
    )


def _numbers(side: Side) -> str:
    if side.mean is None or side.sd is None or side.lowest is None or side.highest is None:
        return f"{side.rows:,} rows, {side.missing_share:.1%} missing"
    return (
        f"mean {charts.number(side.mean)}, sd {charts.number(side.sd)}, "
        f"{charts.number(side.lowest)} to {charts.number(side.highest)}, "
        f"{side.missing_share:.1%} missing"
    )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:8])
    return f"{shown} and {len(names) - 8} more" if len(names) > 8 else shown  # noqa: PLR2004 - fits


def _table(features: Sequence[FeatureResult]) -> str:
    rows = "".join(_row(feature) for feature in features)
    count = "1 column" if len(features) == 1 else f"All {len(features)} columns"
    return (
        f'<div class="wide"><table><caption>{count}, nearest to the limit first</caption>'
        '<thead><tr><th scope="col">Column</th><th scope="col">Verdict</th>'
        '<th scope="col">Change</th><th scope="col">Limit</th>'
        '<th scope="col">Distance, exact</th><th scope="col">Mean, reference → current</th>'
        '<th scope="col">Distribution</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _row(feature: FeatureResult) -> str:
    signal = feature.leading
    role = _ROLES[feature.role]
    change = figure(signal) if signal else _NOTHING
    limit = figure(signal, limit=True) if signal else _NOTHING
    exact = f"{feature.wasserstein[0]:.3g} sd" if feature.wasserstein else _NOTHING
    means = _NOTHING
    if feature.reference.mean is not None and feature.current.mean is not None:
        before, now = feature.reference.mean, feature.current.mean
        means = f"{charts.number(before)} → {charts.number(now)}"
    kind = "attention" if feature.verdict is Verdict.DRIFT else "quiet"
    cells = [
        f'<td class="{kind}">{SIGNS[feature.verdict]} {feature.verdict}</td>',
        *(f'<td class="n">{escape(text)}</td>' for text in (change, limit, exact, means)),
        f"<td>{_small(feature)}</td>",
    ]
    label = escape(feature.name) + (f' <span class="quiet">{role}</span>' if role else "")
    return f'<tr><th scope="row">{label}</th>{"".join(cells)}</tr>'


def _small(feature: FeatureResult) -> str:
    chart = feature.chart
    if not chart.reference or not chart.current:
        return _NOTHING
    sides = [chart.reference, chart.current]
    if chart.edges:
        join = len(chart.reference) // _SMALL_STEPS
        sides = [
            tuple(sum(side[i : i + join]) for i in range(0, len(side), join)) for side in sides
        ]
    return charts.small(sides[0], sides[1], finding=f"{feature.name}: {feature.verdict}")


def _method(result: CheckResult) -> str:
    budget = result.budget
    spread = ", ".join(f"{s} {SPLIT[s]:.0%}" for s in Statistic)
    return (
        "<details><summary>Method and settings</summary>"
        "<p>Numbers: area between the two cumulative curves in reference standard deviations "
        "(Wasserstein-1, the outer 0.1 % drawn in), and chi-square over bins as Cohen's w. "
        "Categories: chi-square, and the share of new values. All: change of the missing share. "
        "A limit is the largest of what chance, the reference's own days, and the smallest effect "
        "that matters allow. Drawings are clipped at 0.5 and 99.5 %.</p>"
        f"<p>False alarms accepted: {budget.false_alarms_per_year:g} a year over "
        f"{budget.checks_per_year:g} checks and {len(result.features)} columns; a column's share "
        f"of it: {spread}. Smallest effect {budget.smallest_effect:g}, smallest share "
        f"{budget.smallest_share:.1%}, fewest rows {budget.least_rows:,}.</p></details>"
    )

"""One column in full: what moved, both distributions, the area between them, its days, figures."""

from collections.abc import Sequence
from datetime import date, timedelta
from html import escape
from itertools import accumulate
from typing import Final

from ml.drift.counting.layout import Kind, Role
from ml.drift.report.sentences import (
    LONGEST_NAME,
    SIGNS,
    change,
    days_before,
    figure,
)
from ml.drift.statistics.limits import Statistic
from ml.drift.verdict.result import FeatureResult, Side, Verdict
from ml.presentation import charts, courses, page
from ml.presentation.figures import day_text, listed, number, percent, shortened

COURSE_DAYS: Final = 30
_ROLES: Final = {Role.PREDICTION: "prediction", Role.LABEL: "label"}
_WORDS: Final = {
    Statistic.DISTANCE: "area between the curves",
    Statistic.SHARES: "shares",
    Statistic.UNSEEN: "new values",
    Statistic.MISSING: "missing",
}
_ONE_DAY: Final = 86_400.0
_EPOCH: Final = date(1970, 1, 1)
NOTHING: Final = "-"


def card(feature: FeatureResult, *, day: date | None) -> str:
    """A section of some four kilobytes, whatever the number of rows.

    Args:
        feature: the column.
        day: of the check; None where nobody said.
    """
    leading = feature.leading
    said = "was not compared" if leading is None else change(feature, leading)
    drawn = [_distribution(feature, said), _cumulative(feature), _course(feature)]
    kind = "attention" if feature.verdict is Verdict.DRIFT else "quiet"
    return (
        f'<section class="card"><h3>{escape(shortened(feature.name, LONGEST_NAME))}'
        f"{tag(feature)}</h3>"
        f'<p class="{kind}">{escape(_status(feature, day))}</p>'
        f"<p>{escape(said[0].upper() + said[1:])}.</p>"
        f'<div class="figures">{"".join(drawn)}{_sides(feature)}</div>'
        f"{page.paragraphs(_beside(feature), 'quiet')}</section>"
    )


def tag(feature: FeatureResult) -> str:
    """Says of a prediction or a label that it is one."""
    role = _ROLES.get(feature.role)
    return f' <span class="tag">{role}</span>' if role else ""


def recent(feature: FeatureResult) -> tuple[tuple[date, float], ...]:
    """Its ratio to the limit on the last days that were checked, oldest first."""
    if not feature.past:
        return ()
    start = feature.past[-1][0] - timedelta(days=COURSE_DAYS - 1)
    return tuple((day, ratio) for day, ratio in feature.past if day >= start)


def course_finding(past: Sequence[tuple[date, float]]) -> str:
    """What a line of days against the limit shows."""
    above = sum(ratio > 1 for _, ratio in past)
    days = "1 day" if len(past) == 1 else f"{len(past)} days"
    return f"above its limit on {above} of {days}"


def _status(feature: FeatureResult, day: date | None) -> str:
    text = f"{SIGNS[feature.verdict]} {feature.verdict}"
    if feature.since is not None:
        text += f" since {day_text(feature.since)}"
        if day is not None and feature.since < day:
            text += f", {days_before(feature.since, day)}"
    if feature.alarm_share:
        text += f" · carries {feature.alarm_share:.0%} of the alarm".replace("%", " %")
    return text


def _distribution(feature: FeatureResult, said: str) -> str:
    chart, name = feature.chart, shortened(feature.name, LONGEST_NAME)
    if chart.edges:
        edges, unit = _scaled(feature)
        return page.figure(
            f"Share of the rows by value{unit}",
            charts.overlaid(
                edges, chart.reference, chart.current, finding=f"Distribution: {name} {said}"
            ),
        )
    if chart.labels:
        return page.figure(
            "Share of the rows by category",
            charts.bars(
                chart.labels, chart.reference, chart.current, finding=f"Shares: {name} {said}"
            ),
        )
    return ""


def _cumulative(feature: FeatureResult) -> str:
    """Both cumulative curves; only where an area between them was measured."""
    chart, signal = feature.chart, feature.signal(Statistic.DISTANCE)
    if not chart.edges or signal is None:
        return ""
    edges, unit = _scaled(feature)
    before, now = ([0.0, *accumulate(side)] for side in (chart.reference, chart.current))
    said = f"area between the curves {figure(signal)}, limit {figure(signal, limit=True)}"
    return page.figure(
        f"Rows up to a value{unit}: {said}",
        charts.cdfs(edges, before, now, finding=f"{shortened(feature.name, LONGEST_NAME)}: {said}"),
    )


def _course(feature: FeatureResult) -> str:
    past = recent(feature)
    if not past:
        return ""
    if len(past) == 1:
        return page.figure("Days against the limit: this is the first day that was checked", "")
    days, ratios = [day for day, _ in past], [ratio for _, ratio in past]
    said = course_finding(past)
    return page.figure(
        f"Change by day in units of its limit: {said}",
        courses.course(
            days,
            ratios,
            limit=1.0,
            finding=f"{shortened(feature.name, LONGEST_NAME)} from {day_text(days[0])} to "
            f"{day_text(days[-1])}: {said}",
        ),
    )


def _scaled(feature: FeatureResult) -> tuple[Sequence[float], str]:
    """The steps of a chart; dates, which are seconds since 1970, as days before the newest."""
    edges = feature.chart.edges
    if feature.kind is not Kind.DATE:
        return edges, ""
    newest = edges[-1]
    return [(edge - newest) / _ONE_DAY for edge in edges], ", in days before the newest"


def _sides(feature: FeatureResult) -> str:
    """Both sides in figures, a row each."""
    name = shortened(feature.name, LONGEST_NAME)
    sides = (("reference", feature.reference), ("current", feature.current))
    head = ["side", "rows", "missing"]
    if feature.kind is not Kind.CATEGORY:
        head += ["min", "mean", "max", "sd"]
    rows = [
        f'<tr><th scope="row">{who}</th>'
        + "".join(f'<td class="n">{text}</td>' for text in _cells(side, feature.kind))
        + "</tr>"
        for who, side in sides
    ]
    return page.table(f"{name} in figures", head, rows, numbers=range(1, len(head)))


def _cells(side: Side, kind: Kind) -> list[str]:
    cells = [f"{side.rows:,}", percent(side.missing_share)]
    if kind is Kind.CATEGORY:
        return cells
    cells += [value_text(value, kind) for value in (side.lowest, side.mean, side.highest)]
    if kind is Kind.DATE:
        return [*cells, NOTHING if side.sd is None else f"{number(side.sd / _ONE_DAY)} days"]
    return [*cells, value_text(side.sd, kind)]


def value_text(value: float | None, kind: Kind) -> str:
    """A value of a column; dates are counted as seconds since 1970."""
    if value is None:
        return NOTHING
    if kind is Kind.DATE:
        return day_text(_EPOCH + timedelta(seconds=value))
    return number(value)


def _beside(feature: FeatureResult) -> list[str]:
    """All measures with their limits, and categories that came or went."""
    lines = []
    if feature.new_categories:
        rows = max(feature.current.rows, 1)
        new = [
            f"{shortened(v, LONGEST_NAME)} ({percent(c / rows)})"
            for v, c in feature.new_categories.items()
        ]
        lines.append(f"New categories: {listed(new)}.")
    if feature.vanished_categories:
        gone = [shortened(value, LONGEST_NAME) for value in feature.vanished_categories]
        lines.append(f"Gone categories: {listed(gone)}.")
    measures = [
        f"{_WORDS[s.statistic]} {figure(s)} (limit {figure(s, limit=True)})"
        for s in feature.signals
    ]
    exact = []
    if feature.wasserstein is not None:
        exact.append(f"Wasserstein-1 with all outliers {feature.wasserstein[0]:.3g} sd")
    if feature.kolmogorov_smirnov is not None:
        exact.append(f"Kolmogorov-Smirnov {feature.kolmogorov_smirnov:.3g}")
    if feature.euclidean is not None:
        exact.append(f"Euclidean {feature.euclidean:.3g}")
    lines.append(f"Judged by: {', '.join(measures)}.")
    if exact:
        lines.append(f"For comparison: {', '.join(exact)}.")
    return lines

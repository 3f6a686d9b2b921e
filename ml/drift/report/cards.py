"""The card of one column: what changed, both distributions, its last days, its figures."""

from collections.abc import Sequence
from datetime import date, timedelta
from html import escape
from itertools import accumulate
from typing import Final

from ml.drift.report.sentences import (
    LONGEST_NAME,
    SIGNS,
    change,
    days_before,
    limit_of,
    value_of,
)
from ml.drift.result import ColumnResult, Kind, Role, Side, Verdict
from ml.drift.statistics import distance
from ml.drift.statistics.registry import statistic_named
from ml.presentation import charts, page, time_series
from ml.presentation.figures import day_text, listed, number, percent, shortened

COURSE_DAYS: Final = 30
_ROLES: Final = {Role.PREDICTION: "prediction", Role.LABEL: "label"}
_ONE_DAY: Final = 86_400.0
_EPOCH: Final = date(1970, 1, 1)
NOTHING: Final = "-"


def card(column: ColumnResult, *, day: date | None) -> str:
    """A section of about four kilobytes, whatever the number of rows.

    Args:
        column: the column.
        day: UTC day of the check; None if unknown.
    """
    leading = column.leading
    said = "was not compared" if leading is None else change(column, leading)
    drawn = [_distribution(column, said), _cumulative(column), _course(column)]
    kind = "attention" if column.verdict is Verdict.DRIFT else "quiet"
    return (
        f'<section class="card"><h3>{escape(shortened(column.name, LONGEST_NAME))}'
        f"{tag(column)}</h3>"
        f'<p class="{kind}">{escape(_status(column, day))}</p>'
        f"<p>{escape(said[0].upper() + said[1:])}.</p>"
        f'<div class="figures">{"".join(drawn)}{_sides(column)}</div>'
        f"{page.paragraphs(_beside(column), 'quiet')}</section>"
    )


def tag(column: ColumnResult) -> str:
    """HTML that marks a column as prediction or label; empty for a feature."""
    role = _ROLES.get(column.role)
    return f' <span class="tag">{role}</span>' if role else ""


def recent(column: ColumnResult) -> tuple[tuple[date, float], ...]:
    """Its ratio to the limit on the last days that were checked, oldest first."""
    if not column.past:
        return ()
    start = column.past[-1][0] - timedelta(days=COURSE_DAYS - 1)
    return tuple((day, ratio) for day, ratio in column.past if day >= start)


def course_finding(past: Sequence[tuple[date, float]]) -> str:
    """The chart of days against the limit, described in words."""
    above = sum(ratio > 1 for _, ratio in past)
    days = "1 day" if len(past) == 1 else f"{len(past)} days"
    return f"above its limit on {above} of {days}"


def _status(column: ColumnResult, day: date | None) -> str:
    text = f"{SIGNS[column.verdict]} {column.verdict}"
    if column.since is not None:
        text += f" since {day_text(column.since)}"
        if day is not None and column.since < day:
            text += f", {days_before(column.since, day)}"
    if column.alarm_share:
        text += f" · carries {column.alarm_share:.0%} of the alarm".replace("%", " %")
    return text


def _distribution(column: ColumnResult, said: str) -> str:
    chart, name = column.chart, shortened(column.name, LONGEST_NAME)
    if chart.edges:
        edges, unit = _scaled(column)
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


def _cumulative(column: ColumnResult) -> str:
    """A chart of both cumulative curves, if the area between them was measured."""
    chart, signal = column.chart, column.signal(distance.STATISTIC.name)
    if not chart.edges or signal is None:
        return ""
    edges, unit = _scaled(column)
    before, now = ([0.0, *accumulate(side)] for side in (chart.reference, chart.current))
    said = f"{distance.STATISTIC.label} {value_of(signal)}, limit {limit_of(signal)}"
    return page.figure(
        f"Rows up to a value{unit}: {said}",
        charts.cdfs(edges, before, now, finding=f"{shortened(column.name, LONGEST_NAME)}: {said}"),
    )


def _course(column: ColumnResult) -> str:
    past = recent(column)
    if not past:
        return ""
    if len(past) == 1:
        return page.figure("Days against the limit: this is the first day that was checked", "")
    days, ratios = [day for day, _ in past], [ratio for _, ratio in past]
    said = course_finding(past)
    return page.figure(
        f"Change by day in units of its limit: {said}",
        time_series.line(
            days,
            ratios,
            limit=1.0,
            finding=f"{shortened(column.name, LONGEST_NAME)} from {day_text(days[0])} to "
            f"{day_text(days[-1])}: {said}",
        ),
    )


def _scaled(column: ColumnResult) -> tuple[Sequence[float], str]:
    """The edges of a chart with their unit; dates become days before the newest."""
    edges = column.chart.edges
    if column.kind is not Kind.DATE:
        return edges, ""
    newest = edges[-1]
    return [(edge - newest) / _ONE_DAY for edge in edges], ", in days before the newest"


def _sides(column: ColumnResult) -> str:
    """A table with one row of figures for each side."""
    name = shortened(column.name, LONGEST_NAME)
    sides = (("reference", column.reference), ("current", column.current))
    head = ["side", "rows", "missing"]
    if column.kind is not Kind.CATEGORY:
        head += ["min", "mean", "max", "sd"]
    rows = [
        f'<tr><th scope="row">{who}</th>'
        + "".join(f'<td class="n">{text}</td>' for text in _cells(side, column.kind))
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


def _beside(column: ColumnResult) -> list[str]:
    """Further lines: all statistics with their limits, and new or vanished categories."""
    lines = []
    if column.new_categories:
        rows = max(column.current.rows, 1)
        new = [
            f"{shortened(v, LONGEST_NAME)} ({percent(c / rows)})"
            for v, c in column.new_categories.items()
        ]
        lines.append(f"New categories: {listed(new)}.")
    if column.vanished_categories:
        gone = [shortened(value, LONGEST_NAME) for value in column.vanished_categories]
        lines.append(f"Gone categories: {listed(gone)}.")
    measures = [
        f"{statistic_named(s.statistic).label} {value_of(s)} (limit {limit_of(s)})"
        for s in column.signals
    ]
    exact = []
    if column.wasserstein is not None:
        exact.append(f"Wasserstein-1 with all outliers {column.wasserstein[0]:.3g} sd")
    if column.kolmogorov_smirnov is not None:
        exact.append(f"Kolmogorov-Smirnov {column.kolmogorov_smirnov:.3g}")
    if column.euclidean is not None:
        exact.append(f"Euclidean {column.euclidean:.3g}")
    lines.append(f"Judged by: {', '.join(measures)}.")
    if exact:
        lines.append(f"For comparison: {', '.join(exact)}.")
    return lines

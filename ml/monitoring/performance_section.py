"""The section of the report on realised performance: by day, with intervals and the limit."""

import math
from collections.abc import Sequence
from datetime import date
from typing import Final

from ml.monitoring.performance import Estimate, Metric, Performance, Realised
from ml.presentation import page, time_series
from ml.presentation.figures import day_text, number

_MOST_DAYS: Final = 60
_SIGNS: Final = {
    Realised.WORSE: "◆",
    Realised.NOT_WORSE: "✓",
    Realised.NOT_ENOUGH_LABELS: "?",
    Realised.NOT_JUDGED: "–",  # noqa: RUF001 - the sign of what was not done
}


def performance_section(found: Performance) -> str:
    """Write the verdict, a drawing of the days and, folded, their table, as HTML."""
    kind = "attention" if found.verdict is Realised.WORSE else ""
    sentence = page.paragraphs([f"{_SIGNS[found.verdict]} {found.sentence()}"], kind)
    return f"<h2>Realised performance</h2>{sentence}{_days(found) if found.by_day else ''}"


def _limit(found: Performance) -> tuple[float, bool] | None:
    """The limit of the metric, and whether lower values are better."""
    if found.baseline is None or found.margin is None:
        return None
    lower_is_better = found.metric is Metric.ABSOLUTE_ERROR
    sign = 1 if lower_is_better else -1
    return found.baseline + sign * found.margin, lower_is_better


def _days(found: Performance) -> str:
    by_day = found.by_day[-_MOST_DAYS:]
    drawn = [(day, e) for day, e in by_day if _is_bounded(e)]
    rows = [
        f'<tr><th scope="row">{day_text(day)}</th><td class="n">{e.rows:,}</td>'
        f'<td class="n">{number(e.value)}</td><td class="n">{_interval(e)}</td></tr>'
        for day, e in by_day
    ]
    table = page.table(
        f"{found.metric.capitalize()} by day",
        ["day", "labelled rows", str(found.metric), "95 % interval"],
        rows,
        numbers=(1, 2, 3),
    )
    folded = f"<details><summary>Days in figures</summary>{table}</details>"
    return (_drawing(found, drawn) if drawn else "") + folded


def _drawing(found: Performance, by_day: Sequence[tuple[date, Estimate]]) -> str:
    limit = _limit(found)
    values = [(e.low, e.value, e.high) for _, e in by_day]
    days = [day for day, _ in by_day]
    said = f"{found.metric} by day with 95 % intervals"
    marks = [("s", str(found.metric)), ("w", "95 % interval")]
    if limit is not None:
        worse = sum(time_series.beyond(value, limit) for value in values)
        count = "1 day" if len(days) == 1 else f"{len(days)} days"
        said += f", limit {number(limit[0])}: the whole interval beyond it on {worse} of {count}"
        marks += [("l", "limit"), ("d", "whole interval beyond the limit")]
    drawing = time_series.intervals(
        days,
        values,
        limit=limit,
        finding=f"{said}; latest {number(values[-1][1])} on {day_text(days[-1])}",
    )
    caption = said[0].upper() + said[1:]
    return f'{page.key(*marks)}<div class="figures">{page.figure(caption, drawing)}</div>'


def _is_bounded(estimate: Estimate) -> bool:
    """Whether the interval is finite: that of a single row is not."""
    return math.isfinite(estimate.low) and math.isfinite(estimate.high)


def _interval(estimate: Estimate) -> str:
    if not _is_bounded(estimate):
        return "too few rows"
    return f"{number(estimate.low)} to {number(estimate.high)}"

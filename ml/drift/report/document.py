"""The report: one HTML file, verdict first, without scripts or anything from the network."""

from collections.abc import Sequence
from html import escape
from typing import Final

from ml.drift.report import cards
from ml.drift.report.sentences import (
    LONGEST_NAME,
    SIGNS,
    findings,
    headline,
    limit_of,
    remarks,
    value_of,
    window_text,
)
from ml.drift.result import CheckResult, ColumnResult, Role, Verdict
from ml.drift.statistics import missing
from ml.drift.statistics.registry import all_statistics
from ml.presentation import charts, page, time_series
from ml.presentation.figures import day_ranges, day_text, listed, percent, shortened

_MOST_CARDS: Final = 12
_CALM_CARDS: Final = 3
_MOST_REMARKS: Final = 5
_SMALL_STEPS: Final = 18
_MARKS: Final = (("r", "reference"), ("c", "current"), ("l", "limit"), ("d", "above the limit"))
TONES: Final = {
    Verdict.DRIFT: page.Tone.ATTENTION,
    Verdict.NO_DRIFT: page.Tone.GOOD,
    Verdict.NOT_ENOUGH_DATA: page.Tone.NEUTRAL,
}


def render_report(
    result: CheckResult,
    *,
    subject: str = "",
    notes: Sequence[str] = (),
    next_step: str = "",
    sections: Sequence[str] = (),
) -> str:
    """Write the report as HTML; it grows by one short table row for each column.

    Args:
        result: of a check.
        subject: what was checked, for the title.
        notes: further sentences, below those of the engine.
        next_step: sentence on what follows from the verdict; empty if unknown.
        sections: further HTML, between the facts and the columns.
    """
    day = f" · {day_text(result.day)} (UTC)" if result.day else ""
    title = f"Drift report · {subject + ' · ' if subject else ''}{result.profile_name}{day}"
    happens = [f"What happens next: {next_step}"] if next_step else []
    body = [
        page.verdict(title, SIGNS[result.verdict], headline(result), tone=TONES[result.verdict]),
        page.paragraphs([*findings(result), *happens, *notes]),
        page.facts(_facts(result)),
        _remarks(result),
        *sections,
        _cards(result),
        _table(result),
        _method(result),
    ]
    return page.document(title, "".join(body))


def _facts(result: CheckResult) -> list[tuple[str, str]]:
    """The facts that readers look for first, as (name, text); each is present, even as "none"."""
    compared = window_text(result)
    facts = [("Compared", compared[0].upper() + compared[1:])]
    if not result.rows:
        return facts
    changed = [
        f"{shortened(f.name, LONGEST_NAME)} {percent(f.reference.missing_share)} → "
        f"{percent(f.current.missing_share)}"
        for f in result.columns
        if (signal := f.signal(missing.STATISTIC.name)) is not None and signal.ratio > 1
    ]
    facts.append(("Missing values", listed(changed) if changed else "no change beyond a limit"))
    categories = [
        f"{shortened(f.name, LONGEST_NAME)} {', '.join(said)}"
        for f in result.columns
        if (
            said := [
                *([f"{len(f.new_categories)} new"] if f.new_categories else []),
                *([f"{len(f.vanished_categories)} gone"] if f.vanished_categories else []),
            ]
        )
    ]
    facts.append(("Categories", listed(categories) if categories else "none new, none gone"))
    for role, name in ((Role.PREDICTION, "Predictions"), (Role.LABEL, "Labels")):
        of_role = [f for f in result.columns if f.role is role]
        if of_role:
            facts.append((name, "; ".join(_answer(f) for f in of_role)))
    unjudged = sum(f.verdict is Verdict.NOT_ENOUGH_DATA for f in result.columns)
    if unjudged and result.verdict is not Verdict.NOT_ENOUGH_DATA:
        which = "1 column" if unjudged == 1 else f"{unjudged} columns"
        seen = result.alarm_budget.largest_limit_sd
        facts.append(
            ("Not judged", f"{which}: what is usual in the reference would hide {seen:g} sd")
        )
    if result.missing_days:
        facts.append(("Days without rows", day_ranges(result.missing_days)))
    return facts


def _answer(column: ColumnResult) -> str:
    signal = column.leading
    size = f", {value_of(signal)}, limit {limit_of(signal)}" if signal else ""
    name = shortened(column.name, LONGEST_NAME)
    return f"{SIGNS[column.verdict]} {column.verdict} in {name}{size}"


def _remarks(result: CheckResult) -> str:
    lines = remarks(result)
    if len(lines) <= _MOST_REMARKS:
        return page.paragraphs(lines, "quiet")
    return (
        f"<details><summary>{len(lines)} remarks on columns and days</summary>"
        f"{page.paragraphs(lines)}</details>"
    )


def _cards(result: CheckResult) -> str:
    shown = _with_cards(result)
    if not shown:
        return ""
    moved = len(result.drifted)
    if not moved:
        heading = "Nearest to their limits"
    elif moved > _MOST_CARDS:
        heading = f"The {_MOST_CARDS} largest changes of {moved}"
    else:
        heading = "What changed"
    return f"<h2>{heading}</h2>{page.key(*_MARKS)}" + "".join(
        cards.card(f, day=result.day) for f in shown
    )


def _with_cards(result: CheckResult) -> list[ColumnResult]:
    """Columns that get a card: those that drifted or are nearest to it, predictions and labels."""
    if result.verdict is Verdict.NOT_ENOUGH_DATA:
        return []
    columns = [f for f in result.columns if f.ratio > 0]
    chosen = list(result.drifted) or columns[:_CALM_CARDS]
    outcomes = [f for f in columns if f.role is not Role.FEATURE and f not in chosen]
    return [*chosen[: _MOST_CARDS - len(outcomes)], *outcomes]


def _table(result: CheckResult) -> str:
    columns = result.columns
    if not columns:
        return ""
    count = "1 column" if len(columns) == 1 else f"All {len(columns)} columns"
    with_days = any(len(f.past) > 1 for f in columns)
    head = ["Column", "Verdict", "Change", "Limit", "Mean, reference → current", "Distribution"]
    if with_days:
        head.append(f"Last {cards.COURSE_DAYS} days")
    rows = [_row(column, with_days=with_days) for column in columns]
    caption = f"{count}, nearest to the limit or furthest above it first"
    key = "" if _with_cards(result) else page.key(*_MARKS)
    return f"<h2>{count}</h2>{key}{page.table(caption, head, rows, numbers=(2, 3, 4))}"


def _row(column: ColumnResult, *, with_days: bool) -> str:
    signal = column.leading
    change = value_of(signal) if signal else cards.NOTHING
    limit = limit_of(signal) if signal else cards.NOTHING
    means = cards.NOTHING
    if column.reference.mean is not None and column.current.mean is not None:
        before, now = column.reference.mean, column.current.mean
        kind = column.kind
        means = f"{cards.value_text(before, kind)} → {cards.value_text(now, kind)}"
    shown = "attention" if column.verdict is Verdict.DRIFT else "quiet"
    cells = [
        f'<td class="{shown}">{SIGNS[column.verdict]} {column.verdict}</td>',
        *(f'<td class="n">{text}</td>' for text in (change, limit, means)),
        f"<td>{_small(column, change)}</td>",
    ]
    if with_days:
        cells.append(f"<td>{_small_course(column)}</td>")
    name = escape(shortened(column.name, LONGEST_NAME))
    return f'<tr><th scope="row">{name}{cards.tag(column)}</th>{"".join(cells)}</tr>'


def _small(column: ColumnResult, change: str) -> str:
    chart = column.chart
    if not chart.reference or not chart.current:
        return cards.NOTHING
    sides = [chart.reference, chart.current]
    if chart.edges:
        join = len(chart.reference) // _SMALL_STEPS
        sides = [
            tuple(sum(side[i : i + join]) for i in range(0, len(side), join)) for side in sides
        ]
    return charts.small(sides[0], sides[1], finding=f"{column.verdict}, {change}")


def _small_course(column: ColumnResult) -> str:
    past = cards.recent(column)
    if not past:
        return cards.NOTHING
    days, ratios = [day for day, _ in past], [ratio for _, ratio in past]
    return time_series.small_line(days, ratios, limit=1.0, finding=cards.course_finding(past))


def _method(result: CheckResult) -> str:
    budget = result.alarm_budget
    each = " ".join(f"{one.label.capitalize()}, {one.method}." for one in all_statistics())
    spread = ", ".join(f"{one.name} {one.alarm_share:.0%}" for one in all_statistics())
    spread = spread.replace("%", " %")
    return (
        "<details><summary>Method and settings</summary>"
        f"<p>{each} A limit is the largest of what chance, the reference's own days, and the "
        "smallest effect that matters allow. Drawings are clipped at 0.5 and 99.5 %.</p>"
        f"<p>False alarms accepted: {budget.false_alarms_per_year:g} a year over "
        f"{budget.checks_per_year:g} checks and {len(result.columns)} columns; a column's share "
        f"of it: {spread}. Smallest effect {budget.smallest_effect:g}, smallest share "
        f"{percent(budget.smallest_share)}, fewest rows {budget.least_rows:,}.</p>"
        "<p>The same figures for programs: drift.json, beside this file.</p></details>"
    )

"""The report a person reads: one HTML file, verdict first, no script, nothing from the network."""

from collections.abc import Sequence
from html import escape
from typing import Final

from ml.drift.counting.layout import Role
from ml.drift.report import cards
from ml.drift.report.sentences import (
    LONGEST_NAME,
    SIGNS,
    figure,
    findings,
    headline,
    remarks,
    window_text,
)
from ml.drift.statistics.limits import SPLIT, Statistic
from ml.drift.verdict.result import CheckResult, FeatureResult, Verdict
from ml.presentation import charts, courses, page
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


def render(
    result: CheckResult,
    *,
    subject: str = "",
    notes: Sequence[str] = (),
    next_step: str = "",
    sections: Sequence[str] = (),
) -> str:
    """The whole report as HTML text; it grows by one short table row a column.

    Args:
        result: what a check found.
        subject: what is checked, for the title.
        notes: sentences of whoever asked, below the engine's own.
        next_step: what follows from the verdict, a sentence; empty: the report does not know.
        sections: HTML of the caller's own, between the facts and the columns.
    """
    day = f" · {day_text(result.day)} (UTC)" if result.day else ""
    title = f"Drift report · {subject + ' · ' if subject else ''}{result.profile}{day}"
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
    """What a person looks for first, each with an answer, also where that is "none"."""
    compared = window_text(result)
    facts = [("Compared", compared[0].upper() + compared[1:])]
    if not result.rows:
        return facts
    missing = [
        f"{shortened(f.name, LONGEST_NAME)} {percent(f.reference.missing_share)} → "
        f"{percent(f.current.missing_share)}"
        for f in result.features
        if (signal := f.signal(Statistic.MISSING)) is not None and signal.ratio > 1
    ]
    facts.append(("Missing values", listed(missing) if missing else "no change beyond a limit"))
    categories = [
        f"{shortened(f.name, LONGEST_NAME)} {', '.join(said)}"
        for f in result.features
        if (
            said := [
                *([f"{len(f.new_categories)} new"] if f.new_categories else []),
                *([f"{len(f.vanished_categories)} gone"] if f.vanished_categories else []),
            ]
        )
    ]
    facts.append(("Categories", listed(categories) if categories else "none new, none gone"))
    for role, name in ((Role.PREDICTION, "Predictions"), (Role.LABEL, "Labels")):
        of_role = [f for f in result.features if f.role is role]
        if of_role:
            facts.append((name, "; ".join(_answer(f) for f in of_role)))
    unjudged = sum(f.verdict is Verdict.NOT_ENOUGH_DATA for f in result.features)
    if unjudged and result.verdict is not Verdict.NOT_ENOUGH_DATA:
        which = "1 column" if unjudged == 1 else f"{unjudged} columns"
        seen = result.budget.largest_limit_sd
        facts.append(
            ("Not judged", f"{which}: what is usual in the reference would hide {seen:g} sd")
        )
    if result.missing_days:
        facts.append(("Days without rows", day_ranges(result.missing_days)))
    return facts


def _answer(feature: FeatureResult) -> str:
    signal = feature.leading
    size = f", {figure(signal)}, limit {figure(signal, limit=True)}" if signal else ""
    name = shortened(feature.name, LONGEST_NAME)
    return f"{SIGNS[feature.verdict]} {feature.verdict} in {name}{size}"


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


def _with_cards(result: CheckResult) -> list[FeatureResult]:
    """The drifted columns, without drift the nearest to their limit; predictions and labels too."""
    if result.verdict is Verdict.NOT_ENOUGH_DATA:
        return []
    features = [f for f in result.features if f.ratio > 0]
    chosen = list(result.drifted) or features[:_CALM_CARDS]
    outcomes = [f for f in features if f.role is not Role.FEATURE and f not in chosen]
    return [*chosen[: _MOST_CARDS - len(outcomes)], *outcomes]


def _table(result: CheckResult) -> str:
    features = result.features
    if not features:
        return ""
    count = "1 column" if len(features) == 1 else f"All {len(features)} columns"
    with_days = any(len(f.past) > 1 for f in features)
    head = ["Column", "Verdict", "Change", "Limit", "Mean, reference → current", "Distribution"]
    if with_days:
        head.append(f"Last {cards.COURSE_DAYS} days")
    rows = [_row(feature, with_days=with_days) for feature in features]
    caption = f"{count}, nearest to the limit or furthest above it first"
    key = "" if _with_cards(result) else page.key(*_MARKS)
    return f"<h2>{count}</h2>{key}{page.table(caption, head, rows, numbers=(2, 3, 4))}"


def _row(feature: FeatureResult, *, with_days: bool) -> str:
    signal = feature.leading
    change = figure(signal) if signal else cards.NOTHING
    limit = figure(signal, limit=True) if signal else cards.NOTHING
    means = cards.NOTHING
    if feature.reference.mean is not None and feature.current.mean is not None:
        before, now = feature.reference.mean, feature.current.mean
        kind = feature.kind
        means = f"{cards.value_text(before, kind)} → {cards.value_text(now, kind)}"
    shown = "attention" if feature.verdict is Verdict.DRIFT else "quiet"
    cells = [
        f'<td class="{shown}">{SIGNS[feature.verdict]} {feature.verdict}</td>',
        *(f'<td class="n">{text}</td>' for text in (change, limit, means)),
        f"<td>{_small(feature, change)}</td>",
    ]
    if with_days:
        cells.append(f"<td>{_small_course(feature)}</td>")
    name = escape(shortened(feature.name, LONGEST_NAME))
    return f'<tr><th scope="row">{name}{cards.tag(feature)}</th>{"".join(cells)}</tr>'


def _small(feature: FeatureResult, change: str) -> str:
    chart = feature.chart
    if not chart.reference or not chart.current:
        return cards.NOTHING
    sides = [chart.reference, chart.current]
    if chart.edges:
        join = len(chart.reference) // _SMALL_STEPS
        sides = [
            tuple(sum(side[i : i + join]) for i in range(0, len(side), join)) for side in sides
        ]
    return charts.small(sides[0], sides[1], finding=f"{feature.verdict}, {change}")


def _small_course(feature: FeatureResult) -> str:
    past = cards.recent(feature)
    if not past:
        return cards.NOTHING
    days, ratios = [day for day, _ in past], [ratio for _, ratio in past]
    return courses.small_course(days, ratios, limit=1.0, finding=cards.course_finding(past))


def _method(result: CheckResult) -> str:
    budget = result.budget
    spread = ", ".join(f"{s} {SPLIT[s]:.0%}" for s in Statistic).replace("%", " %")
    return (
        "<details><summary>Method and settings</summary>"
        "<p>Numbers: area between the two cumulative curves in reference standard deviations, sd "
        "(Wasserstein-1, the outer 0.1 % drawn in), and chi-square over bins as Cohen's w. "
        "Categories: chi-square as Cohen's w, and the share of new values. All: change of the "
        "missing share. A limit is the largest of what chance, the reference's own days, and the "
        "smallest effect that matters allow. Drawings are clipped at 0.5 and 99.5 %.</p>"
        f"<p>False alarms accepted: {budget.false_alarms_per_year:g} a year over "
        f"{budget.checks_per_year:g} checks and {len(result.features)} columns; a column's share "
        f"of it: {spread}. Smallest effect {budget.smallest_effect:g}, smallest share "
        f"{percent(budget.smallest_share)}, fewest rows {budget.least_rows:,}.</p>"
        "<p>The same figures for programs: drift.json, beside this file.</p></details>"
    )

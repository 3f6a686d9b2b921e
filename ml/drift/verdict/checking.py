"""The daily check: one pass over the current window, then a verdict on every column."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final

import numpy as np

from ml.drift.counting.category import CategorySummary
from ml.drift.counting.columns import Summary
from ml.drift.counting.scan import Scan, scan_source
from ml.drift.profiles.profile import Profile, note_of
from ml.drift.readers.opening import open_source
from ml.drift.reference.column_reference import ColumnReference, Window, missing_of
from ml.drift.result import (
    AlarmBudget,
    Chart,
    CheckResult,
    ColumnResult,
    Side,
    Signal,
    Verdict,
)
from ml.drift.statistics.distance import smallest_visible
from ml.drift.statistics.registry import Pair, all_statistics, statistic_named
from ml.drift.verdict.measures import Measures, chart_of, measures_of

_EPOCH: Final = date(1970, 1, 1)


def check(
    profile: Profile,
    data: Any,
    *,
    alarm_budget: AlarmBudget | None = None,
    day: date | None = None,
    past: Sequence[CheckResult] = (),
    threads: int = 1,
) -> CheckResult:
    """Compare a window of current rows with a profile.

    Args:
        profile: the reference.
        data: a path, a folder, several paths, an Arrow table or a pandas DataFrame.
        alarm_budget: by default one false alarm a year.
        day: the UTC day of the rows; by default that of the time column, if there is one.
        past: earlier checks, for "since when" and the chart over days.
        threads: for reading.

    Raises:
        DriftInputError: the data cannot be read.
    """
    source = open_source(data)
    layout = profile.layout
    # A given day replaces the times of the rows.
    scanned = layout if day is None else replace(layout, time_column=None)
    found = scan_source(source, scanned, threads=threads)
    names = source.names
    result = judge_scan(profile, found, alarm_budget=alarm_budget or AlarmBudget(), day=day)
    known = {column.name for column in layout.columns}
    new = tuple(n for n in names if n not in known and n != layout.time_column)
    return with_past(replace(result, new_columns=new), past)


def judge_scan(
    profile: Profile, found: Scan, *, alarm_budget: AlarmBudget, day: date | None = None
) -> CheckResult:
    """Judge a window that has been scanned, here or in partitions elsewhere."""
    days = found.days if day is None else {(day - _EPOCH).days}
    window = Window(days=tuple(sorted(days)))
    here = [r for r in profile.references if r.column.name in found.summaries]
    gone = [r for r in profile.references if r.column.name not in found.summaries]
    pairs = [Pair.of(r, found.summaries[r.column.name], window) for r in here]
    # Step by step and not column by column: caches hold the code of one step.
    signals = [_signals(pair, alarm_budget, columns=len(here)) for pair in pairs]
    measures = [measures_of(pair.reference, pair.current) for pair in pairs]
    charts = [chart_of(pair.reference.summary, pair.current) for pair in pairs]
    columns = [
        _column(pair, found, alarm_budget, signals=s, measures=m, chart=c)
        for pair, s, m, c in zip(pairs, signals, measures, charts, strict=True)
    ]
    needed = _rows_needed(here, alarm_budget, found.rows)
    verdict = _overall(columns, found.rows, needed, vanished=bool(gone and found.rows))
    if verdict is Verdict.NOT_ENOUGH_DATA:
        columns = [replace(c, verdict=Verdict.NOT_ENOUGH_DATA) for c in columns]
    columns = _with_shares(columns)
    columns.sort(key=lambda c: (c.verdict is not Verdict.DRIFT, -c.ratio, c.name))
    return CheckResult(
        profile_name=profile.name,
        verdict=verdict,
        rows=found.rows,
        reference_rows=profile.rows,
        columns=tuple(columns),
        alarm_budget=alarm_budget,
        day=day or (_EPOCH + timedelta(days=window.days[-1]) if window.days else None),
        ratio=max((c.ratio for c in columns), default=0.0),
        rows_needed=needed,
        vanished_columns=tuple(r.column.name for r in gone) if found.rows else (),
        missing_days=_gaps(window.days),
    )


def _signals(pair: Pair, alarm_budget: AlarmBudget, *, columns: int) -> list[Signal]:
    """Signals of the statistics that are defined for the column; `columns` share the budget."""
    chance = alarm_budget.chance(columns)
    found = (
        one.signal(pair, alarm_budget, chance=chance * one.alarm_share) for one in all_statistics()
    )
    return [signal for signal in found if signal is not None]


def _gaps(days: Sequence[int]) -> tuple[date, ...]:
    if not days:
        return ()
    there = set(days)
    return tuple(_EPOCH + timedelta(days=d) for d in range(days[0], days[-1] + 1) if d not in there)


def _overall(columns: Sequence[ColumnResult], rows: int, needed: int, *, vanished: bool) -> Verdict:
    if rows < needed or not columns:
        return Verdict.NOT_ENOUGH_DATA
    if vanished or any(c.verdict is Verdict.DRIFT for c in columns):
        return Verdict.DRIFT
    blind = sum(c.verdict is Verdict.NOT_ENOUGH_DATA for c in columns)
    return Verdict.NOT_ENOUGH_DATA if 2 * blind > len(columns) else Verdict.NO_DRIFT


def _rows_needed(
    references: Sequence[ColumnReference], alarm_budget: AlarmBudget, rows: int
) -> int:
    """The smallest window that is worth checking, in rows.

    This is the budget's `least_rows` if `rows` reaches it. Otherwise it is doubled until half of
    the columns could show a change of the largest allowed limit; if overdispersion prevents that,
    it stays at `least_rows`.
    """
    if rows >= alarm_budget.least_rows:
        return alarm_budget.least_rows
    wanted = alarm_budget.least_rows
    for _ in range(8):
        seen = [
            smallest_visible(r, alarm_budget, rows=wanted, columns=len(references))
            for r in references
        ]
        limits = [limit for limit in seen if limit is not None]
        if not limits or float(np.median(limits)) <= alarm_budget.largest_limit_sd:
            return wanted
        wanted *= 2
    return alarm_budget.least_rows


def _column(
    pair: Pair,
    found: Scan,
    alarm_budget: AlarmBudget,
    *,
    signals: Sequence[Signal],
    measures: Measures,
    chart: Chart,
) -> ColumnResult:
    column = pair.reference.column
    ratio = max(s.ratio for s in signals)
    return ColumnResult(
        name=column.name,
        kind=column.kind,
        role=column.role,
        verdict=_verdict(signals, ratio, alarm_budget),
        signals=tuple(signals),
        reference=_side(pair.reference.summary),
        current=_side(pair.current),
        ratio=ratio,
        wasserstein=measures.wasserstein,
        kolmogorov_smirnov=measures.kolmogorov_smirnov,
        euclidean=measures.euclidean,
        new_categories=measures.new,
        vanished_categories=measures.gone,
        unreadable=found.unreadable.get(column.name, 0),
        note=note_of(pair.reference),
        chart=chart,
    )


def _verdict(signals: Sequence[Signal], ratio: float, alarm_budget: AlarmBudget) -> Verdict:
    if ratio > 1:
        return Verdict.DRIFT
    # Cohen's w of a shift by k standard deviations is about k, so one bound serves both.
    main = next((s for s in signals if statistic_named(s.statistic).is_effect_size), None)
    if main is not None and main.limit > alarm_budget.largest_limit_sd:
        return Verdict.NOT_ENOUGH_DATA
    return Verdict.NO_DRIFT


def _with_shares(columns: Sequence[ColumnResult]) -> list[ColumnResult]:
    """Add each drifted column's share of the total excess over the limits."""
    excess = [max(c.ratio - 1, 0.0) if c.verdict is Verdict.DRIFT else 0.0 for c in columns]
    total = sum(excess)
    if not total:
        return list(columns)
    return [replace(c, alarm_share=e / total) for c, e in zip(columns, excess, strict=True)]


def _side(summary: Summary) -> Side:
    share = missing_of(summary) / max(summary.rows, 1)
    if isinstance(summary, CategorySummary) or not summary.finite:
        return Side(rows=summary.rows, missing_share=share)
    return Side(
        rows=summary.rows,
        missing_share=share,
        infinite=summary.infinite,
        lowest=summary.lowest,
        highest=summary.highest,
        mean=summary.mean,
        sd=summary.sd,
        quartiles=summary.quantile(0.25, 0.5, 0.75),
    )


def with_past(result: CheckResult, past: Sequence[CheckResult]) -> CheckResult:
    """Add the first day of drift and the ratios by day, from checks with the same profile."""
    earlier = sorted(
        (p for p in past if p.profile_name == result.profile_name and p.day is not None and p.rows),
        key=lambda p: str(p.day),
    )
    if result.day is not None:
        earlier = [p for p in earlier if p.day is not None and p.day < result.day]
    by_name = [(p.day, {c.name: c for c in p.columns}) for p in earlier if p.day is not None]
    columns = []
    for column in result.columns:
        course = [(day, found[column.name]) for day, found in by_name if column.name in found]
        since = result.day if column.verdict is Verdict.DRIFT else None
        for day, c in reversed(course):
            if since is None or c.verdict is not Verdict.DRIFT:
                break
            since = day
        line = tuple((day, c.ratio) for day, c in course)
        if result.day is not None:
            line = (*line, (result.day, column.ratio))
        columns.append(replace(column, since=since, past=line))
    return replace(result, columns=tuple(columns))

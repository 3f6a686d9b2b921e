"""The daily check: one pass over the current window, then a verdict on every column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Final

import numpy as np

from ml.drift.counting.category import CategorySummary
from ml.drift.counting.layout import HistoryKind, Kind, Layout, Summary
from ml.drift.counting.numeric import NumericSummary
from ml.drift.counting.scan import Scan, scan
from ml.drift.counting.units import Days
from ml.drift.profiles.profile import Profile, note_of
from ml.drift.profiles.reference import Reference, missing_of
from ml.drift.readers.opening import open_source
from ml.drift.statistics.distances import Steps, euclidean, kolmogorov_smirnov, wasserstein
from ml.drift.statistics.limits import Budget, Statistic
from ml.drift.verdict.charts import chart_of
from ml.drift.verdict.judging import Signal, Window, signals, smallest_visible
from ml.drift.verdict.result import Chart, CheckResult, FeatureResult, Side, Verdict

_EPOCH: Final = date(1970, 1, 1)


def check(
    profile: Profile,
    data: Any,
    *,
    budget: Budget | None = None,
    day: date | None = None,
    past: Sequence[CheckResult] = (),
    threads: int = 1,
) -> CheckResult:
    """Compare a window of current rows with a profile.

    Args:
        profile: the reference.
        data: a path, a folder, several paths, an Arrow table or a pandas DataFrame.
        budget: what the user accepts and cares about; by default one false alarm a year.
        day: the UTC day of the rows, where no time column says it.
        past: earlier checks against the same profile, for "since when".
        threads: readers.

    Raises:
        DriftInputError: the data cannot be read.
    """
    source = open_source(data)
    layout = profile.layout
    history = HistoryKind.NONE
    if layout.time_column is not None and day is None:
        history = HistoryKind.DAYS
    found = scan(source, _present(layout, history), history=history, threads=threads)
    names = source.names
    result = judge(profile, found, budget=budget or Budget(), day=day)
    known = {column.name for column in layout.columns}
    new = tuple(n for n in names if n not in known and n != layout.time_column)
    return with_past(replace(result, new_columns=new), past)


def _present(layout: Layout, history: HistoryKind) -> Layout:
    return layout if history is HistoryKind.DAYS else replace(layout, time_column=None)


def judge(profile: Profile, found: Scan, *, budget: Budget, day: date | None = None) -> CheckResult:
    """The verdict on a window that is already summarised, here or in partitions elsewhere."""
    window = Window(days=_days_of(found, day))
    here = [r for r in profile.references if r.column.name in found.summaries]
    gone = [r for r in profile.references if r.column.name not in found.summaries]
    pairs = [(r, found.summaries[r.column.name]) for r in here]
    # Step by step, not column by column: the CPU's caches hold one step's code at a time.
    seen = [signals(r, now, budget, window=window, features=len(here)) for r, now in pairs]
    measures = [_measures(r, now) for r, now in pairs]
    charts = [chart_of(r.summary, now) for r, now in pairs]
    features = [
        _feature(*pair, found, budget, seen=s, measures=m, chart=c)
        for pair, s, m, c in zip(pairs, seen, measures, charts, strict=True)
    ]
    needed = _rows_needed(here, budget, found.rows)
    verdict = _overall(features, found.rows, needed, vanished=bool(gone and found.rows))
    if verdict is Verdict.NOT_ENOUGH_DATA:
        features = [replace(f, verdict=Verdict.NOT_ENOUGH_DATA) for f in features]
    features = _with_shares(features)
    features.sort(key=lambda f: (f.verdict is not Verdict.DRIFT, -f.ratio, f.name))
    return CheckResult(
        profile=profile.name,
        verdict=verdict,
        rows=found.rows,
        reference_rows=profile.rows,
        features=tuple(features),
        budget=budget,
        day=day or (_EPOCH + timedelta(days=window.days[-1]) if window.days else None),
        ratio=max((f.ratio for f in features), default=0.0),
        rows_needed=needed,
        vanished_columns=tuple(r.column.name for r in gone) if found.rows else (),
        missing_days=_gaps(window.days),
    )


def _days_of(found: Scan, day: date | None) -> tuple[int, ...]:
    if day is not None:
        return ((day - _EPOCH).days,)
    for summary in found.summaries.values():
        if isinstance(summary.history, Days):
            return tuple(sorted(summary.history.counts))
    return ()


def _gaps(days: Sequence[int]) -> tuple[date, ...]:
    if not days:
        return ()
    there = set(days)
    return tuple(_EPOCH + timedelta(days=d) for d in range(days[0], days[-1] + 1) if d not in there)


def _overall(
    features: Sequence[FeatureResult], rows: int, needed: int, *, vanished: bool
) -> Verdict:
    if rows < needed or not features:
        return Verdict.NOT_ENOUGH_DATA
    if vanished or any(f.verdict is Verdict.DRIFT for f in features):
        return Verdict.DRIFT
    blind = sum(f.verdict is Verdict.NOT_ENOUGH_DATA for f in features)
    return Verdict.NOT_ENOUGH_DATA if 2 * blind > len(features) else Verdict.NO_DRIFT


def _rows_needed(references: Sequence[Reference], budget: Budget, rows: int) -> int:
    """Rows from which a check is worth its name: the least number, or `rows` when that is enough.

    Too few: doubled until most columns could show a change of the largest allowed limit; where
    even many rows cannot, because the past is too restless, the least number is all that is asked.
    """
    if rows >= budget.least_rows:
        return budget.least_rows
    wanted = budget.least_rows
    for _ in range(8):
        seen = [
            smallest_visible(r, budget, rows=wanted, features=len(references)) for r in references
        ]
        limits = [limit for limit in seen if limit is not None]
        if not limits or float(np.median(limits)) <= budget.largest_limit_sd:
            return wanted
        wanted *= 2
    return budget.least_rows


@dataclass(frozen=True, slots=True)
class _Measures:
    """What is told of a column and does not decide."""

    wasserstein: tuple[float, float, float] | None = None
    kolmogorov_smirnov: float | None = None
    euclidean: float | None = None
    new: Mapping[str, int] = field(default_factory=dict)
    gone: tuple[str, ...] = ()


def _measures(reference: Reference, current: Summary) -> _Measures:
    summary = reference.summary
    if isinstance(summary, NumericSummary) and isinstance(current, NumericSummary):
        if summary.finite and current.finite and reference.column.kind is Kind.NUMBER:
            return _of_numbers(summary, current)
        return _Measures()
    if isinstance(summary, NumericSummary) or isinstance(current, NumericSummary):
        return _Measures()
    if summary.is_text or current.is_text:
        return _Measures()
    return _of_categories(summary.by_value(), current.by_value())


def _of_numbers(summary: NumericSummary, current: NumericSummary) -> _Measures:
    steps = Steps.of(summary, current)
    exact = None
    if (sd := summary.sd) > 0:
        area = wasserstein(steps)
        exact = (area.value / sd, area.low / sd, area.high / sd)
    return _Measures(
        wasserstein=exact,
        kolmogorov_smirnov=kolmogorov_smirnov(steps).value,
        euclidean=euclidean(summary.cells, current.cells),
    )


def _of_categories(before: Mapping[str, int], now: Mapping[str, int]) -> _Measures:
    names = sorted({*before, *now})
    counts = [np.array([side.get(v, 0) for v in names]) for side in (before, now)]
    return _Measures(
        euclidean=euclidean(*counts),
        new={v: c for v, c in sorted(now.items(), key=lambda i: -i[1]) if v not in before},
        gone=tuple(sorted(v for v in before if v not in now)) if now else (),
    )


def _feature(
    reference: Reference,
    current: Summary,
    found: Scan,
    budget: Budget,
    *,
    seen: Sequence[Signal],
    measures: _Measures,
    chart: Chart,
) -> FeatureResult:
    name = reference.column.name
    ratio = max(s.ratio for s in seen)
    return FeatureResult(
        name=name,
        kind=reference.column.kind,
        role=reference.column.role,
        verdict=_verdict(seen, ratio, budget),
        signals=tuple(seen),
        reference=_side(reference.summary),
        current=_side(current),
        ratio=ratio,
        wasserstein=measures.wasserstein,
        kolmogorov_smirnov=measures.kolmogorov_smirnov,
        euclidean=measures.euclidean,
        new_categories=measures.new,
        vanished_categories=measures.gone,
        unreadable=found.unreadable.get(name, 0),
        note=note_of(reference),
        chart=chart,
    )


def _verdict(seen: Sequence[Signal], ratio: float, budget: Budget) -> Verdict:
    if ratio > 1:
        return Verdict.DRIFT
    # Cohen's w of a shift by k spreads is about k, so one bound serves both.
    main = next((s for s in seen if s.statistic in {Statistic.DISTANCE, Statistic.SHARES}), None)
    if main is not None and main.limit > budget.largest_limit_sd:
        return Verdict.NOT_ENOUGH_DATA
    return Verdict.NO_DRIFT


def _with_shares(features: Sequence[FeatureResult]) -> list[FeatureResult]:
    """Each drifted column's part of the whole excess over the limits."""
    excess = [max(f.ratio - 1, 0.0) if f.verdict is Verdict.DRIFT else 0.0 for f in features]
    total = sum(excess)
    if not total:
        return list(features)
    return [replace(f, alarm_share=e / total) for f, e in zip(features, excess, strict=True)]


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
    """Add "since when" and the course over days; checks against another profile do not count."""
    earlier = sorted(
        (p for p in past if p.profile == result.profile and p.day is not None and p.rows),
        key=lambda p: str(p.day),
    )
    if result.day is not None:
        earlier = [p for p in earlier if p.day is not None and p.day < result.day]
    features = []
    for feature in result.features:
        course = [
            (p.day, f)
            for p in earlier
            for f in p.features
            if f.name == feature.name and p.day is not None
        ]
        since = result.day if feature.verdict is Verdict.DRIFT else None
        for day, f in reversed(course):
            if since is None or f.verdict is not Verdict.DRIFT:
                break
            since = day
        line = tuple((day, f.ratio) for day, f in course)
        if result.day is not None:
            line = (*line, (result.day, feature.ratio))
        features.append(replace(feature, since=since, past=line))
    return replace(result, features=tuple(features))

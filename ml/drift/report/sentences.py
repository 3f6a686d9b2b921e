"""The words for a verdict: the same in report, command line, alert and page."""

import math
from collections.abc import Sequence
from datetime import date
from typing import Final

from ml.drift.counting.layout import Kind
from ml.drift.statistics.limits import Statistic
from ml.drift.verdict.judging import Signal
from ml.drift.verdict.result import CheckResult, FeatureResult, Verdict
from ml.presentation.figures import day_ranges, day_text, listed, percent, shortened

_MOST_NAMED: Final = 3
LONGEST_NAME: Final = 60
SIGNS: Final = {Verdict.DRIFT: "◆", Verdict.NO_DRIFT: "✓", Verdict.NOT_ENOUGH_DATA: "?"}


def headline(result: CheckResult) -> str:
    """The verdict in one sentence."""
    count = len(result.features) + len(result.vanished_columns)
    if result.verdict is Verdict.DRIFT:
        changed = len(result.drifted) + len(result.vanished_columns)
        return f"Drift: {changed} of {_columns(count)} changed"
    if result.verdict is Verdict.NO_DRIFT:
        largest = _largest(result)
        return f"No drift in {_columns(count)}.{' ' + largest if largest else ''}"
    if result.rows < result.rows_needed:
        arrived = "1 row" if result.rows == 1 else f"{result.rows:,} rows"
        return f"Not enough data: {arrived} arrived, at least {result.rows_needed:,} are needed."
    return (
        "Not enough data: the reference is so restless from day to day that no change below "
        f"{result.budget.largest_limit_sd:g} sd could be told from it. Compare longer windows."
    )


def details(result: CheckResult) -> list[str]:
    """What a person asks next: what moved, since when, how sure, what to know beside; sentences."""
    return [*findings(result), *remarks(result)]


def findings(result: CheckResult) -> list[str]:
    """What moved, since when, how often that would be chance; nothing where nothing drifted."""
    if result.verdict is not Verdict.DRIFT:
        return []
    lines = []
    named = result.drifted[:_MOST_NAMED]
    more = len(result.drifted) - len(named)
    if named:
        text = "; ".join(moved(feature) for feature in named)
        lines.append(text + (f"; and {more} more." if more else "."))
    gone = result.vanished_columns
    if len(gone) == 1:
        lines.append(f"Column {shortened(gone[0], LONGEST_NAME)} is gone: counted as drift.")
    elif gone:
        lines.append(f"Columns {_names(gone)} are gone: counted as drift.")
    since = min((f.since for f in result.drifted if f.since is not None), default=None)
    if since is not None and result.day is not None and since < result.day:
        lines.append(
            f"First above the limit on {day_text(since)}, {days_before(since, result.day)}."
        )
    return [*lines, _by_chance(result)]


def remarks(result: CheckResult) -> list[str]:
    """What a person should know beside the verdict: days, columns and values left out."""
    lines = []
    if result.new_columns:
        lines.append(f"New columns, not compared: {_names(result.new_columns)}.")
    if result.missing_days:
        lines.append(f"No row came from {day_ranges(result.missing_days)}.")
    lines += [f"{f.note.rstrip('.')}." for f in result.features if f.note]
    lines += [
        f"{shortened(f.name, LONGEST_NAME)}: {f.unreadable:,} values are no numbers, "
        "counted as missing."
        for f in result.features
        if f.unreadable
    ]
    return lines


def moved(feature: FeatureResult) -> str:
    """What its leading signal says of a column, with value and limit."""
    signal = feature.leading
    if signal is None:
        return f"{shortened(feature.name, LONGEST_NAME)} was not compared"
    return f"{shortened(feature.name, LONGEST_NAME)} {change(feature, signal)}"


def change(feature: FeatureResult, signal: Signal) -> str:
    """What one signal says of a column, as the rest of a sentence that begins with its name."""
    value, limit = figure(signal), figure(signal, limit=True)
    if signal.statistic is Statistic.DISTANCE:
        return f"moved by {value} (limit {limit})"
    if signal.statistic is Statistic.MISSING:
        before, now = feature.reference.missing_share, feature.current.missing_share
        return (
            f"is missing in {percent(now)} of the rows, {percent(before)} before "
            f"(limit {limit} change)"
        )
    if signal.statistic is Statistic.UNSEEN:
        if feature.kind is Kind.CATEGORY:
            return f"has new categories in {value} of the rows (limit {limit})"
        return f"was constant and now differs in {value} of the rows (limit {limit})"
    if feature.kind is Kind.CATEGORY:
        return f"changed the shares of its categories by {value} (limit {limit})"
    return f"changed its shape by {value} (limit {limit})"


def figure(signal: Signal, *, limit: bool = False) -> str:
    """A value or limit with its unit, three figures."""
    value = signal.limit if limit else signal.value
    if not math.isfinite(value):
        return "none"  # so calm that chance explains any change of the size seen
    if signal.statistic is Statistic.DISTANCE:
        return f"{value:.2f} sd" if value < 100 else f"{value:.3g} sd"  # noqa: PLR2004 - figures
    if signal.statistic is Statistic.SHARES:
        return f"w = {value:.2f}"
    return percent(value)


def window_text(result: CheckResult) -> str:
    """What was compared with what."""
    when = f" of {day_text(result.day)}" if result.day is not None else ""
    return f"{result.reference_rows:,} reference rows with {result.rows:,} rows{when}"


def _largest(result: CheckResult) -> str:
    """The change nearest to its limit."""
    feature = max(result.features, key=lambda f: f.ratio, default=None)
    if feature is None or feature.leading is None or feature.ratio <= 0:
        return ""
    signal = feature.leading
    return (
        f"Nearest to its limit: {shortened(feature.name, LONGEST_NAME)}, {figure(signal)}, "
        f"limit {figure(signal, limit=True)}."
    )


def _by_chance(result: CheckResult) -> str:
    times = result.budget.false_alarms_per_year
    often = "once a year" if times == 1 else f"{times:g} times a year"
    return f"Without a change, a daily check alarms at most {often}."


def _names(columns: Sequence[str]) -> str:
    return listed([shortened(name, LONGEST_NAME) for name in columns])


def _columns(count: int) -> str:
    return "1 column" if count == 1 else f"{count} columns"


def days_before(since: date, day: date) -> str:
    """As 4 days before."""
    days = (day - since).days
    return "1 day before" if days == 1 else f"{days} days before"


def lines(result: CheckResult) -> Sequence[str]:
    """Everything, as the command line prints it."""
    return [f"{SIGNS[result.verdict]} {headline(result)}", *details(result)]

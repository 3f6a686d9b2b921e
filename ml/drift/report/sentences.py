"""Sentences about a result, shared by report, command line, alert and page."""

import math
from collections.abc import Sequence
from datetime import date
from typing import Final

from ml.drift.result import CheckResult, ColumnResult, Kind, Signal, Verdict
from ml.drift.statistics.registry import statistic_named
from ml.presentation.figures import day_ranges, day_text, listed, shortened

_MOST_NAMED: Final = 3
LONGEST_NAME: Final = 60
SIGNS: Final = {Verdict.DRIFT: "◆", Verdict.NO_DRIFT: "✓", Verdict.NOT_ENOUGH_DATA: "?"}


def headline(result: CheckResult) -> str:
    """The verdict in one sentence."""
    count = len(result.columns) + len(result.vanished_columns)
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
        "Not enough data: the reference varies so much from day to day that no change below "
        f"{result.alarm_budget.largest_limit_sd:g} sd could be seen. Compare "
        "longer windows."
    )


def details(result: CheckResult) -> list[str]:
    """Sentences below the headline: what changed, since when, how sure, and remarks."""
    return [*findings(result), *remarks(result)]


def findings(result: CheckResult) -> list[str]:
    """What changed, since when, and how likely it is by chance; empty without drift."""
    if result.verdict is not Verdict.DRIFT:
        return []
    lines = []
    named = result.drifted[:_MOST_NAMED]
    more = len(result.drifted) - len(named)
    if named:
        text = "; ".join(moved(column) for column in named)
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
    """Remarks on the verdict: days, columns and values that were left out."""
    lines = []
    if result.new_columns:
        lines.append(f"New columns, not compared: {_names(result.new_columns)}.")
    if result.missing_days:
        lines.append(f"No row came from {day_ranges(result.missing_days)}.")
    lines += [f"{f.note.rstrip('.')}." for f in result.columns if f.note]
    lines += [
        f"{shortened(f.name, LONGEST_NAME)}: {f.unreadable:,} values "
        f"{'are not numbers' if f.kind is Kind.NUMBER else 'cannot be read'}, counted as missing."
        for f in result.columns
        if f.unreadable
    ]
    return lines


def moved(column: ColumnResult) -> str:
    """The leading signal of a column in words, with value and limit."""
    signal, name = column.leading, shortened(column.name, LONGEST_NAME)
    return f"{name} was not compared" if signal is None else f"{name} {change(column, signal)}"


def change(column: ColumnResult, signal: Signal) -> str:
    """One signal in words, as the rest of a sentence that begins with the column's name."""
    statistic = statistic_named(signal.statistic)
    return statistic.change(column, value_of(signal), limit_of(signal))


def value_of(signal: Signal) -> str:
    """The value with its unit, to three figures."""
    return _figure(signal.statistic, signal.value)


def limit_of(signal: Signal) -> str:
    """The limit with its unit, to three figures."""
    return _figure(signal.statistic, signal.limit)


def _figure(statistic: str, value: float) -> str:
    if not math.isfinite(value):
        return "none"  # chance explains any change of that size
    return statistic_named(statistic).figure(value)


def window_text(result: CheckResult) -> str:
    """What was compared with what."""
    when = f" of {day_text(result.day)}" if result.day is not None else ""
    return f"{result.reference_rows:,} reference rows with {result.rows:,} rows{when}"


def _largest(result: CheckResult) -> str:
    """The change nearest to its limit."""
    column = max(result.columns, key=lambda c: c.ratio, default=None)
    if column is None or column.leading is None or column.ratio <= 0:
        return ""
    return (
        f"Nearest to its limit: {shortened(column.name, LONGEST_NAME)}, "
        f"{value_of(column.leading)}, limit {limit_of(column.leading)}."
    )


def _by_chance(result: CheckResult) -> str:
    times = result.alarm_budget.false_alarms_per_year
    often = "once a year" if times == 1 else f"{times:g} times a year"
    return f"Without a change, a daily check alarms at most {often}."


def _names(columns: Sequence[str]) -> str:
    return listed([shortened(name, LONGEST_NAME) for name in columns])


def _columns(count: int) -> str:
    return "1 column" if count == 1 else f"{count} columns"


def days_before(since: date, day: date) -> str:
    """How long `since` was before `day`, such as "4 days before"."""
    days = (day - since).days
    return "1 day before" if days == 1 else f"{days} days before"


def lines(result: CheckResult) -> Sequence[str]:
    """All sentences, as the command line prints them."""
    return [f"{SIGNS[result.verdict]} {headline(result)}", *details(result)]

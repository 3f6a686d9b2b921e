"""Numbers and days as text, the same in sentences, tables and charts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

_LARGE: Final = 1e7
_GROUPED: Final = 9_999.5
_WHOLE: Final = 99.95  # rounds to 100
_SMALLEST_SHARE: Final = 1e-4


def number(value: float) -> str:
    """A number to three figures, whole above 100, with a real minus sign."""
    size = abs(value)
    text = whole(size) if _WHOLE <= size < _LARGE else f"{size:.3g}"
    return f"\u2212{text}" if value < 0 and text != "0" else text


def whole(value: float) -> str:
    """A whole number; thousands separators from five digits on, so that 1969 stays a year."""
    return f"{value:,.0f}" if value >= _GROUPED else f"{value:.0f}"


def percent(share: float) -> str:
    """A share (0-1) as percent, to three figures."""
    if 0 < share < _SMALLEST_SHARE:
        return "under 0.01 %"
    return f"{100 * share:.3g} %"


def day_text(day: date) -> str:
    """A day such as 14 Mar 2026."""
    return f"{day.day} {day:%b %Y}"


def short_day(day: date) -> str:
    """A day such as 14 Mar, for places that show the year elsewhere."""
    return f"{day.day} {day:%b}"


def day_ranges(days: Sequence[date]) -> str:
    """Ascending days as ranges: 3 Mar 2026, 7 Mar 2026 to 9 Mar 2026."""
    runs: list[list[date]] = []
    for day in days:
        if runs and day - runs[-1][-1] == timedelta(days=1):
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(
        day_text(run[0]) if len(run) == 1 else f"{day_text(run[0])} to {day_text(run[-1])}"
        for run in runs
    )


def shortened(name: str, most: int) -> str:
    """A name cut to `most` characters, with an ellipsis if it was longer."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def listed(names: Sequence[str], most: int = 8) -> str:
    """Names as a list: a, b and 3 more."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown

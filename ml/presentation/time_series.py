"""Numbers in, SVG text out: values by day against their limit.

Days are placed by date; the line is broken where a day is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ml.presentation import drawing
from ml.presentation.drawing import BASE, LEFT, RIGHT, TOP, Axis
from ml.presentation.figures import number, short_day

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

_SMALL: Final = (90, 22)


def line(days: Sequence[date], values: Sequence[float], *, limit: float, finding: str) -> str:
    """A value by day with its limit dashed; diamonds where it is above the limit.

    Args:
        days: ascending, at least one.
        values: >= 0, one a day; the axis starts at 0.
        limit: same unit.
        finding: what the chart shows, in words, for people who cannot see it.
    """
    highest = max(*values, limit) * 1.05
    across, up = _calendar(days, LEFT + 5, RIGHT - 5), Axis(0.0, highest, BASE, TOP)
    at = [(across.at(d.toordinal()), up.at(v)) for d, v in zip(days, values, strict=True)]
    over = [place for place, value in zip(at, values, strict=True) if value > limit]
    labels = [(up.at(limit), "limit"), (BASE, "0")]
    if over:
        labels.append((up.at(max(values)), f"{_times(max(values) / limit)}\u00d7"))
    return drawing.svg(
        drawing.WIDTH,
        drawing.HEIGHT,
        finding,
        drawing.path("limit", f"M{LEFT} {up.at(limit)}H{RIGHT}"),
        drawing.path("current", _broken(days, at)),
        drawing.path("alarm", _diamonds(over)) if over else "",
        _days_axis(days),
        drawing.side_labels(labels),
    )


def intervals(
    days: Sequence[date],
    values: Sequence[tuple[float, float, float]],
    *,
    limit: tuple[float, bool] | None,
    finding: str,
) -> str:
    """Values with their intervals by day; diamonds where a whole interval is beyond the limit.

    Args:
        days: ascending, at least one.
        values: (low, value, high), one a day.
        limit: its value, and whether lower values are better; None if there is no limit.
        finding: as in `line`.
    """
    ends = [end for low, _, high in values for end in (low, high)]
    ends += [] if limit is None else [limit[0]]
    low, high = min(ends), max(ends)
    room = (high - low or abs(high) or 1.0) * 0.05
    across, up = _calendar(days, LEFT + 5, RIGHT - 5), Axis(low - room, high + room, BASE, TOP)
    xs = [across.at(day.toordinal()) for day in days]
    whiskers = "".join(
        f"M{x} {up.at(bottom)}V{up.at(top)}" for x, (bottom, _, top) in zip(xs, values, strict=True)
    )
    at = [(x, up.at(value)) for x, (_, value, _) in zip(xs, values, strict=True)]
    over = [
        place
        for place, value in zip(at, values, strict=True)
        if limit is not None and beyond(value, limit)
    ]
    labels = [(up.at(low), number(low)), (up.at(high), number(high))]
    if limit is not None:
        labels.insert(0, (up.at(limit[0]), "limit"))
    return drawing.svg(
        drawing.WIDTH,
        drawing.HEIGHT,
        finding,
        drawing.path("limit", f"M{LEFT} {up.at(limit[0])}H{RIGHT}") if limit is not None else "",
        drawing.path("whiskers", whiskers),
        drawing.path("current", _broken(days, at)),
        drawing.path("alarm", _diamonds(over)) if over else "",
        _days_axis(days),
        drawing.side_labels(labels),
    )


def beyond(value: tuple[float, float, float], limit: tuple[float, bool]) -> bool:
    """Whether a whole interval (low, value, high) is worse than a limit."""
    at, lower_is_better = limit
    return value[0] > at if lower_is_better else value[2] < at


def small_line(days: Sequence[date], values: Sequence[float], *, limit: float, finding: str) -> str:
    """The same as `line`, small enough for a table row."""
    width, height = _SMALL
    across, up = _calendar(days, 2, width - 2), Axis(0.0, max(*values, limit) * 1.1, height - 1, 1)
    at = [(across.at(d.toordinal()), up.at(v)) for d, v in zip(days, values, strict=True)]
    return drawing.svg(
        width,
        height,
        finding,
        drawing.path("limit", f"M0 {up.at(limit)}h{width}"),
        drawing.path("current", _broken(days, at)),
    )


def _calendar(days: Sequence[date], start: int, end: int) -> Axis:
    first, last = days[0].toordinal(), days[-1].toordinal()
    # A single day is at the right end, where the newest day always is.
    return Axis(first if last > first else last - 1, last, start, end)


def _broken(days: Sequence[date], at: Sequence[tuple[int, int]]) -> str:
    """A line through consecutive days."""
    runs: list[list[tuple[int, int]]] = []
    before = None
    for day, place in zip(days, at, strict=True):
        if before is not None and (day - before).days == 1:
            runs[-1].append(place)
        else:
            runs.append([place])
        before = day
    return "".join(drawing.line(run) for run in runs)


def _diamonds(places: Sequence[tuple[int, int]]) -> str:
    return "".join(f"M{x} {y - 5}l5 5-5 5-5-5z" for x, y in places)


def _days_axis(days: Sequence[date]) -> str:
    first = drawing.text(LEFT, BASE + 16, short_day(days[0])) if days[-1] > days[0] else ""
    last = drawing.text(RIGHT, BASE + 16, short_day(days[-1]), anchor="e")
    return drawing.path("axis", f"M{LEFT} {BASE}H{RIGHT}") + first + last


def _times(ratio: float) -> str:
    return f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}"  # noqa: PLR2004 - two figures

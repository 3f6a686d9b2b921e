"""Numbers in, SVG text out: the one chart module of reports and pages.

No state, no style attributes: colours are classes that `page.document` defines for light and dark.
Every chart says its finding in `aria-label`. Widths are in CSS pixels and fixed, so that labels
stay readable on a phone, where the chart scrolls in its box.
"""

from __future__ import annotations

from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDTH, _HEIGHT, _MARGIN = 320, 90, 16


def overlaid(
    edges: Sequence[float],
    reference: Sequence[float],
    current: Sequence[float],
    *,
    finding: str,
) -> str:
    """Two histograms over shared axes: the reference filled, the current one a line.

    Args:
        edges: ascending, one more than bars; unit of the feature.
        reference: height of each bar, a share or density; >= 0.
        current: the same for the current window.
        finding: what the chart shows, in words, for those who do not see it.
    """
    highest = max(*reference, *current) or 1.0
    low, high = edges[0], edges[-1]
    span = (high - low) or 1.0
    xs = [_MARGIN + (edge - low) / span * (_WIDTH - 2 * _MARGIN) for edge in edges]

    def outline(heights: Sequence[float]) -> str:
        base = _HEIGHT - _MARGIN
        tops = [base - height / highest * (base - 6) for height in heights]
        steps = "".join(
            f"L{left:.1f} {top:.1f}L{right:.1f} {top:.1f}"
            for (left, right), top in zip(pairwise(xs), tops, strict=True)
        )
        return f"M{xs[0]:.1f} {base:.1f}{steps}L{xs[-1]:.1f} {base:.1f}"

    return (
        f"{_open(_WIDTH, _HEIGHT, finding)}"
        f'<path class="reference" d="{outline(reference)}Z"/>'
        f'<path class="current" d="{outline(current)}"/>'
        f"{_label(xs[0], number(low), 'start')}{_label(xs[-1], number(high), 'end')}</svg>"
    )


def bars(
    names: Sequence[str], reference: Sequence[float], current: Sequence[float], *, finding: str
) -> str:
    """Shares of categories: a grey bar for the reference, a blue line across it for now.

    Args:
        names: labels, in the order drawn.
        reference: shares 0-1, one a name.
        current: the same for the current window.
        finding: as in `overlaid`.
    """
    row, left = 18, 120
    height = row * len(names) + 6
    highest = max(*reference, *current) or 1.0
    room = _WIDTH - left - _MARGIN
    parts = [_open(_WIDTH, height, finding)]
    for place, (name, before, now) in enumerate(zip(names, reference, current, strict=True)):
        top = place * row + 3
        shown = name if len(name) <= 16 else f"{name[:15]}…"  # noqa: PLR2004 - what fits
        parts.append(
            f'<text x="{left - 6}" y="{top + 12}" text-anchor="end">{escape(shown)}</text>'
            f'<rect class="reference" x="{left}" y="{top}" height="{row - 4}" '
            f'width="{before / highest * room:.1f}"/>'
            f'<line class="current" y1="{top - 1}" y2="{top + row - 3}" '
            f'x1="{left + now / highest * room:.1f}" x2="{left + now / highest * room:.1f}"/>'
        )
    return "".join([*parts, "</svg>"])


def interval(low: float, value: float, high: float, *, span: float, finding: str) -> str:
    """A difference with its interval, drawn over a line at zero.

    Args:
        low: lower end of the interval, unit of the metric.
        value: the difference itself.
        high: upper end.
        span: the axis goes from -span to +span, > 0.
        finding: as in `overlaid`.
    """
    width, height, middle = 160, 24, 12

    def x(at: float) -> float:
        inside = max(-span, min(span, at))
        return width / 2 + inside / span * (width / 2 - 6)

    return (
        f"{_open(width, height, finding)}"
        f'<line class="axis" x1="{x(0):.1f}" x2="{x(0):.1f}" y1="2" y2="{height - 2}"/>'
        f'<line class="current" x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{middle}" y2="{middle}"/>'
        f'<circle class="mark" cx="{x(value):.1f}" cy="{middle}" r="4"/></svg>'
    )


def number(value: float) -> str:
    """Three figures, as people read them."""
    return f"{value:.3g}" if abs(value) < 1e5 else f"{value:.2e}"  # noqa: PLR2004 - five digits


def _open(width: int, height: int, finding: str) -> str:
    return (
        f'<svg role="img" aria-label="{escape(finding, quote=True)}" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}">'
    )


def _label(x: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{_HEIGHT - 3}" text-anchor="{anchor}">{escape(text)}</text>'


def cdfs(
    edges: Sequence[float],
    reference: Sequence[float],
    current: Sequence[float],
    *,
    finding: str,
) -> str:
    """Two cumulative curves with the area between them filled: that area is the distance.

    Args:
        edges: ascending; unit of the feature.
        reference: share of the rows below each edge, 0-1, one an edge.
        current: the same for the current window.
        finding: as in `overlaid`.
    """
    low, span = edges[0], (edges[-1] - edges[0]) or 1.0
    base = _HEIGHT - _MARGIN
    xs = [_MARGIN + (edge - low) / span * (_WIDTH - 2 * _MARGIN) for edge in edges]

    def points(shares: Sequence[float]) -> list[str]:
        return [
            f"{x:.1f} {base - share * (base - 6):.1f}" for x, share in zip(xs, shares, strict=True)
        ]

    there, back = points(reference), points(current)
    return (
        f"{_open(_WIDTH, _HEIGHT, finding)}"
        f'<path class="between" d="M{"L".join([*there, *reversed(back)])}Z"/>'
        f'<path class="before" d="M{"L".join(there)}"/>'
        f'<path class="current" d="M{"L".join(back)}"/>'
        f"{_label(xs[0], number(low), 'start')}{_label(xs[-1], number(edges[-1]), 'end')}</svg>"
    )


def course(values: Sequence[float], *, limit: float, names: tuple[str, str], finding: str) -> str:
    """Values over days against their limit; a diamond where they lie above it.

    Args:
        values: oldest first, >= 0; the axis starts at 0.
        limit: drawn dashed across.
        names: what stands under the first and the last value.
        finding: as in `overlaid`.
    """
    highest = max(*values, limit, 0.0) * 1.1 or 1.0
    base = _HEIGHT - _MARGIN
    room = _WIDTH - 2 * _MARGIN
    step = room / max(len(values) - 1, 1)
    at = [(_MARGIN + i * step, base - v / highest * (base - 6)) for i, v in enumerate(values)]
    across = base - limit / highest * (base - 6)
    # The label stands over the quieter end, so that it never hides the data.
    left_is_quiet = sum(values[: len(values) // 2]) <= sum(values[-(len(values) // 2) :])
    x, anchor = (_MARGIN, "start") if left_is_quiet else (_WIDTH - _MARGIN, "end")
    marks = "".join(
        f'<path class="alarm" d="M{px:.1f} {py - 5:.1f}l5 5l-5 5l-5 -5Z"/>'
        for (px, py), v in zip(at, values, strict=True)
        if v > limit
    )
    line = "L".join(f"{px:.1f} {py:.1f}" for px, py in at)
    return (
        f"{_open(_WIDTH, _HEIGHT, finding)}"
        f'<path class="limit" d="M{_MARGIN} {across:.1f}H{_WIDTH - _MARGIN}"/>'
        f'<path class="current" d="M{line}"/>{marks}'
        f'<text x="{x}" y="{max(across - 3, 10):.1f}" text-anchor="{anchor}">limit</text>'
        f"{_label(_MARGIN, names[0], 'start')}{_label(_WIDTH - _MARGIN, names[1], 'end')}</svg>"
    )


def small(reference: Sequence[float], current: Sequence[float], *, finding: str) -> str:
    """The outlines of two histograms over one axis, small enough for a table row."""
    width, height = 96, 22
    highest = max(*reference, *current) or 1.0
    step = width / len(reference)

    def outline(heights: Sequence[float]) -> str:
        tops = (height - h / highest * (height - 2) for h in heights)
        return "".join(f"V{top:.0f}h{step:.1f}" for top in tops)

    return (
        f"{_open(width, height, finding)}"
        f'<path class="reference" d="M0 {height}{outline(reference)}V{height}Z"/>'
        f'<path class="current" d="M0 {height}{outline(current)}"/></svg>'
    )

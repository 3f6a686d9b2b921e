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

"""Numbers in, SVG text out: distributions of reference and current rows on shared axes.

Every chart states its finding in `aria-label`. The reference is a grey fill, the current side a
blue outline: they differ in form too, not in colour alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ml.presentation import drawing
from ml.presentation.drawing import BASE, LEFT, RIGHT, TOP, Axis
from ml.presentation.figures import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROW: Final = 22
_BAR: Final = 14
_NAME_END: Final = 106
_BAR_END: Final = 212
_SMALL: Final = (90, 22)
_WHOLE: Final = 0.995  # a smaller rest is not drawn as "all others"


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
        reference: share of the rows in each bar, >= 0.
        current: the same for the current window.
        finding: what the chart shows, in words, for people who cannot see it.
    """
    highest = max(*reference, *current) or 1.0
    across = Axis(edges[0], edges[-1], LEFT, RIGHT)
    xs = [across.at(edge) for edge in edges]
    return drawing.svg(
        drawing.WIDTH,
        drawing.HEIGHT,
        finding,
        drawing.path(
            "reference", drawing.steps(xs, _heights(reference, highest, BASE - TOP), BASE)
        ),
        drawing.path("current", drawing.steps(xs, _heights(current, highest, BASE - TOP), BASE)),
        drawing.value_axis(across),
        drawing.side_labels([(TOP, percent(float(f"{highest:.2g}"))), (BASE, "0")]),
    )


def cdfs(
    edges: Sequence[float],
    reference: Sequence[float],
    current: Sequence[float],
    *,
    finding: str,
) -> str:
    """Two cumulative curves; the filled area between them is the distance.

    Args:
        edges: ascending; unit of the feature.
        reference: share of the rows below each edge, 0-1, one an edge.
        current: the same for the current window.
        finding: as in `overlaid`.
    """
    across, up = Axis(edges[0], edges[-1], LEFT, RIGHT), Axis(0.0, 1.0, BASE, TOP)
    sides = [
        [(across.at(edge), up.at(share)) for edge, share in zip(edges, shares, strict=True)]
        for shares in (reference, current)
    ]
    return drawing.svg(
        drawing.WIDTH,
        drawing.HEIGHT,
        finding,
        drawing.path("between", f"{drawing.line([*sides[0], *reversed(sides[1])])}z"),
        drawing.path("before", drawing.line(sides[0])),
        drawing.path("current", drawing.line(sides[1])),
        drawing.value_axis(across),
        drawing.side_labels([(TOP, "100 %"), (BASE, "0")]),
    )


def bars(
    names: Sequence[str], reference: Sequence[float], current: Sequence[float], *, finding: str
) -> str:
    """Shares of categories: a grey bar for the reference, a blue outline over it for now.

    The rows of other categories are drawn as "all others".

    Args:
        names: labels, in the order drawn.
        reference: shares 0-1, one a name.
        current: the same for the current window.
        finding: as in `overlaid`.
    """
    rows = list(zip(names, reference, current, strict=True))
    rest = [max(1 - sum(side), 0.0) if any(side) else 0.0 for side in (reference, current)]
    if max(rest) > 1 - _WHOLE:
        rows.append(("all others", rest[0], rest[1]))
    highest = max(max(before, now) for _, before, now in rows) or 1.0
    across = Axis(0.0, highest, _NAME_END, _BAR_END)
    parts = []
    for place, (name, before, now) in enumerate(rows):
        top = place * _ROW + 4
        ends = [max(across.at(share) - _NAME_END, int(share > 0)) for share in (before, now)]
        shapes = [f"M{_NAME_END} {top}h{end}v{_BAR}h-{end}z" for end in ends]
        parts += [
            drawing.text(_NAME_END - 6, top + 11, drawing.cut(name, _NAME_END - 6), anchor="e"),
            drawing.path("reference", shapes[0]),
            drawing.path("current", shapes[1]) if now else "",
            drawing.text(_BAR_END + 6, top + 11, _pair(before, now)),
        ]
    return drawing.svg(drawing.WIDTH, _ROW * len(rows) + 4, finding, *parts)


def small(reference: Sequence[float], current: Sequence[float], *, finding: str) -> str:
    """The same as `overlaid`, small enough for a table row."""
    width, height = _SMALL
    highest = max(*reference, *current) or 1.0
    xs = [round(width * place / len(reference)) for place in range(len(reference) + 1)]
    shapes = [
        drawing.steps(xs, _heights(side, highest, height - 2), height)
        for side in (reference, current)
    ]
    return drawing.svg(
        width,
        height,
        finding,
        drawing.path("reference", shapes[0]),
        drawing.path("current", shapes[1]),
    )


def difference(value: float, *, span: float, finding: str) -> str:
    """A value as a bar to the right (better) or left (worse) of zero.

    Args:
        value: > 0 is better.
        span: the axis goes from -span to +span, > 0.
        finding: as in `overlaid`.
    """
    width, height, middle = 120, 22, 11
    across = Axis(-span, span, 6, width - 6)
    x, zero = across.at(value), across.at(0.0)
    return drawing.svg(
        width,
        height,
        finding,
        drawing.path("axis", f"M{zero} 2V{height - 2}M6 {middle}H{width - 6}"),
        drawing.path("current", f"M{zero} {middle}H{x}"),
        f'<circle class="mark" cx="{x}" cy="{middle}" r="4"/>',
    )


def _heights(shares: Sequence[float], highest: float, room: int) -> list[int]:
    """Heights in pixels; at least one for a share above 0."""
    return [max(round(share / highest * room), int(share > 0)) for share in shares]


def _pair(before: float, now: float) -> str:
    digits = 0 if max(before, now) >= 0.1 else 1  # noqa: PLR2004 - 10 %
    word = " new" if not before else " gone" if not now else ""
    shares = (f"{100 * share:.{digits}f}" if share else "0" for share in (before, now))
    return f"{' → '.join(shares)} %{word}"

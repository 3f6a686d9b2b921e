import re
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ml.presentation import charts, drawing, time_series
from ml.presentation.drawing import Axis

DAY = date(2026, 3, 1)
SHARES = st.lists(st.floats(0, 1), min_size=36, max_size=36)


def _walk(commands):
    """Points of a path of M, l, h and v commands, relative ones added up; a closing z adds none."""
    x = y = 0
    points = []
    for letter, numbers in re.findall(r"([Mlhv])([^Mlhvz]*)", commands):
        values = [int(n) for n in re.findall(r"-?\d+", numbers)]
        if letter == "M":
            x, y = values[:2]
        elif letter == "h":
            x += values[0]
        elif letter == "v":
            y += values[0]
        elif letter == "l":
            for dx, dy in zip(values[::2], values[1::2], strict=True):
                x, y = x + dx, y + dy
                points.append((x, y))
            continue
        points.append((x, y))
    return points


def _path(svg, kind):
    return re.search(rf'<path class={kind} d="([^"]*)"', svg)[1]


@given(SHARES, SHARES)
def test_histograms_end_on_the_axis_and_stay_inside_their_frame(reference, current):
    edges = [float(k) for k in range(37)]

    svg = charts.overlaid(edges, reference, current, finding="moved")

    for kind in ("reference", "current"):
        points = _walk(_path(svg, kind))
        assert points[0] == (drawing.LEFT, drawing.BASE)
        assert points[-1] == (drawing.RIGHT, drawing.BASE)
        assert all(drawing.TOP <= y <= drawing.BASE for _, y in points)


def test_reference_and_current_share_their_axes():
    svg = charts.overlaid([0, 1, 2], [0.5, 0.5], [1.0, 0.0], finding="moved")

    heights = {
        kind: drawing.BASE - min(y for _, y in _walk(_path(svg, kind)))
        for kind in ("reference", "current")
    }
    assert heights["reference"] * 2 == heights["current"] == drawing.BASE - drawing.TOP


def test_bar_of_less_than_a_pixel_is_drawn_as_one_pixel():
    svg = charts.overlaid([0, 1, 2], [1.0, 0.0], [0.9999, 0.0001], finding="moved")

    assert (drawing.RIGHT, drawing.BASE - 1) in _walk(_path(svg, "current"))


def test_area_between_equal_curves_is_empty():
    shares = [k / 36 for k in range(37)]

    points = _walk(
        _path(charts.cdfs([*range(37)], shares, shares, finding="area between"), "between")
    )

    half = len(points) // 2
    assert points[:half] == points[half:][::-1]


def test_remaining_categories_are_drawn_as_all_others():
    svg = charts.bars(["a", "b"], [0.5, 0.3], [0.5, 0.0], finding="shares")

    assert "all others" in svg
    assert "20 → 50 %" in svg
    assert "30 → 0 % gone" in svg


def test_days_are_placed_by_date_and_a_missing_day_breaks_the_line():
    days = [DAY + timedelta(days=k) for k in (0, 1, 2, 9, 10)]

    svg = time_series.line(days, [0.1, 0.2, 0.3, 2.0, 0.1], limit=1.0, finding="above")

    line = _path(svg, "current")
    xs = [x for x, _ in _walk(line)]
    room = drawing.RIGHT - drawing.LEFT - 10
    assert line.count("M") == 2
    assert xs[3] == drawing.LEFT + 5 + round(room * 0.9)
    assert _path(svg, "alarm").count("M") == 1


def test_interval_alarms_only_if_all_of_it_is_beyond_the_limit():
    assert time_series.beyond((0.7, 0.75, 0.79), (0.8, False))
    assert not time_series.beyond((0.7, 0.75, 0.81), (0.8, False))
    assert time_series.beyond((5.1, 6.0, 7.0), (5.0, True))
    assert not time_series.beyond((4.9, 6.0, 7.0), (5.0, True))


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
def test_axis_has_round_values_within_its_range(low, span):
    svg = drawing.value_axis(Axis(low, low + span, drawing.LEFT, drawing.RIGHT))

    xs = [int(x) for x in re.findall(r"M(\d+) \d+v4", svg)]
    assert 1 <= len(xs) <= 5
    assert all(drawing.LEFT <= x <= drawing.RIGHT for x in xs)


def test_label_is_truncated_by_width_not_by_number_of_letters():
    assert drawing.cut("illumination", 100) == "illumination"
    assert drawing.width_of(drawing.cut("W" * 20, 100)) <= 100
    assert drawing.width_of(drawing.cut("漢字" * 10, 100)) <= 100

from datetime import date, timedelta

import pytest

from ml.presentation.figures import day_ranges, listed, number, percent, shortened


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (0.00123456, "0.00123"),
        (99.94, "99.9"),
        (1969, "1969"),
        (12_345.6, "12,346"),
        (1.5e9, "1.5e+09"),
        (-2.5, "\u22122.5"),
        (float("inf"), "inf"),
    ],
)
def test_numbers_have_three_significant_figures_and_years_no_separator(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (0.042, "4.2 %"), (1, "100 %"), (1e-6, "under 0.01 %"), (0.123456, "12.3 %")],
)
def test_shares_are_percentages_and_tiny_ones_are_not_zero(share, text):
    assert percent(share) == text


def test_consecutive_days_are_written_as_a_range():
    first = date(2026, 3, 30)
    days = [first + timedelta(days=k) for k in (0, 2, 3, 4)]

    assert day_ranges(days) == "30 Mar 2026, 1 Apr 2026 to 3 Apr 2026"


def test_long_lists_are_shortened_with_a_count():
    assert listed([f"n{k}" for k in range(11)]) == "n0, n1, n2, n3, n4, n5, n6, n7 and 3 more"
    assert listed(["a", "b"]) == "a, b"
    assert len(shortened("x" * 500, 60)) == 60

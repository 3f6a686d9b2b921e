"""Files in `before/`, written by the previous version, are read and give the same figures."""

from datetime import date
from pathlib import Path

import pytest

from ml.drift import Verdict, check, load_profile, load_result, save_profile

BEFORE = Path(__file__).parent / "before"


def test_profile_of_the_previous_version_gives_the_same_figures():
    expected = load_result(BEFORE / "drift.json")

    found = check(
        load_profile(BEFORE / "reference.profile"), BEFORE / "today.csv", day=date(2026, 3, 14)
    )

    assert found.verdict is expected.verdict is Verdict.DRIFT
    assert [c.name for c in found.columns] == [c.name for c in expected.columns]
    for one, other in zip(found.columns, expected.columns, strict=True):
        for theirs in other.signals:
            mine = one.signal(theirs.statistic)
            assert (mine.value, mine.limit) == pytest.approx((theirs.value, theirs.limit))
        assert one.chart.reference == pytest.approx(other.chart.reference)


def test_profile_of_the_previous_version_round_trips_byte_for_byte(tmp_path):
    save_profile(load_profile(BEFORE / "reference.profile"), tmp_path / "again.profile")

    assert (tmp_path / "again.profile").read_bytes() == (BEFORE / "reference.profile").read_bytes()

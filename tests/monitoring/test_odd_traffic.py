"""Requests with unusual cells give the figures of the previous version, stored in `before/`."""

import json
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import odd_traffic
import pytest
from window_bench import MIDNIGHT, WINDOW

from ml.monitoring.outcome import read_check

BEFORE = Path(__file__).parent / "before"
WINDOWS = {"day": WINDOW, "two-days": replace(WINDOW, start_utc=MIDNIGHT - timedelta(days=1))}


def _assert_holds(found, expected, place=""):
    """Assert that every member of `expected` is in `found`, with the same value."""
    if isinstance(expected, dict):
        for name, value in expected.items():
            _assert_holds(found[name], value, f"{place}/{name}")
    elif place.endswith("/signals"):  # a later version may have more statistics
        by_name = {signal["statistic"]: signal for signal in found}
        for signal in expected:
            name = signal["statistic"]
            _assert_holds(by_name[name], signal, f"{place}/{name}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), place
        for i, (one, other) in enumerate(zip(found, expected, strict=True)):
            _assert_holds(one, other, f"{place}/{i}")
    else:
        value = pytest.approx(expected) if isinstance(expected, float) else expected
        assert found == value, place


@pytest.mark.parametrize("name", WINDOWS)
def test_streamed_rows_give_the_same_figures_as_the_previous_version(bench, name):
    bench.profile = BEFORE / "reference.profile"
    odd_traffic.send(bench)

    bench.check(WINDOWS[name], labels=odd_traffic.land(bench), baseline=0.86)

    found = json.loads((bench.output / "drift.json").read_text())
    _assert_holds(found, json.loads((BEFORE / f"{name}.drift.json").read_text()))


def test_summary_matches_that_of_the_previous_version(bench):
    bench.profile = BEFORE / "reference.profile"
    odd_traffic.send(bench)

    bench.check(labels=odd_traffic.land(bench), baseline=0.86)

    found = json.loads((bench.output / "check.json").read_text())
    expected = json.loads((BEFORE / "day.check.json").read_text())
    _assert_holds(found, expected)
    assert found.keys() == expected.keys()


def test_result_of_the_previous_version_is_read_and_gets_a_sentence(tmp_path):
    shutil.copy(BEFORE / "day.drift.json", tmp_path / "drift.json")

    check = read_check(tmp_path)

    summary = json.loads((BEFORE / "day.check.json").read_text())
    assert summary["sentence"].startswith(check.sentence)
    assert check.performance.sentence() == summary["performance"]["sentence"]

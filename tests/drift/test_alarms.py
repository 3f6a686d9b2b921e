"""The quick version of benchmarks/drift_alarms.py, with its fixed seeds: some 20 s of CPU."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from scipy.stats import poisson

ROOT = Path(__file__).resolve().parents[2]
KEYS = [
    "iid_false_alarms",
    "dependent_false_alarms",
    "iid_worst_lower95",
    "power_02sd_1k",
    "power_01sd_10k",
    "power_var_10k",
    "power_tail_10k",
    "power_atom_10k",
    "power_weekday",
    "power_ar1_1sd",
]


@pytest.fixture(scope="module")
def figures():
    command = [sys.executable, str(ROOT / "benchmarks" / "drift_alarms.py"), "--quick"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    return json.loads(done.stdout.splitlines()[-1])


def test_last_line_has_the_claimed_figures_and_no_others(figures):
    assert list(figures) == KEYS


def test_false_alarm_rate_stays_near_its_budget(figures):
    # 15 cells of 400 independent days and 3 of 100; 4 dependent ones of 30. What one in 365 days
    # exceeds once in a thousand tries; the quick nulls, of 12,000 draws, are off by as much.
    for name, days, accepted in (
        ("iid_false_alarms", 6_300, 1 / 365),
        ("dependent_false_alarms", 120, 0.006),
    ):
        assert figures[name] <= 1.5 * poisson.ppf(0.999, days * accepted) / days


@pytest.mark.parametrize(
    ("change", "least"),
    [
        ("power_02sd_1k", 0.95),
        ("power_01sd_10k", 0.99),
        ("power_var_10k", 0.99),
        ("power_tail_10k", 0.7),
        ("power_atom_10k", 0.7),
        ("power_weekday", 0.95),
        ("power_ar1_1sd", 0.8),
    ],
)
def test_relevant_shift_is_detected(figures, change, least):
    assert figures[change] >= least

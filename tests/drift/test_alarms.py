"""The quick version of benchmarks/drift_alarms.py, with its fixed seeds: a minute or so of CPU."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def figures():
    command = [sys.executable, str(ROOT / "benchmarks" / "drift_alarms.py"), "--quick"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    return json.loads(done.stdout.splitlines()[-1])


def test_false_alarms_stay_near_their_budget(figures):
    # One a year is 0.0027 a day; 17,000 days of the quick version tell it to about 0.0008.
    assert figures["iid_false_alarms"] <= 0.0027 + 0.0016
    assert figures["dependent_false_alarms"] <= 0.006 + 0.01


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
def test_a_change_that_matters_is_seen(figures, change, least):
    assert figures[change] >= least

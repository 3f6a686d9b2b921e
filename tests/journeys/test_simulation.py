"""Hundreds of cycles of five models on three hosts from one seed: every invariant holds.

Two thousand, in at most 60 s of CPU, are run by `benchmarks/simulation.py`.
"""

from __future__ import annotations

import time

from chances import CALM
from simulation import check, simulate

_SEED = 1
_CYCLES = 500
_BUDGET_SECONDS = 60 * _CYCLES / 2000


def test_simulation_of_500_cycles_with_faults_keeps_every_invariant():
    started = time.process_time()

    world, report = simulate(cycles=_CYCLES, seed=_SEED)

    assert time.process_time() - started <= _BUDGET_SECONDS
    assert report.cycles >= _CYCLES
    # The run must have had enough faults.
    assert report.crashes > 125
    assert world.overtaken > 100
    assert min(report.drift_jobs, report.revisions, report.performance_cycles) > 2, report
    assert min(report.file_jobs, report.started_again, report.resumed) > 20, report
    assert min(report.contents, report.withdrawals) > 50, report
    assert min(report.outcomes.get(name, 0) for name in ("promoted", "rejected", "failed")) > 5
    check(world)


def test_simulation_without_faults_keeps_every_invariant():
    world, _ = simulate(cycles=50, seed=1, chances=CALM)

    check(world)


def test_same_seed_gives_the_same_facts():
    first, _ = simulate(cycles=60, seed=7)
    second, _ = simulate(cycles=60, seed=7)

    for model in first.policies:
        assert list(first.ledger.entries(model)) == list(second.ledger.entries(model))

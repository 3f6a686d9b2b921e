"""The loop with its ledger in real tables: every state and fact passes through their rows."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from simulated_world import CALM, POLICY, World
from simulation import check

from shared.adapters.storage_account import StorageAccount
from shared.adapters.table_ledger import TableLedger
from shared.domain.retraining import CycleEnded, Outcome


@pytest.mark.azurite
def test_three_rough_hours_leave_nothing_behind_in_real_tables(azurite):
    def make_ledger():
        account = StorageAccount(azurite.connection_string())
        ledger = TableLedger(account, table=f"loop{uuid.uuid4().hex[:8]}")
        ledger.create()
        return ledger

    rough = replace(
        CALM,
        event_lost=0.2,
        event_doubled=0.3,
        crash_before_send=0.05,
        crash_before_acknowledge=0.05,
        job_fails=0.2,
        better=0.7,
        file_broken=0.2,
    )
    world = World(
        seed=11,
        chances=rough,
        policies={"diabetes": POLICY, "iris": POLICY},
        make_ledger=make_ledger,
    )

    for number in range(6):
        world.upload_random(("diabetes", "iris")[number % 2], number)
        world.run_for(timedelta(minutes=30))
    world.as_host(lambda: world.hosts[0].check_drift("diabetes"))
    world.run_until_quiet()

    check(world)
    outcomes = {
        entry.fact.outcome
        for model in world.policies
        for entry in world.ledger.entries(model)
        if isinstance(entry.fact, CycleEnded)
    }
    assert Outcome.PROMOTED in outcomes

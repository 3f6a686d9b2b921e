"""The whole loop with its ledger in tables of Azurite."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from chances import CALM, POLICY
from simulated_world import World
from simulation import check

from shared.adapters.storage_account import StorageAccount
from shared.adapters.table_ledger import TableLedger
from shared.adapters.table_rows import HEAD, fact_row_key, key_row_key, place_row_key
from shared.domain.data import DataArrived
from shared.domain.retraining import CycleEnded, Outcome


def check_rows(table, ledger, model):
    """Assert that the partition holds exactly the rows of its facts."""
    query = table.query_entities("PartitionKey eq @model", parameters={"model": model})
    rows = {row["RowKey"]: row for row in query}
    entries = list(ledger.entries(model))
    places = {entry.fact.blob.place for entry in entries if isinstance(entry.fact, DataArrived)}
    assert rows.keys() == {
        HEAD,
        *(fact_row_key(entry.seq) for entry in entries),
        *(key_row_key(entry.fact.key) for entry in entries),
        *(place_row_key(place) for place in places),
    }
    assert [rows[key_row_key(entry.fact.key)]["seq"] for entry in entries] == [
        entry.seq for entry in entries
    ]
    assert rows[HEAD]["count"] == len(entries)


@pytest.mark.azurite
def test_table_rows_are_consistent_after_three_hours_of_faults(azurite):
    account = StorageAccount(azurite.connection_string())

    def make_ledger():
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
        overtaken=0.2,
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
    old, new = (world.blobs.upload("landing", "iris/twice.csv", row) for row in (b"a\n", b"b\n"))
    for blob, sequencer in ((new, "0b"), (old, "0a")):  # their events come in the wrong order
        world.as_host(partial(world.hosts[0].arrive, DataArrived(blob, 2, sequencer=sequencer)))
    world.run_until_quiet()

    check(world)
    table = account.table(world.ledger._name)
    for model in world.policies:
        check_rows(table, world.ledger, model)
    outcomes = {
        entry.fact.outcome
        for model in world.policies
        for entry in world.ledger.entries(model)
        if isinstance(entry.fact, CycleEnded)
    }
    assert Outcome.PROMOTED in outcomes

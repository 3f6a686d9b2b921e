"""Many files of one model at once through two hosts; the stack test sends five hundred."""

from __future__ import annotations

import multiprocessing
import random
import uuid
from concurrent.futures import ProcessPoolExecutor

import pytest
from crowd import arrival, record_all

from shared.adapters.storage_account import StorageAccount
from shared.adapters.table_ledger import TableLedger
from shared.domain.data import DataArrived
from shared.domain.evolve import fold

ARRIVALS = 200


@pytest.mark.azurite
def test_two_hundred_arrivals_through_two_hosts_are_each_recorded_once(azurite):
    table = f"crowd{uuid.uuid4().hex[:8]}"
    connection_string = azurite.connection_string()
    account = StorageAccount(connection_string)
    ledger = TableLedger(account, table=table)
    ledger.create()
    # Every tenth event is delivered to both hosts.
    numbers = list(range(ARRIVALS))
    random.Random(1).shuffle(numbers)  # noqa: S311 - the same order each time
    half = ARRIVALS // 2
    shares = [numbers[:half] + numbers[half::10], numbers[half:] + numbers[:half:10]]

    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as hosts:
        jobs = [hosts.submit(record_all, connection_string, table, share) for share in shares]
        again = [job.result(timeout=240) for job in jobs]

    entries = list(ledger.entries("crowd"))
    arrived = [entry.fact for entry in entries if isinstance(entry.fact, DataArrived)]
    assert {fact.key for fact in arrived} == {arrival(number).key for number in range(ARRIVALS)}
    assert len(arrived) == ARRIVALS
    assert ledger.head("crowd").state == fold("crowd", entries)
    assert ledger.head("crowd").state.waiting_arrivals == ARRIVALS - 1
    assert len(ledger.arrivals("crowd")) == ARRIVALS
    assert sum(again) < ARRIVALS // 5  # eight tries with jitter are enough, nearly always

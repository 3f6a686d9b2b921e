"""A host in its own process that records 16 arrivals at a time, as a batch of messages does."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from shared.adapters.clock import SystemClock
from shared.adapters.in_memory import InMemoryCatalog, InMemoryQueue
from shared.adapters.storage_account import StorageAccount
from shared.adapters.table_ledger import TableLedger
from shared.domain.data import BlobRef, DataArrived
from shared.domain.policy import Policy
from shared.errors import LedgerConflictError
from shared.usecases.record_fact import RecordFact

_BATCH = 16


def arrival(number: int) -> DataArrived:
    blob = BlobRef("landing", f"crowd/file-{number:03d}.csv", f"0x{number}")
    return DataArrived(blob, 10, sequencer=f"{number:032x}")


def record_all(connection_string: str, table: str, numbers: list[int]) -> int:
    """Returns how often a message was redelivered after eight lost races."""
    clock = SystemClock()
    policy = Policy(
        "c",
        reasons=frozenset(),
        cooldown=timedelta(0),
        drift_overrides_cooldown=False,
        jobs_per_30_days=1,
    )
    record = RecordFact(
        ledger=TableLedger(StorageAccount(connection_string), table=table),
        work=InMemoryQueue(clock),
        catalog=InMemoryCatalog({"crowd": policy}),
        clock=clock,
        random=random.Random(),  # noqa: S311 - jitter
    )

    def until_recorded(number: int) -> int:
        again = 0
        while True:
            try:
                record("crowd", arrival(number))
            except LedgerConflictError:
                again += 1
            else:
                return again

    with ThreadPoolExecutor(_BATCH) as threads:
        return sum(threads.map(until_recorded, numbers))

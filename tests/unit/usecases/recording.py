"""The recorder and the worker over the doubles, one model, on a simulated clock."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from shared.adapters.in_memory import (
    InMemoryCatalog,
    InMemoryLedger,
    InMemoryQueue,
    SimulatedClock,
)
from shared.domain.data import BlobRef, DataArrived
from shared.domain.policy import Policy
from shared.domain.retraining import ReasonKind
from shared.usecases.record_fact import RecordFact

POLICY = Policy(
    "cfg",
    reasons=frozenset(ReasonKind),
    cooldown=timedelta(0),
    drift_overrides_cooldown=True,
    jobs_per_30_days=20,
)


def arrival(etag="0x1", sequencer=None, name="a.csv"):
    return DataArrived(BlobRef("landing", f"m/{name}", etag), 10, sequencer)


class OneModel:
    def __init__(self, ledger=None):
        self.clock = SimulatedClock()
        self.ledger = ledger or InMemoryLedger()
        self.work = InMemoryQueue(self.clock)
        self.record = RecordFact(
            ledger=self.ledger,
            work=self.work,
            catalog=InMemoryCatalog({"m": POLICY}),
            clock=self.clock,
            random=Random(1),  # noqa: S311 - jitter
        )

    def facts(self):
        return [entry.fact for entry in self.ledger.entries("m")]

    def messages(self):
        return [(item.body.effect, item.visible_utc) for item in self.work.messages.values()]

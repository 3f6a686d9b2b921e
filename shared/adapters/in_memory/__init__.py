"""An in-memory fake for every port, passing the contract suite of the real adapter.

Time comes from a simulated clock and chance from a given `random.Random`, so the whole app runs
in one process from one seed.
"""

from shared.adapters.in_memory.azure_ml import (
    AzureMlSimulator,
    JobEnded,
    JobScript,
    ModelRegistered,
)
from shared.adapters.in_memory.catalog import InMemoryCatalog
from shared.adapters.in_memory.clock import SimulatedClock
from shared.adapters.in_memory.endpoints import InMemoryEndpoints
from shared.adapters.in_memory.ledger import InMemoryLedger
from shared.adapters.in_memory.queues import InMemoryQueue, QueuedMessage
from shared.adapters.in_memory.storage import (
    InMemoryBlobs,
    InMemoryDataStore,
    InMemoryEvidence,
    InMemoryQuarantine,
)
from shared.adapters.in_memory.tests_and_notices import (
    InMemoryAlerts,
    InMemoryPublisher,
    MarkedDataTests,
    ScriptedDriftChecks,
)

__all__ = [
    "AzureMlSimulator",
    "InMemoryAlerts",
    "InMemoryBlobs",
    "InMemoryCatalog",
    "InMemoryDataStore",
    "InMemoryEndpoints",
    "InMemoryEvidence",
    "InMemoryLedger",
    "InMemoryPublisher",
    "InMemoryQuarantine",
    "InMemoryQueue",
    "JobEnded",
    "JobScript",
    "MarkedDataTests",
    "ModelRegistered",
    "QueuedMessage",
    "ScriptedDriftChecks",
    "SimulatedClock",
]

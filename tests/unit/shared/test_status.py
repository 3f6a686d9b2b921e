"""What the status of a model says while something waits."""

from __future__ import annotations

from datetime import timedelta

from stories import CHAMPION, DATA, NOON_UTC, POLICY, arrival, record

from shared.adapters.in_memory import InMemoryCatalog, InMemoryLedger
from shared.domain.codec import state_from_json, state_to_json
from shared.domain.data import DataRegistered, DataTested, DataWithdrawn
from shared.domain.jobs import JobSubmitted
from shared.domain.retraining import RetrainRequested
from shared.domain.state import State
from shared.usecases.status import Status

COOLS_DOWN = State(
    "m", data=DATA, champion=CHAMPION, last_retraining_utc=NOON_UTC - timedelta(days=1)
)


def status(state):
    ledger = InMemoryLedger()
    ledger.commit(ledger.head("m"), (), state=state, due=(), undue=())
    return Status(ledger, InMemoryCatalog({"m": POLICY}))("m")


def postponed():
    state = record(COOLS_DOWN, arrival())
    cycle = state.cycle.cycle_id
    return record(
        state,
        DataTested(cycle, 1, 0, 0, rows=5, report="r", report_sha256="h"),
        DataRegistered(cycle, cycle, "p", "p", data_sha256="d2", rows=5, files=2),
    )


def test_rows_of_a_postponed_retraining_wait_until_it_is_possible():
    state = postponed()

    assert state.cycle is None
    assert status(state).waiting == "Retraining for new data is postponed until 20 Mar 12:00 UTC."
    assert state_from_json(state_to_json(state)) == state


def test_nothing_waits_once_a_training_is_started():
    state = record(postponed(), RetrainRequested("r", "now"))
    cycle = state.cycle.cycle_id
    state = record(state, JobSubmitted(cycle, f"retrain-{cycle}-1", None))

    assert status(state).waiting is None


def test_withdrawals_that_wait_are_counted():
    state = record(
        record(State("m", data=DATA), arrival()), DataWithdrawn("landing/m/b.csv", "r", "x")
    )

    assert status(state).waiting == "1 withdrawal waiting for the next cycle."

"""A withdrawn file opens a cycle, whose data version lacks it."""

from __future__ import annotations

from dataclasses import replace

from stories import DATA, arrival, plan, record

from shared.domain.data import DataRegistered, DataTested, DataWithdrawn, RegisterData
from shared.domain.notices import EffectFailed
from shared.domain.retraining import CycleEnded, Outcome, ReasonKind
from shared.domain.state import State

WITHDRAWN = DataWithdrawn("landing/m/a.csv", "r-1", "wrong units", "dana")
IDLE = State("m", data=DATA)


def registered(state, **changes):
    cycle_id = state.cycle.cycle_id
    fact = DataRegistered(cycle_id, cycle_id, "m/pins/2.json", "p2", "d2", rows=400, files=3)
    return record(state, replace(fact, **changes))


def test_withdrawal_opens_a_cycle_that_pins_without_testing():
    state = record(IDLE, WITHDRAWN)

    assert [reason.kind for reason in state.cycle.opening.reasons] == [ReasonKind.DATA]
    assert state.cycle.opening.withdrawals == 1
    (effect,) = plan(state)
    assert isinstance(effect, RegisterData)
    assert (effect.after_seq, effect.to_seq, effect.report) == (0, 1, None)
    assert effect.previous_pins == DATA.pins


def test_cycle_of_a_withdrawal_goes_on_to_the_policy_once_it_is_pinned():
    state = registered(record(IDLE, WITHDRAWN))

    assert state.data.files == 3
    assert "retrain" in plan(state)[0].key


def test_withdrawal_beside_a_file_that_fails_its_tests_still_changes_the_data():
    state = record(record(State("m", data=DATA), arrival("b.csv")), WITHDRAWN)
    assert state.waiting_withdrawals == 1  # the open cycle began before

    state = record(state, DataTested(state.cycle.cycle_id, 0, 1, 0, 0, "r", "h", ("b is bad.",)))

    assert state.past[-1].outcome is Outcome.QUARANTINED
    assert isinstance(plan(state)[0], RegisterData)
    assert state.waiting_withdrawals == 0


def test_data_set_without_files_trains_nothing_and_says_so():
    state = registered(record(IDLE, WITHDRAWN), rows=0, files=0)

    assert state.cycle is None
    assert state.past[-1].outcome is Outcome.NOT_RETRAINED
    assert "the data set is empty" in state.past[-1].sentence


def test_withdrawal_of_a_cycle_that_failed_goes_along_with_the_next_one():
    state = record(IDLE, WITHDRAWN)
    (effect,) = plan(state)

    state = record(state, EffectFailed.of(effect, "storage refused"))
    assert (state.cycle, state.returned_withdrawals) == (None, 1)
    state = record(state, arrival("b.csv"))

    assert (state.cycle.opening.withdrawals, state.cycle.opening.arrivals) == (1, 1)
    assert state.cycle.opening.after_seq == 0


def test_failed_cycle_whose_withdrawal_is_pinned_hands_nothing_on():
    state = registered(record(IDLE, WITHDRAWN))
    cycle_id = state.cycle.cycle_id

    state = record(state, CycleEnded(cycle_id, Outcome.FAILED, "the job failed"))

    assert (state.returned_withdrawals, state.data.version) == (0, cycle_id)

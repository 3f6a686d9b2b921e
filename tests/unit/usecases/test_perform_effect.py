"""Work messages: which are performed, which are obsolete, and which are requeued."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from recording import OneModel, arrival

from shared.domain.data import DataTested, TestData
from shared.domain.notices import EffectFailed
from shared.errors import EvidenceError, LedgerConflictError, NotThereYetError, ServiceBusyError
from shared.ports.queues import WorkMessage
from shared.usecases.perform_effect import (
    Performed,
    PerformEffect,
    Performers,
    delay_of_turn,
)
from shared.usecases.performers.performer import Wait


class Worker(OneModel):
    """One effect is due: the test of a file, performed by `answer`."""

    def __init__(self, answer):
        super().__init__()
        self.performed = 0
        self.cancelled = []
        self.answer = answer
        performers = Performers()
        performers.register(TestData, self._perform)
        self.perform = PerformEffect(
            ledger=self.ledger,
            work=self.work,
            record=self.record,
            clock=self.clock,
            performers=performers,
            jobs=lambda: self,
        )
        self.record("m", arrival())
        self.work.messages.clear()

    def _perform(self, effect, _state):
        self.performed += 1
        answer = self.answer
        if isinstance(answer, Exception):
            raise answer
        return answer(effect) if callable(answer) else answer

    def cancel(self, job):
        self.cancelled.append(job)

    @property
    def row(self):
        (row,) = self.ledger.due("m")
        return row

    def message(self, turn=0):
        return WorkMessage("m", self.row.effect, turn)


def report_of(effect):
    return DataTested(effect.cycle_id, 0, 1, 0, rows=0, report="r.json", report_sha256="r")


def failed(worker):
    return [fact for fact in worker.facts() if isinstance(fact, EffectFailed)]


def test_fact_returned_by_a_performer_is_recorded():
    worker = Worker(report_of)

    assert worker.perform(worker.message()) is Performed.DONE
    assert any(isinstance(fact, DataTested) for fact in worker.facts())


def test_message_for_an_effect_that_is_not_due_is_obsolete():
    worker = Worker(report_of)

    assert worker.perform(WorkMessage("m", "not:due")) is Performed.OBSOLETE
    assert worker.performed == 0


def test_message_from_an_earlier_turn_is_obsolete():
    worker = Worker(Wait("job x"))
    first = worker.message()
    worker.perform(first)
    worker.clock.advance(timedelta(seconds=10))

    assert worker.perform(first) is Performed.OBSOLETE
    assert worker.performed == 1


def test_message_before_its_due_time_is_requeued_not_performed():
    worker = Worker(Wait("job x"))
    worker.perform(worker.message())
    worker.ledger.update_due("m", worker.row, replace(worker.row, due_utc=later(worker, 60)))
    worker.work.messages.clear()

    assert worker.perform(worker.message(turn=1)) is Performed.WAITING
    assert worker.performed == 1
    ((_, visible_utc),) = worker.messages()
    assert visible_utc == later(worker, 60)


def later(worker, seconds):
    return worker.clock.now_utc() + timedelta(seconds=seconds)


def test_waiting_effect_is_requeued_with_its_next_turn():
    worker = Worker(Wait("job x"))

    assert worker.perform(worker.message()) is Performed.WAITING

    (item,) = worker.work.messages.values()
    assert item.body == WorkMessage("m", worker.row.effect, 1)
    assert item.visible_utc == worker.row.due_utc == later(worker, 2)


def test_effect_requeued_by_another_host_is_not_requeued_twice():
    def overtaken(_effect):
        row = worker.row
        assert worker.ledger.update_due("m", row, replace(row, turn=row.turn + 1))
        return Wait("job x")

    worker = Worker(overtaken)

    assert worker.perform(worker.message()) is Performed.OBSOLETE
    assert worker.messages() == []
    assert worker.row.turn == 1


def test_effect_waiting_beyond_its_limit_is_given_up_and_its_jobs_cancelled():
    worker = Worker(Wait("job x", jobs=("x", "y")))
    end_utc = worker.clock.now_utc() + TestData.longest_wait

    while worker.clock.now_utc() < end_utc:
        assert worker.perform(worker.message(worker.row.turn)) is Performed.WAITING
        worker.clock.advance_to(worker.row.due_utc)

    assert worker.perform(worker.message(worker.row.turn)) is Performed.GIVEN_UP
    assert worker.cancelled == ["x", "y"]
    assert "waited 6 h for job x" in failed(worker)[0].sentence


def test_downtime_of_the_app_does_not_count_as_waiting():
    worker = Worker(Wait("job x"))
    worker.clock.advance(TestData.longest_wait * 3)

    assert worker.perform(worker.message()) is Performed.WAITING
    assert worker.row.begun_utc == worker.clock.now_utc()


def test_progress_restarts_the_wait_and_continues_at_once():
    worker = Worker(Wait("more files", at_once=True))
    worker.clock.advance(TestData.longest_wait * 2)

    assert worker.perform(worker.message()) is Performed.WAITING
    assert worker.row.due_utc == worker.row.begun_utc == worker.clock.now_utc()


@pytest.mark.parametrize(
    ("error", "most"), [(ServiceBusyError("busy"), 100), (NotThereYetError("no evidence"), 10)]
)
def test_transient_error_is_retried_up_to_its_limit(error, most):
    worker = Worker(error)

    for _ in range(most - 1):
        assert worker.perform(worker.message(worker.row.turn)) is Performed.WAITING
        worker.clock.advance(timedelta(minutes=6))
    assert worker.perform(worker.message(worker.row.turn)) is Performed.GIVEN_UP

    assert failed(worker)[0].sentence == f"{error} (tried {most} times)"


def test_terminal_error_is_given_up_at_once():
    worker = Worker(EvidenceError("cannot be read"))

    assert worker.perform(worker.message()) is Performed.GIVEN_UP
    assert failed(worker)[0].sentence == "cannot be read"


def test_lost_races_do_not_count_as_failures():
    worker = Worker(LedgerConflictError("lost 8 races"))

    assert worker.perform(worker.message()) is Performed.WAITING
    assert (worker.row.turn, worker.row.failures) == (1, 0)


def test_delays_double_up_to_five_minutes():
    delays = [delay_of_turn(turn).total_seconds() for turn in range(1, 12)]

    assert delays[:4] == [2, 4, 8, 16]
    assert delays[-1] == 300

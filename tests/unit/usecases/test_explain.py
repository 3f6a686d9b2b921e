"""What the explanation of a cycle says, from the facts of its stream."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from shared.adapters.in_memory import InMemoryCatalog, InMemoryLedger
from shared.domain.data import DataRegistered, DataTested
from shared.domain.declared import Sign, Step, Verdict
from shared.domain.evolve import evolve
from shared.domain.facts import Entry
from shared.domain.jobs import (
    ChallengerEvaluated,
    ChallengerRegistered,
    JobFinished,
    JobStatus,
    JobSubmitted,
)
from shared.domain.policy import Policy
from shared.domain.retraining import (
    CycleEnded,
    CycleOpened,
    Mode,
    Outcome,
    Reason,
    ReasonKind,
    RetrainDecided,
)
from shared.usecases.explain import Explain

CYCLE = "0123456789ab"
JOB = f"retrain-{CYCLE}-1"
NOON_UTC = datetime(2026, 3, 14, 12, tzinfo=UTC)
POLICY = Policy("c", frozenset(ReasonKind), timedelta(0), True, 1)  # noqa: FBT003 - unused here
BY_HAND = Reason(ReasonKind.MANUAL, "manual:r", 1, "new labels")
BY_DATA = Reason(ReasonKind.DATA, "blob:x", 1, "a.csv")
ALLOWED = RetrainDecided(CYCLE, Verdict.PASSED, Mode.RETRAIN, "Because of drift.", "c")
EVALUATED = ChallengerEvaluated(CYCLE, "8", "7", Verdict.PASSED, "Better.", JOB)


def explained(*facts, opened_by=BY_HAND, arrivals=0, step_seconds=79):
    """Explanation of a cycle with these facts, each recorded some seconds after the one before."""
    opened = CycleOpened(CYCLE, (opened_by,), 0, 1 if arrivals else 0, arrivals)
    ledger = InMemoryLedger()
    head = ledger.head("m")
    for number, fact in enumerate([opened, *facts]):
        at_utc = NOON_UTC + timedelta(seconds=number * step_seconds)
        entry = Entry(head.state.count + 1, at_utc, fact)
        head = ledger.commit(head, [entry], state=evolve(head.state, entry), due=[], undue=[])
    explanation = Explain(ledger, InMemoryCatalog({"m": POLICY}))("m", CYCLE)
    assert explanation is not None
    return explanation


def step(explanation, name):
    (found,) = [item for item in explanation.steps if item.step is name]
    return found


def test_cycle_by_hand_without_files_says_so_instead_of_data_not_reached():
    data = step(explained(ALLOWED, JobSubmitted(CYCLE, JOB, "7")), Step.DATA)

    assert (data.sign, data.sentence) == (Sign.DONE, "no new files")


def test_version_registered_by_hand_is_told_as_such_instead_of_training_not_reached():
    by_hand = Reason(ReasonKind.MODEL, "model:12", 1, version="12")

    trained = step(explained(opened_by=by_hand), Step.TRAINED)

    assert (trained.sign, trained.sentence) == (Sign.DONE, "a person registered version 12")


def test_running_job_is_told_as_running_and_not_as_trained():
    explanation = explained(ALLOWED, JobSubmitted(CYCLE, JOB, "7"))

    assert explanation.sentence == f"Training: job {JOB} runs."
    assert step(explanation, Step.TRAINED).sign is Sign.RUNNING
    assert step(explanation, Step.TRAINED).title == "Training"


def test_drift_reason_does_not_repeat_its_kind():
    drift = Reason(
        ReasonKind.DRIFT, "drift:2026-03-14:7", 1, "Drift: 10 of 12 columns.", day=date(2026, 3, 14)
    )

    reason = step(explained(opened_by=drift), Step.REASON)

    assert reason.sentence == "because of drift: 10 of 12 columns"


def test_report_behind_a_drift_reason_is_linked_by_its_day():
    drift = Reason(
        ReasonKind.DRIFT, "drift:x:7", 1, "bmi moved", report="r.html", day=date(2026, 3, 14)
    )

    reason = step(explained(opened_by=drift), Step.REASON)

    assert reason.sentence == (
        "because of drift: bmi moved. Report: GET /api/models/m/drift/2026-03-14."
    )


def test_cooldown_is_shown_as_postponed_and_a_refusal_as_no():
    until = NOON_UTC + timedelta(days=7)
    no = RetrainDecided(CYCLE, Verdict.FAILED, Mode.RETRAIN, "Not retrained: nothing new.", "c")
    later = RetrainDecided(
        CYCLE, Verdict.FAILED, Mode.RETRAIN, "Postponed: cooldown.", "c", possible_from_utc=until
    )

    assert step(explained(no), Step.ALLOWED).sign is Sign.NO
    assert step(explained(later), Step.ALLOWED).sign is Sign.POSTPONED


def test_training_time_is_told_in_minutes_and_seconds():
    registered = ChallengerRegistered("8", CYCLE, JOB)

    trained = step(explained(ALLOWED, JobSubmitted(CYCLE, JOB, "7"), registered), Step.TRAINED)

    assert trained.sentence == f"job {JOB} -> version 8, after 1 min 19 s"


def test_version_registered_before_its_job_is_known_to_have_ended_stays_trained():
    explanation = explained(
        ALLOWED,
        JobSubmitted(CYCLE, JOB, "7"),
        ChallengerRegistered("8", CYCLE, JOB),
        JobFinished(JOB, JobStatus.COMPLETED),
    )

    assert step(explanation, Step.TRAINED).sign is Sign.DONE


def test_second_attempt_is_shown_while_it_runs_and_not_the_first_ones_failure():
    second = f"retrain-{CYCLE}-2"

    trained = step(
        explained(
            ALLOWED,
            JobSubmitted(CYCLE, JOB, "7"),
            JobFinished(JOB, JobStatus.FAILED, "step train: exit code 1"),
            JobSubmitted(CYCLE, second, "7"),
        ),
        Step.TRAINED,
    )

    assert (trained.sign, trained.sentence) == (Sign.RUNNING, f"job {second} runs")


def test_evaluation_job_is_told_at_the_comparison_and_not_at_the_training():
    evaluation = JobSubmitted(CYCLE, f"evaluate-{CYCLE}-1", "8")

    explanation = explained(
        ALLOWED, JobSubmitted(CYCLE, JOB, "7"), ChallengerRegistered("9", CYCLE, JOB), evaluation
    )

    assert step(explanation, Step.TRAINED).sentence == f"job {JOB} -> version 9, after 1 min 19 s"
    assert step(explanation, Step.COMPARED).sign is Sign.RUNNING


def test_new_comparison_replaces_the_one_with_a_champion_that_is_gone():
    again = ChallengerEvaluated(CYCLE, "8", "9", Verdict.FAILED, "Version 8 stays out.", "x")

    compared = step(explained(ALLOWED, EVALUATED, again), Step.COMPARED)

    assert (compared.sign, compared.sentence) == (Sign.NO, "Version 8 stays out.")


def test_job_that_was_given_up_is_not_told_as_running_once_the_cycle_is_over():
    ended = CycleEnded(CYCLE, Outcome.FAILED, "Watching job x was given up.")

    trained = step(explained(ALLOWED, JobSubmitted(CYCLE, JOB, "7"), ended), Step.TRAINED)

    assert (trained.sign, trained.sentence) == (Sign.NO, f"given up: job {JOB} runs")


def test_files_and_data_version_are_told_together_with_what_was_quarantined():
    tested = DataTested(CYCLE, 1, 1, 0, 10, "r", "r", ("File b.csv quarantined: empty.",))
    registered = DataRegistered(CYCLE, CYCLE, "p", "p", "d", rows=30, files=3)

    data = step(explained(tested, registered, opened_by=BY_DATA, arrivals=2), Step.DATA)

    assert data.sign is Sign.QUARANTINED
    assert data.sentence == (
        f"data version {CYCLE}, 30 rows of 3 files; 1 file accepted (10 rows), 1 quarantined. "
        "File b.csv quarantined: empty."
    )


def test_step_that_a_cycle_did_not_reach_says_so():
    ended = CycleEnded(CYCLE, Outcome.NOT_RETRAINED, "Not retrained: nothing new.")

    assert step(explained(ended), Step.TRAFFIC).sentence == "not reached"
    assert step(explained(), Step.TRAFFIC).sentence == "not yet"
    assert explained(ended).sentence == "Not retrained: nothing new."

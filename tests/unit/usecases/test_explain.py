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
    EvidenceRead,
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


def test_manual_cycle_without_files_shows_no_new_files():
    data = step(explained(ALLOWED, JobSubmitted(CYCLE, JOB, "7")), Step.DATA)

    assert (data.sign, data.sentence) == (Sign.DONE, "no new files")


def test_manually_registered_version_is_shown_instead_of_a_training_job():
    by_hand = Reason(ReasonKind.MODEL, "model:12", 1, version="12")

    trained = step(explained(opened_by=by_hand), Step.TRAINED)

    assert (trained.sign, trained.sentence) == (Sign.DONE, "a person registered version 12")


def test_running_job_is_shown_as_training_not_as_trained():
    explanation = explained(ALLOWED, JobSubmitted(CYCLE, JOB, "7"))

    assert explanation.sentence == f"Training: job {JOB} runs."
    assert step(explanation, Step.TRAINED).sign is Sign.RUNNING
    assert step(explanation, Step.TRAINED).title == "Training"


def test_drift_reason_does_not_say_drift_twice():
    drift = Reason(
        ReasonKind.DRIFT, "drift:2026-03-14:7", 1, "Drift: 10 of 12 columns.", day=date(2026, 3, 14)
    )

    reason = step(explained(opened_by=drift), Step.REASON)

    assert reason.sentence == "because of drift: 10 of 12 columns"


def test_drift_reason_links_the_report_of_its_day():
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


def test_training_time_is_shown_in_minutes_and_seconds():
    registered = ChallengerRegistered("8", CYCLE, JOB)

    trained = step(explained(ALLOWED, JobSubmitted(CYCLE, JOB, "7"), registered), Step.TRAINED)

    assert trained.sentence == f"job {JOB} -> version 8, after 1 min 19 s"


def test_training_stays_done_if_the_job_ends_after_the_version_is_registered():
    explanation = explained(
        ALLOWED,
        JobSubmitted(CYCLE, JOB, "7"),
        ChallengerRegistered("8", CYCLE, JOB),
        JobFinished(JOB, JobStatus.COMPLETED),
    )

    assert step(explanation, Step.TRAINED).sign is Sign.DONE


def test_running_retry_is_shown_instead_of_the_first_failure():
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


def test_evaluation_job_is_shown_under_comparison_not_training():
    evaluation = JobSubmitted(CYCLE, f"evaluate-{CYCLE}-1", "8")

    explanation = explained(
        ALLOWED, JobSubmitted(CYCLE, JOB, "7"), ChallengerRegistered("9", CYCLE, JOB), evaluation
    )

    assert step(explanation, Step.TRAINED).sentence == f"job {JOB} -> version 9, after 1 min 19 s"
    assert step(explanation, Step.COMPARED).sign is Sign.RUNNING


def test_new_comparison_replaces_the_one_with_the_previous_champion():
    again = ChallengerEvaluated(CYCLE, "8", "9", Verdict.FAILED, "Version 8 stays out.", "x")

    compared = step(explained(ALLOWED, EVALUATED, again), Step.COMPARED)

    assert (compared.sign, compared.sentence) == (Sign.NO, "Version 8 stays out.")


def test_unfinished_job_of_an_ended_cycle_is_shown_as_given_up():
    ended = CycleEnded(CYCLE, Outcome.FAILED, "Watching job x was given up.")

    trained = step(explained(ALLOWED, JobSubmitted(CYCLE, JOB, "7"), ended), Step.TRAINED)

    assert (trained.sign, trained.sentence) == (Sign.NO, f"given up: job {JOB} runs")


def test_data_step_shows_version_accepted_and_quarantined_files():
    tested = DataTested(CYCLE, 1, 1, 0, 10, "r", "r", ("File b.csv quarantined: empty.",))
    registered = DataRegistered(CYCLE, CYCLE, "p", "p", "d", rows=30, files=3)

    data = step(explained(tested, registered, opened_by=BY_DATA, arrivals=2), Step.DATA)

    assert data.sign is Sign.QUARANTINED
    assert data.sentence == (
        f"data version {CYCLE}, 30 rows of 3 files; 1 file accepted (10 rows), 1 quarantined. "
        "File b.csv quarantined: empty."
    )


def test_missing_step_is_not_reached_in_an_ended_cycle_and_not_yet_in_an_open_one():
    ended = CycleEnded(CYCLE, Outcome.NOT_RETRAINED, "Not retrained: nothing new.")

    assert step(explained(ended), Step.TRAFFIC).sentence == "not reached"
    assert step(explained(), Step.TRAFFIC).sentence == "not yet"
    assert explained(ended).sentence == "Not retrained: nothing new."


def test_data_step_names_the_newest_files_and_where_the_list_is():
    tested = DataTested(CYCLE, 1, 0, 0, rows=5, report="r", report_sha256="h")
    files = ("c.csv", "b.csv", "a.csv")
    registered = DataRegistered(CYCLE, CYCLE, "m/pins/1.json", "p", "d", 9, 4, newest_files=files)

    sentence = step(explained(tested, registered, arrivals=1), Step.DATA).sentence

    assert (
        "9 rows of 4 files: c.csv, b.csv, a.csv and others (list: data/m/pins/1.json)" in sentence
    )


def test_cycle_without_new_files_names_the_data_version_that_it_trained_on():
    before = DataRegistered("aaaaaaaaaaaa", "aaaaaaaaaaaa", "m/pins/0.json", "p", "d", 9, 2)
    evidence = EvidenceRead(
        CYCLE,
        JOB,
        champion_version=None,
        metrics=(),
        train_rows=7,
        test_rows=2,
        data_version="aaaaaaaaaaaa",
        data_sha256="d",
        test_rows_sha256="t",
        config_sha256="c",
        location="evidence/m",
        sha256="e",
        reference="challenger/reference.profile",
    )

    found = step(explained(before, ALLOWED, evidence), Step.DATA)

    assert found.sentence == "no new files; data version aaaaaaaaaaaa, 9 rows of 2 files"

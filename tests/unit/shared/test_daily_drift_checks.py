"""The daily drift check: revisions, jobs, tags, and the reasons to retrain it gives."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from stories import CHAMPION, DATA, NOON_UTC, POLICY, drift, plan, record

from shared.domain.drift import (
    CheckDrift,
    DriftCheckDue,
    DriftVerdict,
    Performance,
    PerformanceVerdict,
    PublishDrift,
    ReadDriftCheck,
    TagDrift,
    WatchDriftJob,
)
from shared.domain.ids import JobName
from shared.domain.jobs import JobFinished, JobStatus, JobSubmitted, SubmitJob
from shared.domain.notices import EffectDone, RaiseAlert
from shared.domain.retraining import CycleEnded, Outcome, ReasonKind
from shared.domain.rollout import Role, TagModel
from shared.domain.state import State

DAY = date(2026, 3, 14)
DUE = DriftCheckDue(DAY, "7", NOON_UTC - timedelta(days=1), NOON_UTC)
REPORT = "workspace/drift/m/version-7/2026-03-14/report.html"
WORSE = Performance(PerformanceVerdict.WORSE, "Accuracy fell to 0.80.", "accuracy", rows=500)


def serving(**known: object) -> State:
    return State("m", champion=CHAMPION, data=DATA, **known)  # type: ignore[arg-type]


def ended(state: State) -> State:
    assert state.cycle is not None
    return record(state, CycleEnded(state.cycle.cycle_id, Outcome.REJECTED, "no."))


def kinds(state: State) -> list[type]:
    return [type(effect) for effect in plan(state)]


def test_revision_with_the_same_drift_neither_opens_a_cycle_nor_publishes_again():
    state = ended(record(serving(), drift()))
    published = kinds(state).count(PublishDrift)

    state = record(state, replace(drift(), revision=1))

    assert state.cycle is None
    assert state.waiting == ()
    assert kinds(state).count(PublishDrift) == published == 1


def test_revision_that_is_first_to_find_drift_opens_a_cycle():
    quiet = replace(drift(), verdict=DriftVerdict.NOT_ENOUGH_DATA)
    state = record(serving(), quiet)
    assert state.cycle is None

    state = record(state, replace(drift(), revision=1))

    assert state.cycle is not None
    assert [reason.key for reason in state.cycle.opening.reasons] == ["drift:2026-03-14:7"]
    assert state.checked_days[0].revision == 1


def test_late_older_revision_does_not_replace_a_newer_one():
    state = record(serving(), replace(drift(), revision=1, verdict="no_drift"))

    state = record(state, replace(drift(), verdict="no_drift"))

    assert [known.revision for known in state.checked_days] == [1]


def test_rechecking_an_older_day_keeps_the_newest_result():
    state = record(serving(), replace(drift(), verdict="no_drift"))

    state = record(state, replace(drift(DAY - timedelta(days=1)), verdict="not_enough_data"))

    assert state.last_drift is not None
    assert state.last_drift.day == DAY
    assert [known.day for known in state.checked_days] == [DAY, DAY - timedelta(days=1)]


def test_worse_performance_without_drift_opens_a_cycle():
    quiet = replace(drift(), verdict=DriftVerdict.NO_DRIFT, performance=WORSE)

    state = record(serving(), quiet)

    assert state.cycle is not None
    (reason,) = state.cycle.opening.reasons
    assert (reason.kind, reason.key) == (ReasonKind.PERFORMANCE, "performance:2026-03-14:7")
    assert reason.text == WORSE.sentence
    assert kinds(state) == [SubmitJob]  # no drift, so nothing is published


@pytest.mark.parametrize(
    "verdict", [one for one in PerformanceVerdict if one is not PerformanceVerdict.WORSE]
)
def test_other_performance_verdicts_do_not_open_a_cycle(verdict):
    performance = replace(WORSE, verdict=verdict)

    state = record(serving(), replace(drift(), verdict="no_drift", performance=performance))

    assert state.cycle is None


def test_drift_and_worse_performance_on_one_day_open_one_cycle_with_two_reasons():
    state = record(serving(), replace(drift(), performance=WORSE))

    assert state.cycle is not None
    assert [reason.kind for reason in state.cycle.opening.reasons] == [
        ReasonKind.DRIFT,
        ReasonKind.PERFORMANCE,
    ]
    assert state.waiting == ()


def test_worse_performance_does_not_retrain_unless_the_policy_allows_it():
    policy = replace(POLICY, reasons=frozenset({ReasonKind.DATA}))

    state = record(
        serving(), replace(drift(), verdict="no_drift", performance=WORSE), policy=policy
    )

    assert state.past[-1].outcome is Outcome.NOT_RETRAINED
    assert "worse predictions is not a reason" in state.past[-1].sentence


ALERTING = replace(POLICY, drift_without_labels_retrains=False)
TRAINED = replace(CHAMPION, data_version=DATA.version)


def test_drift_without_new_labels_only_alerts_if_so_configured():
    state = record(serving(), policy=ALERTING)
    state = replace(state, champion=TRAINED)

    state = record(state, replace(drift(), report=REPORT), policy=ALERTING)

    assert state.past[-1].outcome is Outcome.NOT_RETRAINED
    assert "no labelled row landed" in state.past[-1].sentence
    (alert,) = [effect for effect in plan(state) if isinstance(effect, RaiseAlert)]
    assert alert.sentence.startswith(state.past[-1].sentence)
    assert alert.sentence.endswith("Report: GET /api/models/m/drift/2026-03-14.")


@pytest.mark.parametrize(
    "champion", [replace(TRAINED, data_version="v0"), replace(TRAINED, data_version=None)]
)
def test_drift_retrains_if_labels_landed_since_the_champion_was_trained(champion):
    state = replace(serving(), champion=champion)

    state = record(state, drift(), policy=ALERTING)

    assert SubmitJob in kinds(state)


def test_drift_with_worse_performance_retrains_without_new_files():
    state = replace(serving(), champion=TRAINED)

    state = record(state, replace(drift(), performance=WORSE), policy=ALERTING)

    assert SubmitJob in kinds(state)


# --- jobs


def due() -> tuple[State, CheckDrift]:
    state = record(serving(), DUE)
    (check,) = plan(state)
    assert isinstance(check, CheckDrift)
    return state, check


def submitted(check: CheckDrift) -> JobSubmitted:
    name = check.job_name("m")
    return JobSubmitted(name.split("-")[1], name, "7", collected="c0ffee")


def test_drift_job_name_is_unique_per_comparison_and_attempt():
    _, check = due()

    names = {
        check.job_name("m"),
        check.job_name("other"),
        replace(check, day=DAY + timedelta(days=1)).job_name("m"),
        replace(check, profile="8").job_name("m"),
        replace(check, revision=1).job_name("m"),
        replace(check, attempt=2).job_name("m"),
        replace(check, job_attempt=2).job_name("m"),
    }

    assert len(names) == 7
    parsed = JobName.parse(check.job_name("m"))
    assert parsed is not None
    assert (parsed.kind, parsed.attempt) == ("drift", 1)


def test_large_window_is_checked_by_a_job_whose_result_is_read():
    state, check = due()

    state = record(state, submitted(check))
    (watch,) = plan(state)
    assert isinstance(watch, WatchDriftJob)
    state = record(state, JobFinished(watch.job_name, JobStatus.COMPLETED))
    (read,) = plan(state)
    assert isinstance(read, ReadDriftCheck)
    assert read.collected == "c0ffee"
    state = record(state, replace(drift(), verdict="no_drift"))

    assert plan(state) == ()
    assert state.job_starts_utc == ()  # not a training job


def test_drift_job_that_ends_before_its_submission_is_recorded_is_read():
    state, check = due()

    state = record(state, JobFinished(check.job_name("m"), JobStatus.COMPLETED), submitted(check))

    assert kinds(state) == [ReadDriftCheck]


def test_failed_drift_job_is_retried_once_then_alerted():
    state, check = due()

    state = record(state, submitted(check), JobFinished(check.job_name("m"), JobStatus.FAILED))
    (again,) = plan(state)
    assert again == replace(check, job_attempt=2)
    state = record(
        state, submitted(again), JobFinished(again.job_name("m"), JobStatus.FAILED, "out of memory")
    )

    (alert,) = plan(state)
    assert isinstance(alert, RaiseAlert)
    assert alert.sentence == (
        f"The drift check of 2026-03-14 was given up: job {again.job_name('m')} failed twice: "
        "out of memory."
    )


def test_cancelled_drift_job_is_alerted_and_not_retried():
    state, check = due()

    state = record(state, submitted(check), JobFinished(check.job_name("m"), JobStatus.CANCELED))

    (alert,) = plan(state)
    assert isinstance(alert, RaiseAlert)
    assert "was cancelled" in alert.sentence


# --- tags


def test_newest_drift_report_is_tagged_on_the_checked_version():
    state = record(serving(), replace(drift(), verdict="no_drift", report=REPORT))
    state = record(
        state, replace(drift(DAY + timedelta(days=1)), verdict="no_drift", report=REPORT)
    )

    (tag,) = plan(state)
    assert isinstance(tag, TagDrift)
    assert (tag.version, tag.day, tag.report) == ("7", DAY + timedelta(days=1), REPORT)


def test_role_and_drift_tags_of_a_version_are_written_one_at_a_time():
    role = TagModel("7", Role.CHAMPION, "c", 3)
    state = serving(outstanding=(role,))

    state = record(state, replace(drift(), verdict="no_drift", report=REPORT))
    assert plan(state) == (role,)

    assert kinds(record(state, EffectDone(role.key))) == [TagDrift]

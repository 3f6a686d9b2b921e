"""Messages of the queue `events` are recorded, ignored, or quarantined with the reason."""

import base64
import json
from pathlib import Path

import pytest

from functions import events_queue
from shared.domain.data import DataArrived
from shared.domain.drift import DriftChecked
from shared.domain.jobs import ChallengerRegistered, JobFinished, JobStatus
from shared.errors import LedgerConflictError, ServiceBusyError
from shared.ports.jobs import JobReport

RECORDED = Path(__file__).resolve().parents[1] / "wire"


def recorded(name):
    return (RECORDED / f"{name}.json").read_bytes()


def drift_found(**data):
    found = {"model": "diabetes", "date": "2026-03-14", "profile": "7", "sentence": "bmi moved."}
    return json.dumps({"eventType": "Retrain.DriftDetected", "data": found | data})


def kinds(app, model="diabetes"):
    return [type(fact) for fact in app.facts(model)]


def test_drift_of_a_day_to_come_is_kept_and_reported_and_later_checks_stay_the_newest(app):
    events_queue.handle(drift_found(date="9999-01-01").encode(), app)

    assert app.ledger.head("diabetes").state.last_drift is None
    assert "9999-01-01 is after today" in app.alert_sentences()[0]


def test_drift_event_with_a_number_beyond_every_float_is_reported_and_does_not_crash(app):
    signal = {"feature": "bmi", "statistic": 10**400, "threshold": 0.1}

    events_queue.handle(drift_found(signals=[signal]).encode(), app)

    assert kinds(app) == []
    assert "finite numbers" in app.alert_sentences()[0]


@pytest.mark.parametrize("encode", [bytes, base64.b64encode])
def test_blob_event_delivered_twenty_times_is_recorded_once(app, queue_message, encode):
    message = queue_message(encode(recorded("blob_created.eventgrid")))

    for _ in range(20):
        events_queue.handle(message.get_body(), app)
    events_queue.handle(recorded("blob_created.cloudevent"), app)

    assert kinds(app).count(DataArrived) == 1


def test_message_body_is_used_even_if_the_event_id_shadows_the_message_id(app, queue_message):
    message = queue_message(recorded("run_completed.eventgrid"))

    events_queue.handle(message.get_body(), app)

    assert kinds(app) == [JobFinished]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("model_registered.camel_case_and_text_version", ChallengerRegistered),
        ("run_completed.eventgrid", JobFinished),
        ("run_status_changed.failed", JobFinished),
    ],
)
def test_azure_ml_event_is_recorded_as_a_fact(app, name, kind):
    events_queue.handle(recorded(name), app)

    assert kind in kinds(app)
    assert not app.alerts.sent


@pytest.mark.parametrize(
    "name",
    ["run_completed.step_of_a_pipeline", "run_status_changed.running", "subscription_validation"],
)
def test_irrelevant_event_is_ignored_without_quarantine(app, name):
    events_queue.handle(recorded(name), app)

    assert kinds(app) == []
    assert app.quarantined() == []


def test_model_of_another_team_in_the_workspace_does_not_alert(app):
    body = recorded("model_registered.camel_case_and_text_version").replace(b"diabetes", b"churn")

    events_queue.handle(body, app)

    assert not app.alerts.sent


def test_drift_event_from_another_monitor_is_recorded_once(app):
    body = json.dumps(
        {
            "specversion": "1.0",
            "id": "1",
            "source": "/monitor",
            "type": "Retrain.DriftDetected",
            "data": {"model": "iris", "date": "2026-03-13", "profile": "3", "sentence": "moved"},
        }
    ).encode()

    events_queue.handle(body, app)
    events_queue.handle(body, app)

    assert kinds(app, "iris").count(DriftChecked) == 1


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"not json", "neither JSON nor base64"),
        (b'{"eventType": "Some.Other", "data": {}}', "Some.Other"),
        (
            recorded("blob_created.eventgrid").replace(b"/landing/", b"/data/"),
            "outside the container 'landing'",
        ),
    ],
)
def test_unusable_message_is_quarantined_and_alerted_once(app, body, why):
    events_queue.handle(body, app)
    events_queue.handle(body, app)

    (path,) = app.quarantined()
    assert app.blobs.get("quarantine", path) == body
    (sentence,) = app.alert_sentences()
    assert why in sentence


def test_blob_of_an_unknown_model_is_alerted_with_the_nearest_name(app):
    app.blobs.upload("landing", "diabtes/march.csv", b"x\n")
    (landed,) = app.blobs.listing("landing")
    event = json.loads(recorded("blob_created.eventgrid"))
    event["data"] |= {
        "url": "https://a.blob.core.windows.net/landing/diabtes/march.csv",
        "eTag": landed.blob.etag,
    }

    events_queue.handle(json.dumps(event).encode(), app)

    (sentence,) = app.alert_sentences()
    assert "Did you mean diabetes?" in sentence


def test_event_that_lost_all_ledger_races_is_requeued_with_a_delay(app):
    def lose(_model, _fact):
        raise LedgerConflictError("lost 8 races")

    app.record = lose
    body = recorded("run_completed.eventgrid")

    events_queue.handle(body, app)

    (message,) = app.events.messages.values()
    assert message.body.encode() == body
    assert message.visible_utc > app.clock.now_utc()


def test_transient_error_is_raised_for_the_host_to_retry(app):
    def busy(_model, _fact):
        raise ServiceBusyError("storage is busy")

    app.record = busy

    with pytest.raises(ServiceBusyError):
        events_queue.handle(recorded("run_completed.eventgrid"), app)


def test_invalid_event_in_a_batch_does_not_stop_the_others(app):
    good = json.loads(recorded("blob_created.eventgrid"))
    unknown = good | {"eventType": "Some.Other"}

    events_queue.handle(json.dumps([unknown, good]).encode(), app)

    assert DataArrived in kinds(app)
    assert len(app.alert_sentences()) == 1


def test_tags_missing_from_a_model_event_are_read_from_the_registry(app):
    tags = {"cycle_id": "4be1c09a7d21", "attempt": "1"}
    version = app.azure_ml.register("diabetes", tags)
    event = json.loads(recorded("model_registered.by_a_person_without_tags"))
    event["data"]["modelVersion"] = version

    events_queue.handle(json.dumps(event).encode(), app)

    (fact,) = (fact for fact in app.facts("diabetes") if isinstance(fact, ChallengerRegistered))
    assert (fact.cycle_id, fact.job_name) == ("4be1c09a7d21", "retrain-4be1c09a7d21-1")


def test_failed_job_is_recorded_with_the_reason_reported_by_azure_ml(app):
    class Jobs:
        report_now = JobReport(None)

        def report(self, _name):
            return self.report_now

    app.jobs = Jobs()
    events_queue.handle(recorded("run_status_changed.failed"), app)
    assert JobFinished not in kinds(app)  # Azure ML has not noticed yet: left to the poll

    app.jobs.report_now = JobReport(JobStatus.FAILED, "step train failed")
    events_queue.handle(recorded("run_status_changed.failed"), app)

    (fact,) = (fact for fact in app.facts("diabetes") if isinstance(fact, JobFinished))
    assert fact.message == "step train failed"


@pytest.mark.parametrize(
    "signal",
    [
        '{"feature": "bmi", "statistic": 1e999, "threshold": 0.1}',
        '{"feature": "bmi", "statistic": NaN, "threshold": 0.1}',
        '{"feature": "b\\ud800", "statistic": 1, "threshold": 0.1}',
    ],
)
def test_signal_that_cannot_be_stored_is_rejected_not_retried(app, signal):
    events_queue.handle(
        drift_found(signals="SIGNAL").replace('"SIGNAL"', f"[{signal}]").encode(), app
    )

    assert DriftChecked not in kinds(app)
    assert len(app.alert_sentences()) == 1
    assert len(app.quarantined()) == 1


def test_drift_event_with_overlong_text_is_rejected(app):
    events_queue.handle(drift_found(sentence="x" * 5000).encode(), app)

    assert "5,000 characters, at most 2,048" in app.alert_sentences()[0]

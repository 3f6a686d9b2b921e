"""Recorded payloads, one for each quirk of a producer, are read as facts."""

import json
from datetime import date
from pathlib import Path

import pytest

from shared.domain.data import BlobRef, DataArrived
from shared.domain.drift import DriftSignal, DriftVerdict
from shared.domain.jobs import ChallengerRegistered, JobFinished, JobStatus
from shared.errors import EventRejectedError
from shared.wire.drift import read_drift_detected
from shared.wire.envelope import Event, read_events
from shared.wire.machine_learning import read_model_registered, read_run_ended
from shared.wire.storage import read_blob_created, read_blob_deleted

TESTS = Path(__file__).resolve().parents[2]
DOCUMENTED = TESTS.parents[1] / "shared" / "azure-events"


def recorded(name):
    (event,) = read_events((TESTS / "wire" / f"{name}.json").read_bytes())
    return event


def an_event(event_type, data):
    return Event(event_type=event_type, subject="", source="", time_utc=None, data=data)


@pytest.mark.parametrize("schema", ["eventgrid", "cloudevent"])
def test_blob_created_event_gives_container_name_size_and_etag(schema):
    arrived = read_blob_created(recorded(f"blob_created.{schema}"))

    assert arrived == DataArrived(
        blob=BlobRef("landing", "diabetes/march a.csv", "0x8DE1C4F2A3B4C5D"),
        size_bytes=4211,
        sequencer="00000000000000000000000000001F2A00000000000b1c2d",
    )


def test_azurite_url_and_quoted_etag_are_accepted():
    arrived = read_blob_created(recorded("blob_created.azurite_url_and_quoted_etag"))

    assert arrived.blob == BlobRef("landing", "diabetes/nested/first.csv", "0x1F2E3D4C5B6A790")


def test_data_lake_event_gives_the_same_blob_name():
    arrived = read_blob_created(recorded("blob_created.data_lake"))

    assert arrived.blob.place == "landing/diabetes/lake.csv"


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ({}, "data.url is None"),
        ({"url": "https://a.blob.core.windows.net/landing/m/x.csv"}, "data.eTag is None"),
        ({"url": "https://a.blob.core.windows.net/landing", "eTag": "0x1"}, "does not name a blob"),
        (
            {
                "url": "https://a.blob.core.windows.net/landing/m/x",
                "eTag": "1",
                "contentLength": "a lot",
            },
            "'a lot'",
        ),
    ],
)
def test_malformed_blob_event_is_rejected_with_the_reason(data, named):
    with pytest.raises(EventRejectedError, match=named):
        read_blob_created(an_event("Microsoft.Storage.BlobCreated", data))


@pytest.mark.parametrize("name", ["pascal_case_and_integer_version", "camel_case_and_text_version"])
def test_model_version_is_read_as_text_from_either_payload_casing(name):
    model, fact = read_model_registered(recorded(f"model_registered.{name}"))

    assert model == "diabetes"
    assert fact == ChallengerRegistered(
        version="20", cycle_id="4be1c09a7d21", job_name="retrain-4be1c09a7d21-1"
    )


def test_version_registered_by_hand_has_no_cycle():
    _, fact = read_model_registered(recorded("model_registered.by_a_person_without_tags"))

    assert fact == ChallengerRegistered(version="21")


def test_run_completed_event_gives_a_completed_job():
    assert read_run_ended(recorded("run_completed.eventgrid")) == (
        "diabetes",
        JobFinished("retrain-4be1c09a7d21-1", JobStatus.COMPLETED),
    )


def test_failed_run_status_gives_a_failed_job():
    assert read_run_ended(recorded("run_status_changed.failed")) == (
        "diabetes",
        JobFinished("retrain-4be1c09a7d21-1", JobStatus.FAILED),
    )


@pytest.mark.parametrize("name", ["run_completed.step_of_a_pipeline", "run_status_changed.running"])
def test_pipeline_step_and_running_job_are_ignored(name):
    assert read_run_ended(recorded(name)) is None


def test_drift_event_from_another_monitor_has_the_same_key_as_our_check():
    event = an_event(
        "Retrain.DriftDetected",
        {
            "model": "diabetes",
            "date": "2026-03-13",
            "profile": 9,
            "sentence": "bmi moved by 0.31 sd",
            "signals": [{"feature": "bmi", "statistic": 0.31, "threshold": 0.1}],
        },
    )

    model, fact = read_drift_detected(event)

    assert model == "diabetes"
    assert fact.key == "drift:2026-03-13:9"
    assert fact.day == date(2026, 3, 13)
    assert fact.verdict is DriftVerdict.DRIFT
    assert fact.signals == (DriftSignal("bmi", 0.31, 0.1),)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("date", "20260313"),
        ("date", "2026-W11-5"),
        ("date", 20260313),
        ("date", "2026-02-30"),
        ("revision", "2"),
        ("revision", -1),
        ("revision", 10**30),
        ("signals", [{"feature": "bmi", "statistic": 10**400, "threshold": 0.1}]),
    ],
)
def test_drift_event_with_a_value_that_is_not_one_is_rejected_by_its_name(member, value):
    data = {"model": "diabetes", "date": "2026-03-13", "profile": 9, "sentence": "bmi moved"}

    with pytest.raises(EventRejectedError, match=member.removesuffix("s")):
        read_drift_detected(an_event("Retrain.DriftDetected", data | {member: value}))


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("measure", 7),
        ("measure", "x" * 41),
        ("role", None),
        ("since", "yesterday"),
        ("since", 3),
        ("alarmShare", 1.5),
        ("alarmShare", "half"),
    ],
)
def test_invalid_optional_field_of_a_signal_is_dropped(member, value):
    signal = {"feature": "bmi", "statistic": 0.31, "threshold": 0.1, member: value}
    data = {"model": "m", "date": "2026-03-13", "profile": "9", "sentence": "s"}

    _, fact = read_drift_detected(an_event("Retrain.DriftDetected", data | {"signals": [signal]}))

    assert fact.signals == (DriftSignal("bmi", 0.31, 0.1),)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"date": "13 March"}, "'13 March'"),
        ({"model": None}, "data.model is None"),
        ({"signals": "bmi"}, "data.signals"),
        ({"signals": [{"feature": "bmi"}]}, "'feature': 'bmi'"),
    ],
)
def test_malformed_drift_event_is_rejected_with_the_reason(change, named):
    data = {"model": "m", "date": "2026-03-13", "profile": "9", "sentence": "s"} | change

    with pytest.raises(EventRejectedError) as caught:
        read_drift_detected(an_event("Retrain.DriftDetected", data))

    assert named in str(caught.value)


@pytest.mark.skipif(not DOCUMENTED.is_dir(), reason="../shared/azure-events is not present")
def test_documented_samples_give_the_same_facts_in_both_schemas():
    readers = {
        "BlobCreated": read_blob_created,
        "ModelRegistered": read_model_registered,
        "RunCompleted": read_run_ended,
        "RunStatusChanged": read_run_ended,
    }
    for name, read in readers.items():
        both = []
        for schema in ("eventgrid", "cloudevent"):
            text = (DOCUMENTED / f"{name}.{schema}.json").read_text("utf-8")
            (event,) = read_events(json.dumps(json.loads(text)).encode())
            both.append(read(event))
        assert both[0] == both[1]


def test_blob_deleted_event_gives_the_place_and_names_the_deletion():
    deletion = read_blob_deleted(recorded("blob_deleted.eventgrid"))

    assert deletion.place == "landing/diabetes/march.csv"
    assert deletion.request == deletion.sequencer == "0000000000000281000000000002F5CA"


def test_blob_deleted_event_without_a_sequencer_is_named_by_its_request():
    url = "https://a.blob.core.windows.net/landing/m/a.csv"
    event = an_event("Microsoft.Storage.BlobDeleted", {"url": url, "requestId": "r1"})

    assert (read_blob_deleted(event).sequencer, read_blob_deleted(event).request) == (None, "r1")


def test_blob_deleted_event_that_nothing_names_is_rejected():
    url = "https://a.blob.core.windows.net/landing/m/a.csv"

    with pytest.raises(EventRejectedError, match="requestId"):
        read_blob_deleted(an_event("Microsoft.Storage.BlobDeleted", {"url": url}))

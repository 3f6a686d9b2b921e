"""Messages in either schema and encoding become the same events."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import EventRejectedError
from shared.wire.envelope import read_events

RECORDED = Path(__file__).resolve().parents[2] / "wire"


def recorded(name):
    return (RECORDED / f"{name}.json").read_bytes()


def test_event_grid_and_cloud_events_schemas_give_the_same_event():
    (event_grid,) = read_events(recorded("blob_created.eventgrid"))
    (cloud_event,) = read_events(recorded("blob_created.cloudevent"))

    assert event_grid == cloud_event
    assert event_grid.event_type == "Microsoft.Storage.BlobCreated"
    assert event_grid.time_utc == datetime(2026, 3, 14, 6, 2, 11, 123456, tzinfo=UTC)


def test_base64_and_plain_text_give_the_same_event():
    plain = recorded("run_completed.eventgrid")

    assert read_events(base64.b64encode(plain)) == read_events(plain)


def test_array_yields_each_of_its_events():
    assert len(read_events(recorded("blob_created.batch_of_two"))) == 2


def test_subscription_validation_event_is_ignored():
    assert read_events(recorded("subscription_validation")) == ()


def test_base64_data_of_a_cloud_event_is_decoded():
    event = json.loads(recorded("run_completed.eventgrid"))
    data = base64.b64encode(json.dumps(event["data"]).encode()).decode()
    cloud = {"specversion": "1.0", "type": event["eventType"], "source": "s", "data_base64": data}

    (read,) = read_events(json.dumps(cloud).encode())

    assert read.data == event["data"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "0 bytes"),
        (b"not json", "neither JSON nor base64"),
        (b"\xff\xfe\x00", "neither JSON nor base64"),
        (b"3", "int"),
        (b"[1]", "int"),
        (b"{}", "eventType is None"),
        (b'{"eventType": 4, "data": {}}', "eventType is 4"),
        (b'{"eventType": "x", "data": [1]}', "data is list"),
        (b'{"specversion": "1.0", "source": "s"}', "type is None"),
    ],
)
def test_malformed_event_is_rejected_with_the_reason(body, named):
    with pytest.raises(EventRejectedError) as caught:
        read_events(body)

    assert named in str(caught.value)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_crash_the_reader(body):
    try:
        read_events(body)
    except EventRejectedError as exc:
        assert str(exc)  # noqa: PT017 - either outcome is fine, only another error is not

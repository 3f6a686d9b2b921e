"""Values of triggers and outputs, and the status of timers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from local.functions_host.configuration.definitions import TimerTrigger
from local.functions_host.configuration.ncrontab import Schedule
from local.functions_host.triggers.outputs import resolve
from local.functions_host.triggers.queue_values import add_json_members, output_messages
from local.functions_host.triggers.timer import ScheduleStatus, first_run, is_monitored
from local.functions_host.worker.functions_host_worker import wire

NOW = datetime(2026, 1, 14, 9, 17, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("output", "messages"),
    [
        (wire.datum("string", "tea"), [b"tea"]),
        (wire.datum("string", ""), [b""]),
        (wire.datum("bytes", b"\x00\xff"), [b"\x00\xff"]),
        (wire.datum("json", '["a", "b"]'), [b"a", b"b"]),
        # Azure splits text that looks like an array, and does not ask.
        (wire.datum("string", "[1, true]"), [b"1", b"True"]),
        (wire.datum("json", '{"id": null}'), [b'{\n  "id": null\n}']),
        (wire.datum("json", '[{"a": 1}]'), [b'{\n  "a": 1\n}']),
        (wire.datum(None, None), []),
        (wire.datum("int", 5), [b"5"]),
    ],
)
def test_output_becomes_the_messages_that_azure_sends(output, messages):
    assert output_messages(output) == messages


def test_output_that_only_looks_like_json_fails_as_on_azure():
    with pytest.raises(ValueError, match="Expecting"):
        output_messages(wire.datum("string", "{not json}"))


def test_members_of_a_json_body_are_merged_into_the_metadata_ignoring_case():
    metadata = {"Id": wire.datum("string", "1"), "DequeueCount": wire.datum("json", "1")}

    add_json_members(metadata, '{"ID": "x", "n": 5, "no": null, "list": [1], "in": {"a": 1}}')

    assert metadata == {
        "Id": wire.datum("string", "x"),
        "DequeueCount": wire.datum("json", "1"),
        "n": wire.datum("string", "5"),
        "in": wire.datum("json", '{"a": 1}'),
    }


def test_blob_path_is_filled_in_from_the_trigger_metadata():
    metadata = {
        "Name": wire.datum("string", "tea"),
        "data": wire.datum("json", '{"url": {"x": 5}}'),
    }

    assert resolve("out/{name}/{data.url.x}.txt", metadata) == "out/tea/5.txt"
    assert len(resolve("out/{rand-guid}", {})) == len("out/") + 36
    with pytest.raises(ValueError, match=r"\{other\} in path"):
        resolve("out/{other}", metadata)


def timer(text, **options):
    schedule = Schedule.parse(text, now_utc=NOW)
    return TimerTrigger("t", schedule, run_on_startup=False, use_monitor=options.get("monitor"))


def test_only_timers_of_a_minute_or_more_catch_up_on_missed_runs():
    assert is_monitored(timer("0 * * * * *"), NOW)
    assert not is_monitored(timer("*/30 * * * * *"), NOW)
    assert not is_monitored(timer("*/30 * * * * *", monitor=True), NOW)
    assert not is_monitored(timer("0 0 6 * * *", monitor=False), NOW)


def test_first_run_is_past_due_when_one_was_missed():
    schedule = timer("0 0 6 * * *").schedule
    yesterday = NOW.replace(hour=6, minute=0, second=0) - timedelta(days=1)
    today = yesterday + timedelta(days=1)

    def after(last):
        return first_run(schedule, ScheduleStatus(last, NOW, last or NOW), NOW)

    assert first_run(schedule, None, NOW) == (today + timedelta(days=1), False)
    assert after(yesterday) == (today, True)
    assert after(today) == (today + timedelta(days=1), False)
    assert after(None) == (today + timedelta(days=1), False)

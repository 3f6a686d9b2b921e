"""Parts of the Functions host that need no process and no storage."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from local.functions_host.configuration.definitions import Retry, TimerTrigger
from local.functions_host.configuration.host_json import HostSettings, QueueSettings, read_host_json
from local.functions_host.configuration.ncrontab import Schedule
from local.functions_host.configuration.routing import Template, best_first
from local.functions_host.errors import FunctionAppError
from local.functions_host.triggers.outputs import resolve
from local.functions_host.triggers.queue_values import add_json_members, output_messages
from local.functions_host.triggers.timer import ScheduleStatus, first_run, is_monitored
from local.functions_host.worker.functions_host_worker import wire

NOW = datetime(2026, 1, 14, 9, 17, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("api/a", "/api/a", {}),
        ("api/a", "/API/A/", {}),
        ("api/a", "/api/a/b", None),
        ("api/{x}", "/api", None),
        ("api/{x?}", "/api", {}),
        ("api/{x=1}", "/api", {"x": "1"}),
        ("api/{x}/b/{y}", "/api/1/b/2", {"x": "1", "y": "2"}),
        ("api/{x:int}", "/api/-5", {"x": "-5"}),
        ("api/{x:int}", "/api/2147483648", None),
        ("api/{x:long}", "/api/2147483648", {"x": "2147483648"}),
        ("api/{x:int:min(1)}", "/api/0", None),
        ("api/{x:range(1,9)}", "/api/9", {"x": "9"}),
        ("api/{x:length(2,3)}", "/api/abcd", None),
        ("api/{x:maxlength(3)}", "/api/abc", {"x": "abc"}),
        ("api/{x:alpha}", "/api/a1", None),
        ("api/{x:bool}", "/api/TRUE", {"x": "TRUE"}),
        ("api/{x:guid}", "/api/d071b70c-a812-4b54-87d2-7769528e2814", True),
        ("api/{x:regex(^(a|b)$)}", "/api/b", {"x": "b"}),
        ("api/{x:regex(^(a|b)$)}", "/api/c", None),
        ("{*rest}", "/a/b%20c", {"rest": "a/b c"}),
        ("{*rest}", "/", {}),
        ("api/{x}", "/api/a%2Fb", {"x": "a/b"}),
    ],
)
def test_route_matches_the_paths_that_aspnet_matches(template, path, expected):
    found = Template.parse(template).match(path)

    assert (found is not None) if expected is True else (found == expected)


def test_most_specific_route_is_tried_first():
    texts = ["{*all}", "a/{x}", "a/{x:int}", "a/b", "{x}/b"]

    ordered = best_first([(Template.parse(text), text) for text in texts])

    assert [text for _, text in ordered] == ["a/b", "a/{x:int}", "a/{x}", "{x}/b", "{*all}"]


@pytest.mark.parametrize(
    "template", ["{*a}/b", "{a?}/b", "{a}/{A}", "x{a}", "{a", "{a:roman}", "{a:min(x)}", "{1a}"]
)
def test_invalid_route_is_refused(template):
    with pytest.raises(FunctionAppError, match="route"):
        Template.parse(template)


def test_empty_host_json_has_azures_defaults(tmp_path):
    (tmp_path / "host.json").write_text('{"version": "2.0"}', encoding="utf-8")

    assert read_host_json(tmp_path / "host.json") == HostSettings(
        route_prefix="api",
        function_timeout=timedelta(minutes=30),
        queues=QueueSettings(
            batch_size=16, new_batch_threshold=8, max_dequeue_count=5, base64=True
        ),
    )


def test_all_mistakes_in_host_json_are_listed(tmp_path):
    (tmp_path / "host.json").write_text(
        json.dumps(
            {
                "version": "1.0",
                "functionTimeout": "soon",
                "concurrency": {"dynamicConcurrencyEnabled": True},
                "logging": {"anything": 1},
                "extensions": {
                    "http": {"hsts": {}, "routePrefix": "/x/"},
                    "queues": {"batchSize": 33, "messageEncoding": "hex", "maxDequeueCount": 0},
                    "cosmosDB": {},
                },
            }
        ),
        encoding="utf-8",
    )

    with pytest.raises(FunctionAppError) as refused:
        read_host_json(tmp_path / "host.json")

    lines = str(refused.value).splitlines()[1:]
    named = [line.strip(" -").split(" ")[0].rstrip(":") for line in lines]
    assert sorted(named) == [
        "concurrency",
        "extensions.cosmosDB",
        "extensions.http.hsts",
        "extensions.queues.batchSize",
        "extensions.queues.maxDequeueCount",
        "extensions.queues.messageEncoding",
        "functionTimeout",
        "version",
    ]


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


def test_frames_carry_bytes_and_any_text():
    value = wire.datum("bytes", bytes(range(256)))

    frame = wire.encode({"text": "Grüße \n", "value": value})

    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    assert wire.value_of(json.loads(frame[4:])["value"]) == bytes(range(256))
    assert base64.b64decode(value["value"]) == bytes(range(256))


def test_retry_delay_doubles_up_to_the_longest():
    retry = Retry(limit=5, shortest=timedelta(seconds=2), longest=timedelta(seconds=10))

    assert [retry.delay(failures).total_seconds() for failures in (1, 2, 3, 4)] == [2, 4, 8, 10]


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

"""Routes, host.json and retry policies."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from local.functions_host.configuration.definitions import Retry
from local.functions_host.configuration.host_json import HostSettings, QueueSettings, read_host_json
from local.functions_host.configuration.routing import Template, best_first
from local.functions_host.errors import FunctionAppError


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


def test_retry_delay_doubles_up_to_the_longest():
    retry = Retry(limit=5, shortest=timedelta(seconds=2), longest=timedelta(seconds=10))

    assert [retry.delay(failures).total_seconds() for failures in (1, 2, 3, 4)] == [2, 4, 8, 10]

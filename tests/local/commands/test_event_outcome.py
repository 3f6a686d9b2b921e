"""The outcome of an event, which `put` reads from the hosts' logs."""

from __future__ import annotations

import pytest

from local.commands.event_outcome import FunctionsLog

TAKEN = (
    "2026-03-14T06:00:00.000Z INFO [host] Trigger Details: "
    "(Id=inv-1, MessageId=m, DequeueCount=1, EventId=event-1)\n"
)
OTHER = TAKEN.replace("inv-1", "inv-2").replace("event-1", "event-2")
SUCCEEDED = (
    "2026-03-14T06:00:01.000Z INFO [host] "
    "Executed 'Functions.on_event' (Succeeded, Id=inv-1, Duration=12ms)\n"
)
FAILED = SUCCEEDED.replace("INFO", "ERROR").replace("Succeeded", "Failed")
ERROR = '2026-03-14T06:00:00.500Z ERROR [inv-1] app.alerts: alert {"sentence": "no such thing"}\n'


@pytest.fixture
def log(tmp_path):
    """A log with a line that is older than the event."""
    folder = tmp_path / "logs"
    folder.mkdir()
    file = folder / "functions.log"
    file.write_text(ERROR.replace("no such thing", "of before"), encoding="utf-8")

    def write(*lines):
        reader = FunctionsLog(folder)
        with file.open("a", encoding="utf-8") as out:
            out.write("".join(lines))
        return reader

    return write


@pytest.mark.parametrize(
    ("lines", "outcome"),
    [
        ((TAKEN, SUCCEEDED), "on_event took it, without a warning"),
        (
            (TAKEN, ERROR, SUCCEEDED),
            'on_event took it:\n  ERROR [inv-1] app.alerts: alert {"sentence": "no such thing"}',
        ),
        (
            (TAKEN, OTHER, ERROR.replace("inv-1", "inv-2"), SUCCEEDED),
            "on_event took it, without a warning",
        ),
        (
            (TAKEN, FAILED),
            (
                "on_event took it:\n"
                "  it failed and is tried again; see: python -m local --state STATE logs functions"
            ),
        ),
    ],
)
def test_outcome_is_read_from_the_log_of_the_handling_function(log, tmp_path, lines, outcome):
    told = log(*lines).outcome("event-1", wait_seconds=0)

    assert told == outcome.replace("STATE", str(tmp_path))


@pytest.mark.parametrize("lines", [(), (TAKEN,), (OTHER, SUCCEEDED.replace("inv-1", "inv-2"))])
def test_outcome_of_an_unhandled_event_points_to_the_log(log, lines):
    outcome = log(*lines).outcome("event-1", wait_seconds=0)

    assert outcome.startswith("no function has ended with it after 0 s")


def test_logs_of_all_hosts_are_read(tmp_path):
    # given
    for name in ("functions.log", "functions-2.log"):
        (tmp_path / name).touch()
    reader = FunctionsLog(tmp_path)

    # when
    (tmp_path / "functions-2.log").write_text(TAKEN + SUCCEEDED, encoding="utf-8")

    # then
    assert reader.outcome("event-1", wait_seconds=0) == "on_event took it, without a warning"

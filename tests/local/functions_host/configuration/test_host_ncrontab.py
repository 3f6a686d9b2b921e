"""Expected times come from Microsoft's table of NCRONTAB examples and from the calendar."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from local.functions_host.configuration.ncrontab import Schedule, ScheduleError

# A Wednesday.
NOW = datetime(2026, 1, 14, 9, 17, 30, tzinfo=UTC)


def at(month, day, hour, minute, second=0):
    return datetime(2026, month, day, hour, minute, second, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 */5 * * * *", at(1, 14, 9, 20)),
        ("*/5 * * * *", at(1, 14, 9, 20)),
        ("0 0 * * * *", at(1, 14, 10, 0)),
        ("0 0 */2 * * *", at(1, 14, 10, 0)),
        ("0 0 9-17 * * *", at(1, 14, 10, 0)),
        ("0 30 9 * * *", at(1, 14, 9, 30)),
        ("0 30 9 * * 1-5", at(1, 14, 9, 30)),
        ("0 30 9 * Jan Mon", at(1, 19, 9, 30)),
        ("0 30 9 * january MONDAY", at(1, 19, 9, 30)),
        ("* * * * * *", at(1, 14, 9, 17, 31)),
        ("10,40 * * * * *", at(1, 14, 9, 17, 40)),
        ("5/20 * * * * *", at(1, 14, 9, 17, 45)),
        ("0 10-30/10 * * * *", at(1, 14, 9, 20)),
        ("0 0 0 * * 0", at(1, 18, 0, 0)),
        # Both must hold: the first 15th that is a Sunday, not the 15th or a Sunday.
        ("0 0 0 15 * 0", at(2, 15, 0, 0)),
        ("0 0 0 29 2 *", datetime(2028, 2, 29, tzinfo=UTC)),
    ],
)
def test_schedule_fires_at_the_times_azure_documents(text, expected):
    assert Schedule.parse(text, now_utc=NOW).after(NOW) == expected


def test_next_run_is_strictly_after_the_last():
    schedule = Schedule.parse("0 0 9 * * *", now_utc=NOW)

    assert schedule.after(at(1, 15, 9, 0)) == at(1, 16, 9, 0)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("not a cron", "3 fields"),
        ("", "0 fields"),
        ("* * * *", "4 fields"),
        ("* * * * * * *", "7 fields"),
        ("@hourly", "1 fields"),
        ("00:30:00", "TimeSpan"),
        ("1.00:00:00", "TimeSpan"),
        ("60 * * * * *", "60 is outside 0 to 59"),
        ("0 60 * * * *", "60 is outside 0 to 59"),
        ("0 0 24 * * *", "24 is outside 0 to 23"),
        ("0 0 0 0 * *", "0 is outside 1 to 31"),
        ("0 0 0 * 13 *", "13 is outside 1 to 12"),
        ("0 0 0 * * 7", "7 is outside 0 to 6"),
        ("0 0 0 ? * *", "not one of"),
        ("0 0 0 L * *", "is not a valid day of month"),
        ("0 0 0 15W * *", "is not a valid day of month"),
        ("0 0 0 * * 5#3", "not one of"),
        ("0 0 0 * * Mo", "is not a valid day of week"),
        ("0 0 0 * Mon *", "is not a valid month"),
        ("0 */0 * * * *", "a step must be at least 1"),
        ("0 */-5 * * * *", "not one of"),
        ("0 5,,7 * * * *", "not one of"),
        ("0 5- * * * *", "not one of"),
        ("0 *-5 * * * *", "not one of"),
        ("0 0 22-4 * * *", "runs backwards"),
        ("0 0 0 30 2 *", "never comes"),
    ],
)
def test_invalid_schedule_is_refused_with_the_reason(text, complaint):
    with pytest.raises(ScheduleError, match=complaint):
        Schedule.parse(text, now_utc=NOW)

"""Memory does not grow with the number of rows."""

from datetime import date

import pyarrow as pa
import pytest

from ml.drift import Profile, Role
from ml.monitoring.collected import Recent
from ml.monitoring.window_rows import Requests, RoleRows

NAMES = "abcdefghij"


@pytest.fixture
def ten_columns(bench):
    table = pa.table({name: [float(i) for i in range(300)] for name in NAMES})
    return RoleRows(Profile.fit(table, draws=100), Role.FEATURE, bench.config)


def test_streamed_rows_are_passed_on_in_bounded_batches(ten_columns):
    read = 0

    def requests():
        nonlocal read
        for _ in range(60):
            read += 1_000
            yield [dict.fromkeys(NAMES, 1.5)] * 1_000

    waiting, seen = [], 0
    for batch in ten_columns._requests(requests()):
        waiting.append(read - seen)
        seen += batch.num_rows

    assert seen == 60_000
    assert max(waiting) <= 20_000


def test_every_row_of_a_stream_is_counted(ten_columns):
    found = ten_columns.scan_requests([{"a": i, "b": None}] for i in range(25_000))

    assert found.rows == 25_000
    assert found.summaries.keys() == {"a", "b"}
    assert (found.summaries["a"].finite, found.summaries["b"].missing) == (25_000, 25_000)


def test_column_that_appears_late_is_missing_in_earlier_rows(ten_columns):
    found = ten_columns.scan_requests([{"a": i} if i < 24_000 else {"c": i}] for i in range(25_000))

    assert (found.summaries["a"].missing, found.summaries["c"].missing) == (1_000, 24_000)


def test_at_most_fifty_new_columns_are_remembered():
    requests = Requests(known=set())

    requests.add([{f"column {i}": 1 for i in range(100_000)}], date(2026, 3, 14))
    requests.add([{"another": 1}], date(2026, 3, 14))

    assert len(requests.new_columns) == 50


def test_only_the_latest_hundred_thousand_keys_are_remembered():
    recent = Recent()

    first = [recent.has("event", i) for i in range(100_001)]

    assert not any(first)
    assert recent.has("event", 100_000)
    assert not recent.has("event", 0)
    assert len(recent._seen) == 100_000

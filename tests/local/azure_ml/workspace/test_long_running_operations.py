"""Long-running operations: how they end, and how a stop of the stack interrupts them."""

from __future__ import annotations

import asyncio
import json

import pytest

from local.azure_ml.workspace.operations import OperationFailedError, Operations

PREFIX = "https://127.0.0.1:1/subscriptions/s/providers/p/locations/l"


@pytest.fixture
def operations(tmp_path):
    """Makes them over one folder; `well`, `refused`, `broken` and `waits` are their actions."""

    def make(done):
        async def well(subject):
            done.append(subject)

        async def refused(_):
            raise OperationFailedError("UserError", "because")

        async def broken(_):
            raise ValueError("a bug")

        async def waits(_):
            await asyncio.Event().wait()

        made = Operations(tmp_path, url_prefix=PREFIX)
        for handler in (well, refused, broken, waits):
            made.handle(handler.__name__, handler)
        return made

    return make


def test_operation_ends_as_its_handler_ends(operations):
    async def run():
        some = operations([])
        started = [some.start(action, "a/b") for action in ("well", "refused", "broken")]
        assert some.is_in_progress("a/b")
        assert some.status(started[0])["status"] == "InProgress"
        ended = [await some.wait(one) for one in started]
        assert not some.is_in_progress("a/b")
        return ended

    # when
    well, refused, broken = asyncio.run(run())

    # then
    assert well["status"] == "Succeeded"
    assert refused["status"] == "Failed"
    assert refused["error"] == {"code": "UserError", "message": "because"}
    assert broken["error"] == {"code": "InternalError", "message": "ValueError: a bug"}
    assert set(well) == {"id", "name", "status", "startTime", "endTime"}


def test_interrupted_operation_stays_in_progress_until_it_is_rerun(operations):
    async def first():
        some = operations([])
        started = some.start("waits", "a/b")
        await asyncio.sleep(0)
        await some.stop()
        return started

    async def second(started):
        done = []
        some = operations(done)
        some.handle("waits", lambda subject: _append(done, subject))
        assert some.status(started)["status"] == "InProgress"
        assert some.is_in_progress("a/b")
        some.resume()
        return await some.wait(started), done

    # when
    status, done = asyncio.run(second(asyncio.run(first())))

    # then
    assert status["status"] == "Succeeded"
    assert done == ["a/b"]


async def _append(done, subject):
    done.append(subject)


def test_operation_requested_during_a_stop_runs_at_the_next_start(operations):
    async def first():
        some = operations([])
        await some.stop()
        return some.start("well", "a/b")

    async def second(started):
        done = []
        some = operations(done)
        some.resume()
        await some.wait(started)
        return done

    assert asyncio.run(second(asyncio.run(first()))) == ["a/b"]


def test_handler_that_fails_during_a_stop_does_not_fail_its_operation(operations):
    async def run():
        some = operations([])
        started = some.start("refused", "a/b")
        some.interrupt()
        return await some.wait(started)

    assert asyncio.run(run())["status"] == "InProgress"


def test_interrupted_operation_of_an_older_version_is_failed(operations, tmp_path):
    # given
    old = {"id": "x", "name": "abc", "status": "InProgress", "startTime": "2026-01-01"}
    (tmp_path / "abc.json").write_text(json.dumps(old), encoding="utf-8")

    # when
    status = operations([]).status("abc")

    # then
    assert status["status"] == "Failed"
    assert "stopped" in status["error"]["message"]


def test_operation_headers_are_those_the_sdk_polls(tmp_path):
    # when
    headers = Operations(tmp_path, url_prefix=PREFIX).headers("abc")

    # then
    assert headers["Azure-AsyncOperation"].startswith(f"{PREFIX}/mfeOperationsStatus/abc?")
    assert headers["Retry-After"] == "1"

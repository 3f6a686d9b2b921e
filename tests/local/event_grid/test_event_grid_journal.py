"""Undelivered events survive a restart, a kill and a damaged or full disk."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import sys

import pytest
from grid_bench import DEAD_STORAGE, FAST, ROOT, blob_created, received, to_queue, to_webhook, until

from local.errors import LocalStackError
from local.event_grid.journal import Journal, NewDelivery
from local.supervision.processes import child_environment

pytestmark = [pytest.mark.azurite, pytest.mark.anyio]


_ACCEPTS_AND_WAITS = """
import asyncio, json, sys
from pathlib import Path
from local.event_grid import EventGrid
from local.event_grid.models import SubscriptionEntry
from local.serving.tls import LocalTls

async def main(state, name, storage, events):
    grid = EventGrid(
        state=Path(state), topics=[], tls=LocalTls.create(Path(state) / "tls"),
        subscriptions=[SubscriptionEntry.model_validate(
            {"name": "to-queue", "source": "storage", "destination": {"queue": name}})],
        storage_connection_string=storage, authorize=bool, speed=1000.0)
    await grid.start()
    await grid.publish("storage", json.loads(events))
    print("accepted", flush=True)
    await asyncio.sleep(3600)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_accepted_event_survives_kill_9_before_its_delivery(started, queue, name, tmp_path):
    events = [blob_created(number) for number in range(20)]
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _ACCEPTS_AND_WAITS, str(tmp_path / "grid"), name, DEAD_STORAGE),
        json.dumps(events),
        stdout=asyncio.subprocess.PIPE,
        env=child_environment({"PYTHONPATH": str(ROOT)}),
    )
    assert await child.stdout.readline() == b"accepted\n"
    child.send_signal(signal.SIGKILL)
    await child.wait()

    async with started(to_queue(name), speed=FAST) as grid:
        found = await received(queue, 20)
        await until(lambda: grid.waiting() == {})

    assert {event["id"] for event in found} == {event["id"] for event in events}


async def test_restart_resumes_deliveries_and_drops_those_of_removed_subscriptions(
    started, queue, name
):
    async with started(
        to_queue(name),
        to_queue(name) | {"name": "given-up"},
        storage_connection_string=DEAD_STORAGE,
    ) as grid:
        await grid.publish("storage", [blob_created(1)])
        assert grid.waiting() == {"to-queue": 1, "given-up": 1}

    async with started(to_queue(name), speed=FAST) as grid:
        assert "given-up" not in grid.waiting()
        # The first attempt failed at real speed, so its retry is due in ten seconds.
        (owed,) = grid.deliveries() or [None]
        assert owed is None or owed.event["id"] == "event-1"
        assert [event["id"] for event in await received(queue, 1)] == ["event-1"]


async def test_journal_reuses_the_space_of_ended_deliveries(tmp_path):
    journal = Journal(tmp_path / "journal.sqlite")
    for round_ in range(100):
        events = [blob_created(round_, text="x" * 20_000) for _ in range(20)]
        journal.accept([NewDelivery("to-queue", event, 0.0) for event in events], now=0.0)
        for delivery in journal.due("to-queue", now=1.0, but=(), most=20):
            journal.end(delivery)

    assert journal.waiting() == {}
    # Forty megabytes went through.
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 10_000_000
    journal.close()


async def test_second_event_grid_on_the_same_state_is_refused(started, name):
    async with started(to_queue(name)):
        with pytest.raises(LocalStackError, match="another stack"):
            async with started(to_queue(name)):
                pass


async def test_damaged_journal_is_named_with_the_remedy(started, name, tmp_path):
    (tmp_path / "grid").mkdir()
    (tmp_path / "grid" / "event-grid.sqlite").write_bytes(b"not a database" * 100)

    with pytest.raises(LocalStackError, match=r"event-grid\.sqlite is damaged.*Delete"):
        async with started(to_queue(name)):
            pass


async def test_damage_after_the_first_page_of_the_journal_is_found_at_the_start(
    started, name, tmp_path
):
    # given: pages beyond the first
    file = tmp_path / "grid" / "event-grid.sqlite"
    journal = Journal(file)
    events = [blob_created(number, text="x" * 3000) for number in range(200)]
    journal.accept([NewDelivery("to-queue", event, 0.0) for event in events], now=0.0)
    journal.close()
    content = bytearray(file.read_bytes())
    for place in range(len(content) // 4, len(content) // 2, 7):
        content[place] ^= 0x55
    file.write_bytes(content)

    # when, then
    with pytest.raises(LocalStackError, match=r"event-grid\.sqlite is damaged"):
        async with started(to_queue(name)):
            pass


async def test_full_disk_does_not_flood_the_destination_with_repeated_deliveries(
    started, webhook, monkeypatch
):
    # given: as with a full disk, nothing that is delivered can be struck off
    def full(*_, **__):
        raise sqlite3.OperationalError("database or disk is full")

    async with started(to_webhook(webhook)) as grid:
        await until(lambda: grid.status()["to-hook"].ready)
        with monkeypatch.context() as disk:
            disk.setattr(Journal, "end", full)
            disk.setattr(Journal, "retry", full)
            await grid.publish("storage", [blob_created()])
            await until(webhook.notifications)

            # when
            await asyncio.sleep(0.5)
            while_full = len(webhook.notifications())

        # then: one attempt, and the event is owed, not lost
        assert while_full == 1
        assert grid.waiting() == {"to-hook": 1}

"""A Delta or Iceberg folder in landing is refused once, as a whole, whatever comes first."""

from __future__ import annotations

from datetime import timedelta

import pytest
from simulated_world import World

from shared.domain.data import DataArrived
from shared.domain.retraining import Outcome

LOG = "diabetes/trips/_delta_log/00000000000000000000.json"
PARTS = ("diabetes/trips/part-0.parquet", "diabetes/trips/day=1/part-1.parquet")
SENTENCE = (
    "Folder landing/diabetes/trips/ refused: it is a Delta table, whose files hold removed rows "
    "beside live ones. Export its rows as plain Parquet or CSV into another folder: "
    "df.write.parquet(...)."
)


def alerts(world):
    return [alert.sentence for alert in world.ports.alerts.sent.values()]


def state(world):
    return world.ledger.head("diabetes").state


def pinned(world):
    version = state(world).data
    return world.ports.data.get_json(version.pins, sha256=version.pins_sha256)


def test_parts_that_were_accepted_before_the_log_came_are_taken_out():
    world = World()
    world.upload("diabetes/rows.csv", b"a\nb\n")
    world.upload(PARTS[0], b"c\nc\n")
    world.run_until_quiet()
    assert state(world).data.files == 2

    world.upload(PARTS[1], b"d\nd\n")
    world.upload(LOG, b"{}")
    world.run_until_quiet()

    assert state(world).data.files == 1
    assert "rows.csv" in pinned(world)
    assert "trips" not in pinned(world)
    assert alerts(world).count(SENTENCE) == 1
    assert world.blobs.listing("quarantine") == []


def test_only_a_table_was_dropped_so_that_nothing_is_left_to_train_on():
    world = World()
    for path in (*PARTS, LOG):
        world.upload(path, f"{path}\n{path}\n".encode())

    world.run_until_quiet()

    assert state(world).data.files == 0
    assert state(world).past[-1].outcome is Outcome.NOT_RETRAINED
    assert alerts(world).count(SENTENCE) == 1


def test_parts_that_come_after_the_log_are_passed_over():
    world = World()
    world.upload(LOG, b"{}")
    world.run_until_quiet()
    for path in (*PARTS, LOG.replace("0.json", "1.json")):
        world.upload(path, b"c\nc\n")

    world.run_for(timedelta(hours=1))  # by event and by reconcile

    facts = [entry.fact for entry in world.ledger.entries("diabetes")]
    assert not any(isinstance(fact, DataArrived) for fact in facts)
    assert state(world).past == ()
    assert alerts(world) == [SENTENCE]


@pytest.mark.parametrize(
    ("log", "kind"),
    [(LOG, "a Delta table"), ("diabetes/trips/metadata/v1.metadata.json", "an Iceberg table")],
)
def test_table_without_events_is_refused_by_reconcile(log, kind):
    world = World()
    for path in (*PARTS, log):
        world.blobs.upload("landing", path, b"c\nc\n")

    world.run_for(timedelta(hours=1))

    assert state(world).past == ()
    (sentence,) = alerts(world)
    assert kind in sentence


def test_table_in_the_folder_of_the_model_leaves_the_files_of_people():
    world = World()
    world.upload("diabetes/rows.csv", b"a\nb\n")
    world.upload("diabetes/part-0.parquet", b"c\nc\n")
    world.run_until_quiet()

    world.upload("diabetes/_delta_log/00000000000000000000.json", b"{}")
    world.upload("diabetes/more.csv", b"d\nd\n")
    world.run_until_quiet()

    assert state(world).data.files == 2
    assert "part-0" not in pinned(world)

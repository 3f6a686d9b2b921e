"""Injected faults."""

from __future__ import annotations

from collections import Counter

import pytest
from grid_bench import blob_created, received, to_queue, until

from local.event_grid import Faults

pytestmark = [pytest.mark.azurite, pytest.mark.anyio]


async def test_injected_faults_are_determined_by_the_seed(started, queue, name, tmp_path):
    runs = []
    for run in range(2):
        faults = Faults(duplicates=2, longest_delay_seconds=0.3, lost_ratio=0.3, seed=7)
        async with started(to_queue(name), faults=faults, state=tmp_path / str(run)) as grid:
            await grid.publish("storage", [blob_created(number) for number in range(30)])
            owed = sum(grid.waiting().values())
            await until(lambda: grid.waiting() == {})
            runs.append(await received(queue, 1))
            assert len(runs[-1]) == grid.status()["to-queue"].delivered
            assert owed <= 90

    counts = [Counter(event["data"]["number"] for event in run) for run in runs]
    assert counts[0] == counts[1]
    assert max(counts[0].values()) == 3
    assert 30 < counts[0].total() < 90
    order = [event["data"]["number"] for event in runs[0]]
    assert order != sorted(order)

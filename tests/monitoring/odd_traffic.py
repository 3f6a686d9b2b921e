"""Two days of requests with unusual cells, and labels for some of them; always the same.

`before/` holds the figures of the version before, which had a reader of its own for requests.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from window_bench import MIDNIGHT, NOON, table

if TYPE_CHECKING:
    from pathlib import Path

    from window_bench import Bench

_INCOMES: tuple[Any, ...] = (
    *(None, "31.5", " 12 ", "1e3", "much", "NA", "", 7, float("nan"), float("inf")),
    *("Infinity", [1], {"a": 1}, 10**400, 2**70, -(2**63), "\ud800", "0x10", "1_000", "-0.0"),
)
_ROOMS: tuple[Any, ...] = (None, "1", "2.0", 3, 1.5, "x", [2], " 3", "NaN")
_KINDS: tuple[Any, ...] = (None, "NA", "boat", 7, True, ["flat"], "\ud800", "x" * 1_500)
_IDS: tuple[Any, ...] = (None, "NA", [1])


def send(bench: Bench) -> None:
    """Inputs and outputs of two days, thirty days of older outputs, and unreadable lines."""
    rows = table(900, seed=31, shift=0.4).to_dict("records")
    for i, row in enumerate(rows):
        if i % 9 == 0:
            row["income"] = _INCOMES[i // 9 % len(_INCOMES)]
        if i % 13 == 0:
            row["rooms"] = _ROOMS[i // 13 % len(_ROOMS)]
        if i % 17 == 0:
            row["kind"] = _KINDS[i // 17 % len(_KINDS)]
        if i % 29 == 0:
            row["row"] = _IDS[i // 29 % len(_IDS)]
        if i % 31 == 0:
            del row["rooms"]
        if i % 37 == 0:
            row["color"] = "red"
    inputs = [{name: cell for name, cell in row.items() if name != "paid"} for row in rows]
    for day, part in ((0, inputs[:600]), (1, inputs[600:])):
        at = NOON - timedelta(days=day)
        bench.send(part[:200], at=at, each=1)
        bench.send(part[200:], at=at, each=64)
    bench.send(inputs[:50], at=NOON, deployment="version-8", modelversion="8", each=50)
    bench.send(inputs[50:60], at=NOON, id="event-again", each=10)
    bench.send(inputs[50:60], at=NOON, id="event-again", each=10)
    bench.send(inputs[60:70], at=NOON, correlationid="request-again", each=10)
    bench.send(inputs[60:75], at=NOON, correlationid="request-again", each=15)
    _answer(bench, rows)
    bench.write("not json\n")
    bench.write('{"time": "2026-03-14T12:00:00Z", "data": [1, "a", null]}\n')
    bench.write('{"time": "2026-03-14T12:00:00Z", "dataref": "https://x/y"}\n')
    bench.write('{"specversion":"1.0","data":[{"income"')


def _answer(bench: Bench, rows: list[dict[str, Any]]) -> None:
    rng = np.random.default_rng(32)
    forms = (int, float, str, lambda said: f"{said}.0")
    answers: list[dict[str, Any]] = []
    for i, row in enumerate(rows):
        said = int(row["paid"] if rng.random() < 0.85 else 1 - row["paid"])
        cell: Any = forms[i % len(forms)](said) if i % 3 == 0 else said
        answers.append({"row": row["row"], "prediction": None if i % 41 == 0 else cell})
    for day in range(20):
        part = answers[day * 45 : (day + 1) * 45]
        bench.send(part, at=NOON - timedelta(days=day), collection="model_outputs", each=15)
    corrected = [{**answer, "prediction": 1} for answer in answers[100:110]]
    bench.send(corrected, at=NOON, collection="model_outputs", each=10)
    bench.send(
        [{"row": i, "prediction": 0} for i in range(100)],
        collection="model_outputs",
        deployment="version-8",
        modelversion="8",
    )


def land(bench: Bench) -> Path:
    """Labels of two files in the window and one before it; some ids twice."""
    folder = bench.folder / "labels"
    folder.mkdir()
    labels = table(900, seed=31, shift=0.4)
    for name, first, last, at in (
        ("a.csv", 0, 500, MIDNIGHT - timedelta(days=2)),
        ("b.csv", 400, 800, NOON),
        ("c.csv", 780, 900, NOON + timedelta(hours=1)),
    ):
        part = labels[first:last].assign(income=lambda rows: rows["income"].round(3))
        if name == "b.csv":
            part.loc[part.index[:30], "paid"] = 1 - part.loc[part.index[:30], "paid"]
        part.to_csv(folder / name, index=False)
        os.utime(folder / name, (at.timestamp(), at.timestamp()))
    return folder

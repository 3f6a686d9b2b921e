"""False alarms and power of the drift verdict, against the fixed 0.1 rule and KS with Bonferroni.

Days are drawn as histograms (multinomial counts on the engine's own cells) or as rows; limits and
statistics are those of the engine and are first compared with `check` on real rows. Every set of 50
references is drawn, profiled and calibrated anew; intervals account for days that share a set
(counts.py). `--quick` draws fewer, with the same seeds and rougher nulls.
The last line is one JSON object.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from alarms.counts import Alarms, Power
from alarms.rules import (
    BUDGET,
    Ints,
    Rules,
    judged,
    judged_categories,
    numeric_summary,
    reference_sets,
    to_cells,
)
from alarms.worlds import (
    CATEGORIES,
    CHANGES,
    DAY_ROWS,
    DEPENDENT,
    DISTRIBUTIONS,
    FEATURES,
    NO_CHANGE,
    Floats,
    correlated,
    dependent_days,
)

from ml.drift.counting.category import CategorySummary
from ml.drift.counting.grid import Grid
from ml.drift.profiles.profile import Profile
from ml.drift.reference.column_reference import ColumnReference
from ml.drift.reference.null import DRAWS
from ml.drift.verdict.checking import check

REFERENCE_ROWS = 20_000
HISTORY_DAYS = 182
WINDOWS = (200, 1_000, 10_000)
MISSING_SHARE = 0.02  # of every feature in the independent cells
MOST_ROUNDING = 1e-2  # of a ratio: the limit is interpolated over chi-square's variance
SEED = 7
ROWS_AT_ONCE = 100_000  # of all features: 60 MB
MOVED = 3  # features that are shifted in turn, for the power in a dependent cell


Part = tuple[Any, ...]
"""A function that fills a report's cells, and the name it takes, if any."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is drawn: parts with seeds of their own, sets of 50 references each, days a set."""

    draws: int
    probe_rows: int
    iid: tuple[int, int, int]  # parts, sets a part, days a set
    correlated: tuple[int, int, int]
    categories: tuple[int, int, int]
    dependent: tuple[int, int, int]
    power_days: int = 20  # of each reference


QUICK = Size(
    draws=12_000,
    probe_rows=400_000,
    iid=(1, 1, 400),
    correlated=(1, 1, 100),
    categories=(1, 1, 200),
    dependent=(1, 1, 30),
)
FULL = Size(
    draws=DRAWS,
    probe_rows=2_000_000,
    iid=(5, 5, 800),
    correlated=(5, 2, 2_000),
    categories=(2, 5, 1_000),
    dependent=(4, 2, 250),
)


@dataclass(slots=True)
class Report:
    """Everything that is printed at the end."""

    iid: dict[str, Alarms] = field(default_factory=dict)
    dependent: dict[str, Alarms] = field(default_factory=dict)
    categories: dict[str, Alarms] = field(default_factory=dict)
    power: dict[str, dict[str, Power]] = field(default_factory=dict)

    def add(self, other: "Report") -> None:
        """Take over another part's days."""
        for mine, theirs in (
            (self.iid, other.iid),
            (self.dependent, other.dependent),
            (self.categories, other.categories),
        ):
            for name, alarms in theirs.items():
                mine.setdefault(name, Alarms()).sets.extend(alarms.sets)
        for change, by_name in other.power.items():
            for name, power in by_name.items():
                self.power.setdefault(change, {}).setdefault(name, Power()).merge(power)


def _seeded(name: str, part: int) -> np.random.Generator:
    return np.random.default_rng([SEED, part, *name.encode()])


def _with_holes(rng: np.random.Generator, values: Floats) -> Floats:
    return np.where(rng.random(len(values)) < MISSING_SHARE, np.nan, values)


def iid_cells(report: Report, size: Size, part: int, name: str) -> None:
    """Independent rows: false alarms at three sizes, and the power for every change."""
    draw = DISTRIBUTIONS[name]
    probe = draw(_seeded(name, 0), size.probe_rows)
    rng = _seeded(name, 1 + part)
    grid = Grid.fit(probe[:65_536])
    one_day = np.zeros(len(probe), np.int64)
    shares = to_cells(probe, one_day, grid, 1)[0] / len(probe)
    moved = {
        change: to_cells(apply(probe), one_day, grid, 1)[0] / len(probe)
        for change, (_, apply) in CHANGES.items()
        if (change, name) not in NO_CHANGE
    }
    _, sets, days = size.iid
    alarms = {rows: Alarms() for rows in WINDOWS}
    power = {change: Power() for change in moved}

    def quiet(reference: ColumnReference, rows: int) -> Rules:
        # `rows` have a value; what is missing comes on top.
        missing = rng.negative_binomial(rows, 1 - MISSING_SHARE, days)
        return judged(reference, rng.multinomial(rows, shares, days), lost=missing)

    drawn = [
        [
            numeric_summary(_with_holes(rng, draw(rng, REFERENCE_ROWS)), None, grid)
            for _ in range(FEATURES)
        ]
        for _ in range(sets)
    ]
    for references in reference_sets(drawn, size.draws):
        for rows, found in alarms.items():
            found.add([quiet(r, rows) for r in references])
        for change, seen in power.items():
            for reference in references:
                changed = rng.multinomial(CHANGES[change][0], moved[change], size.power_days)
                seen.add(judged(reference, changed))
    report.iid |= {f"{name}, {rows:,} rows": found for rows, found in alarms.items()}
    for change, seen in power.items():
        report.power[change] = {name: seen}


def correlated_cells(report: Report, size: Size, part: int) -> None:
    """Independent rows of features that share nine tenths of their variance."""
    grid = Grid(center=0.0, scale=1.0)
    draw = correlated(_seeded("correlated", part))
    _, sets, days = size.correlated
    alarms = {rows: Alarms() for rows in WINDOWS}
    tables = [draw(REFERENCE_ROWS) for _ in range(sets)]
    drawn = [[numeric_summary(t[:, j], None, grid) for j in range(FEATURES)] for t in tables]
    for references in reference_sets(drawn, size.draws):
        for rows, found in alarms.items():
            found.add(_judged_rows(references, draw, rows, days=days, grid=grid))
    report.iid |= {f"correlated normal, {rows:,} rows": found for rows, found in alarms.items()}


def _judged_rows(
    references: Sequence[ColumnReference],
    draw: Callable[[int], Floats],
    rows: int,
    *,
    days: int,
    grid: Grid,
) -> list[Rules]:
    parts: list[list[Ints]] = [[] for _ in references]
    at_once = max(ROWS_AT_ONCE // rows, 1)
    for start in range(0, days, at_once):
        count = min(at_once, days - start)
        values = draw(count * rows)
        slots = np.repeat(np.arange(count), rows)
        for j, part in enumerate(parts):
            part.append(to_cells(values[:, j], slots, grid, count))
    return [judged(r, np.concatenate(p)) for r, p in zip(references, parts, strict=True)]


def category_cells(report: Report, size: Size, part: int, name: str) -> None:
    """Independent rows of categories, new ones among them: they have a quarter of the budget."""
    shares = CATEGORIES[name]
    rng = _seeded(name, part)
    _, sets, days = size.categories
    alarms = {rows: Alarms() for rows in WINDOWS}
    for _ in range(sets):
        drawn = [rng.multinomial(REFERENCE_ROWS, shares) for _ in range(FEATURES)]
        [references] = reference_sets([[_categories(counts) for counts in drawn]], size.draws)
        for rows, found in alarms.items():
            features = []
            for reference, counts in zip(references, drawn, strict=True):
                now = rng.multinomial(rows, shares, days)
                unseen = now[:, counts == 0].sum(axis=1, keepdims=True)
                features.append(
                    judged_categories(reference, np.hstack([now[:, counts > 0], unseen]))
                )
            found.add(features)
    report.categories |= {f"{name}, {rows:,} rows": a for rows, a in alarms.items()}


def _categories(counts: Ints) -> CategorySummary:
    known = np.flatnonzero(counts)
    slots = {f"c{k}": i + 1 for i, k in enumerate(known.tolist())}
    return CategorySummary(slots=slots, counts=np.append(0, counts[known]))


def dependent_cells(report: Report, size: Size, part: int, kind: str) -> None:
    """Autocorrelated days: false alarms, and power for one shifted feature."""
    grid = Grid(center=0.0, scale=1.0)
    _, sets, count = size.dependent
    history = np.repeat(np.arange(HISTORY_DAYS), DAY_ROWS)
    slots = np.repeat(np.arange(count), DAY_ROWS)
    weekdays = (HISTORY_DAYS + np.arange(count)) % 7
    rng = _seeded(kind, part)
    alarms = Alarms()
    power = {name: Power() for name in DEPENDENT[kind]}

    def rules(reference: ColumnReference, values: Floats) -> Rules:
        return judged(reference, to_cells(values, slots, grid, count), weekdays=weekdays)

    worlds = [dependent_days(kind, rng) for _ in range(sets)]
    drawn = []
    for draw in worlds:
        values = draw(0, HISTORY_DAYS)
        drawn.append([numeric_summary(values[:, j], history, grid) for j in range(FEATURES)])
    for draw, references in zip(worlds, reference_sets(drawn, size.draws), strict=True):
        values = draw(HISTORY_DAYS, count)
        alarms.add([rules(r, values[:, j]) for j, r in enumerate(references)])
        for name, shift in DEPENDENT[kind].items():
            moved = values[:, :MOVED] + shift * values[:, :MOVED].std(axis=0)
            for j in range(MOVED):
                power[name].add(rules(references[j], moved[:, j]))
    report.dependent[kind] = alarms
    for name, seen in power.items():
        report.power[name] = {"normal": seen}


def largest_disagreement() -> float:
    """Largest difference of the ratios of `check` on real rows and the rules here."""
    rng = np.random.default_rng(SEED)
    kinds = np.array([f"c{k}" for k in range(40)])
    weights = np.arange(1.0, 41.0) ** -2 / float((np.arange(1.0, 41.0) ** -2).sum())

    def table(rows: int, days: Ints, shift: float) -> dict[str, object]:
        numbers: dict[str, object] = {
            f"f{j}": _with_holes(rng, rng.lognormal(shift, size=rows) + 0.4 * (days % 7))
            for j in range(FEATURES - 10)
        }
        named = {f"k{j}": kinds[rng.choice(40, rows, p=weights)] for j in range(10)}
        return {**numbers, **named}

    worst = 0.0
    for by_days in (False, True):
        days = np.sort(rng.integers(0, 98, 20_000))
        when = {"when": days.astype("datetime64[D]")} if by_days else {}
        train = pa.table({**table(20_000, days * by_days, 0.0), **when})
        profile = Profile.fit(train, draws=2_000, time_column="when" if by_days else None)
        for day in (101, 102):
            now = table(900, np.full(900, day * by_days), 0.05)
            dated = {"when": np.full(900, day).astype("datetime64[D]")} if by_days else {}
            result = check(profile, pa.table({**now, **dated}), alarm_budget=BUDGET)
            for reference in profile.references:
                ours = _ratio_here(reference, now[reference.column.name], day)
                theirs = result[reference.column.name].ratio
                worst = max(worst, abs(ours - theirs) / max(theirs, 0.1))
    return worst


def _ratio_here(reference: ColumnReference, values: object, day: int) -> float:
    if isinstance(reference.summary, CategorySummary):
        names, counts = np.unique(np.asarray(values), return_counts=True)
        by_name = dict(zip(names.tolist(), counts.tolist(), strict=True))
        row = [by_name.pop(slot, 0) for slot in reference.summary.slots or {}]
        return float(
            judged_categories(reference, np.array([[*row, sum(by_name.values())]])).ours[0]
        )
    numbers = np.asarray(values, np.float64)
    there = numbers[~np.isnan(numbers)]
    grid = reference.column.grid or Grid(center=0.0, scale=1.0)
    cells = to_cells(there, np.zeros(len(there), np.int64), grid, 1)
    # Other days of that size come along, as they do in the cells.
    others = np.random.default_rng(day).multinomial(len(there), cells[0] / len(there), 20)
    days = np.vstack([cells, others])
    missing = np.full(len(days), len(numbers) - len(there))
    weekdays = np.full(len(days), day % 7)
    return float(judged(reference, days, weekdays=weekdays, lost=missing).ours[0])


def show(report: Report) -> dict[str, float]:
    """Print the tables; the figures of the last line."""
    print(f"\nFalse alarms a day, no drift, {FEATURES} features; accepted: {1 / 365:.4f}")
    print("(95 % intervals of ours; 'design': how many days that share references count as one)")
    print(
        f"{'':46}{'days':>7} {'ours':>7} {'95 % interval':>17} {'design':>7} "
        f"{'fixed 0.1':>10} {'KS Bonf.':>9}"
    )
    for cells in (report.iid, report.dependent, report.categories):
        for name, a in cells.items():
            low, high = a.bounds()
            others = (
                f"{a.rate(2):>10.4f} {a.rate(3):>9.4f}" if cells is not report.categories else ""
            )
            print(
                f"{name:46}{a.days:>7,} {a.rate():>7.4f}  [{low:.4f}, {high:.4f}] "
                f"{a.design:>7.1f} {others}"
            )
        print()
    print(f"Power, 1 of {FEATURES} features changed: ours / fixed 0.1 / KS Bonferroni")
    for change, by_name in report.power.items():
        shares = {n: p.shares for n, p in by_name.items()}
        cells_text = "   ".join(f"{n} {a:.3f}/{b:.3f}/{c:.3f}" for n, (a, b, c) in shares.items())
        print(f"{change:18}{cells_text}")
    figures = {
        "iid_false_alarms": float(np.mean([a.rate() for a in report.iid.values()])),
        "dependent_false_alarms": float(np.mean([a.rate() for a in report.dependent.values()])),
        "iid_worst_lower95": max(a.bounds()[0] for a in report.iid.values()),
    }
    claimed = (*CHANGES, "power_weekday", "power_ar1_1sd")
    figures |= {c: min(p.shares[0] for p in report.power[c].values()) for c in claimed}
    return {name: round(value, 5) for name, value in figures.items()}


def parts_of(size: Size) -> list[Part]:
    """All parts of the simulation; each depends on its own seed only."""
    return [
        *((dependent_cells, k, kind) for kind in DEPENDENT for k in range(size.dependent[0])),
        *((iid_cells, k, name) for name in DISTRIBUTIONS for k in range(size.iid[0])),
        *((correlated_cells, k) for k in range(size.correlated[0])),
        *((category_cells, k, name) for name in CATEGORIES for k in range(size.categories[0])),
    ]


def run_part(part: Part, size: Size) -> Report:
    """The cells of one part."""
    report = Report()
    cells, *names = part
    cells(report, size, *names)
    return report


def main() -> None:
    """Run all cells."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer days; seconds, not minutes")
    parser.add_argument("--jobs", type=int, default=1, help="processes; the figures stay the same")
    options = parser.parse_args()
    worst = largest_disagreement()
    print(f"largest relative difference to the engine on real rows: {worst:.1e}")
    if worst > MOST_ROUNDING:
        raise SystemExit("the rules here do not give the engine's ratios")
    size = QUICK if options.quick else FULL
    parts = parts_of(size)
    report = Report()
    if options.jobs == 1:
        for part in parts:
            report.add(run_part(part, size))
    else:
        with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
            for one in pool.map(run_part, parts, [size] * len(parts)):
                report.add(one)
    figures = show(report)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"\n{time.process_time() + children.ru_utime + children.ru_stime:.0f} CPU-s")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

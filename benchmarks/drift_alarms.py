"""False alarms and power of the drift verdict, against the fixed 0.1 rule and KS with Bonferroni.

Days are drawn as histograms (multinomial counts on the engine's own cells), so that 20,000 days of
50 features take seconds; limits and statistics are the engine's. `--quick` draws fewer, with the
same seeds, and first shows on real rows that the histogram way gives the engine's own ratios.
The last line is one JSON object.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.stats import beta

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ml.drift.engine.check import check
from ml.drift.engine.distances import cell_distance, chi_square
from ml.drift.engine.grid import Grid
from ml.drift.engine.history import Dependence
from ml.drift.engine.judge import Window, past_of
from ml.drift.engine.kernels import CELLS, add_days
from ml.drift.engine.layout import Column, Kind
from ml.drift.engine.limits import Budget, Statistic, distance_limit, share_limit
from ml.drift.engine.numeric import NumericSummary
from ml.drift.engine.profile import Profile
from ml.drift.engine.reference import (
    Reference,
    make_references,
    share_groups,
    summed,
    weekday_counts,
)
from ml.drift.engine.shape import shape_of
from ml.drift.engine.units import Blocks, Days

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FEATURES = 50
REFERENCE_ROWS = 20_000
HISTORY_DAYS = 182
DAY_ROWS = 1_000
BUDGET = Budget()
MOST_ROUNDING = 1e-2  # of the variances
FIXED_LIMIT = 0.1  # the default of Azure ML and Evidently
SEED = 7
ZEROS = 0.6
PROBE_ROWS = 2_000_000


@dataclass(frozen=True, slots=True)
class Size:
    """How much is drawn."""

    iid_days: int
    days_a_reference: int
    correlated_days: int
    dependent_references: int
    dependent_days: int  # of each reference
    power_days: int  # of each feature's reference


QUICK = Size(
    iid_days=1_000,
    days_a_reference=1_000,
    correlated_days=500,
    dependent_references=1,
    dependent_days=120,
    power_days=40,
)
FULL = Size(
    iid_days=20_000,
    days_a_reference=1_000,
    correlated_days=20_000,
    dependent_references=10,
    dependent_days=240,
    power_days=40,
)


DISTRIBUTIONS: Mapping[str, Callable[[np.random.Generator, int], Floats]] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "lognormal": lambda rng, n: rng.lognormal(size=n),
    "zero-inflated": lambda rng, n: np.where(rng.random(n) < ZEROS, 0.0, rng.exponential(size=n)),
    "poisson": lambda rng, n: rng.poisson(3.0, n).astype(np.float64),
    "t2": lambda rng, n: rng.standard_t(2, n),
}
CONTINUOUS = ("normal", "lognormal", "t2")


def stretched(x: Floats) -> Floats:
    """The top 5 % twice as far from where they begin."""
    cut = float(np.quantile(x, 0.95))
    return np.where(x > cut, cut + 2 * (x - cut), x)


def collapsed(x: Floats) -> Floats:
    """Every twentieth row is the median."""
    moved = x.copy()
    moved[::20] = np.median(x)
    return moved


CHANGES: Mapping[str, tuple[int, Callable[[Floats], Floats]]] = {
    "power_02sd_1k": (1_000, lambda x: x + 0.2 * float(x.std())),
    "power_01sd_10k": (10_000, lambda x: x + 0.1 * float(x.std())),
    "power_var_10k": (10_000, lambda x: float(x.mean()) + (x - float(x.mean())) * 1.5**0.5),
    "power_tail_10k": (10_000, stretched),
    "power_atom_10k": (10_000, collapsed),
}


def to_cells(values: Floats, slots: Ints, grid: Grid, days: int) -> Ints:
    """Counts by day and cell, shape (days, CELLS)."""
    table = np.zeros((days, CELLS + 1), np.int64)
    add_days(np.ascontiguousarray(values), slots, grid.center, grid.per_scale, table)
    return table[:, :CELLS]


@dataclass(slots=True)
class Alarms:
    """Days with an alarm of each rule, of so many days."""

    days: int = 0
    ours: int = 0
    fixed: int = 0
    ks: int = 0

    def add(self, one: "Rules") -> None:
        """Add days of a whole feature set, arrays (days, features)."""
        self.days += len(one.ours)
        self.ours += int((one.ours > 1).any(axis=1).sum())
        self.fixed += int((one.fixed >= FIXED_LIMIT).any(axis=1).sum())
        self.ks += int((one.ks > 1).any(axis=1).sum())

    @property
    def rate(self) -> float:
        """Alarms a day of our rule."""
        return self.ours / self.days

    def bounds(self) -> tuple[float, float]:
        """Exact 95 % interval (Clopper-Pearson) of our rule's rate."""
        k, n = self.ours, self.days
        low = float(beta.ppf(0.025, k, n - k + 1)) if k else 0.0
        high = float(beta.ppf(0.975, k + 1, n - k)) if k < n else 1.0
        return low, high


@dataclass(frozen=True, slots=True)
class Rules:
    """Each rule's value: ours and KS in units of their limits, the fixed rule in sd."""

    ours: Floats
    fixed: Floats
    ks: Floats

    @staticmethod
    def side_by_side(features: Sequence["Rules"]) -> "Rules":
        """Arrays (days,) of each feature as (days, features)."""
        return Rules(
            *(np.stack([getattr(f, rule) for f in features], 1) for rule in ("ours", "fixed", "ks"))
        )


def judged(reference: Reference, days: Ints, weekdays: Ints | None = None) -> Rules:
    """All rules for days, counts of shape (days, CELLS); weekdays, shape (days,), where known."""
    groups_of = np.full(len(days), -1) if weekdays is None or not reference.matched else weekdays
    ours, fixed, ks = np.zeros(len(days)), np.zeros(len(days)), np.zeros(len(days))
    for weekday in np.unique(groups_of).tolist():
        mine = groups_of == weekday
        base = None if weekday < 0 else weekday_counts(reference.summary, weekday)
        found = _judged(reference, days[mine], base)
        ours[mine], fixed[mine], ks[mine] = found.ours, found.fixed, found.ks
    return Rules(ours, fixed, ks)


def _judged(reference: Reference, days: Ints, same_weekday: Ints | None) -> Rules:
    if not isinstance(reference.summary, NumericSummary) or reference.null is None:
        raise TypeError("this script judges numbers only")
    shape = shape_of(reference.summary)
    base = shape.counts if same_weekday is None else same_weekday
    rows = int(days[0].sum())
    by_days = isinstance(reference.summary.history, Days)
    window = Window(days=(0,)) if by_days else Window()

    def past(statistic: Statistic) -> Sequence[Dependence]:
        if same_weekday is not None:
            return reference.matched[statistic]
        return past_of(reference, statistic, window, float(rows))

    effective = float(base.sum()) * rows / (float(base.sum()) + rows)
    distance = cell_distance(base, days, shape.gaps)
    limit = distance_limit(
        reference.null,
        past(Statistic.DISTANCE),
        effective_rows=effective,
        chance=BUDGET.chance(FEATURES, Statistic.DISTANCE),
    )
    groups = share_groups(reference.summary, shape, float(rows))
    current = summed(days, groups)
    found = chi_square(np.broadcast_to(summed(base, groups), current.shape), current)
    variances, where = np.unique(np.round(found.variance, 2), return_inverse=True)
    limits = np.array(
        [
            share_limit(
                float(found.mean[0]),
                float(variance),
                past(Statistic.SHARES),
                effective_rows=effective,
                chance=BUDGET.chance(FEATURES, Statistic.SHARES),
            )
            for variance in variances
        ]
    )[where]
    smallest = BUDGET.smallest_effect
    ratio = np.maximum(distance / max(limit, smallest), found.effect / np.maximum(limits, smallest))
    whole = np.cumsum(shape.counts) / shape.counts.sum()
    apart = np.abs(np.cumsum(days, axis=1) / rows - whole).max(axis=1)
    n = float(shape.counts.sum())
    chance = BUDGET.false_alarms_per_year / BUDGET.checks_per_year / FEATURES
    critical = np.sqrt(-np.log(chance / 2) / 2 * (1 / n + 1 / rows))
    return Rules(
        ours=ratio, fixed=cell_distance(shape.counts, days, shape.gaps), ks=apart / critical
    )


def references_of(columns: Sequence[tuple[Floats, Ints | None, Grid]]) -> tuple[Reference, ...]:
    """Profile columns (values, days or None, grid) with the engine, calibrated together."""
    summaries = {}
    for i, (values, days, grid) in enumerate(columns):
        history = Blocks.for_rows(len(values)) if days is None else Days()
        summary = NumericSummary(grid=grid, history=history)
        summary.add(np.ascontiguousarray(values), days)
        summary.finish()
        summaries[f"f{i}"] = summary
    return make_references([Column(name, Kind.NUMBER) for name in summaries], summaries)


@dataclass(slots=True)
class Report:
    """Everything that is printed at the end."""

    iid: dict[str, Alarms] = field(default_factory=dict)
    dependent: dict[str, Alarms] = field(default_factory=dict)
    power: dict[str, dict[str, tuple[float, float, float]]] = field(default_factory=dict)


def iid_cells(report: Report, size: Size) -> None:
    """Independent rows: false alarms at three sizes, and the power for every change.

    The limits of one reference are right on average over references only, so every
    `days_a_reference` days get 50 fresh ones.
    """
    for name, draw in DISTRIBUTIONS.items():
        rng = np.random.default_rng([SEED, *name.encode()])
        probe = draw(rng, PROBE_ROWS)
        grid = Grid.fit(probe[:65_536])
        one_day = np.zeros(PROBE_ROWS, np.int64)
        shares = to_cells(probe, one_day, grid, 1)[0] / PROBE_ROWS
        moved = {
            change: to_cells(apply(probe), one_day, grid, 1)[0] / PROBE_ROWS
            for change, (_, apply) in CHANGES.items()
        }
        alarms = {rows: Alarms() for rows in (200, 1_000, 10_000)}
        hits: dict[str, list[Rules]] = {change: [] for change in CHANGES}
        for _ in range(size.iid_days // size.days_a_reference):
            references = references_of(
                [(draw(rng, REFERENCE_ROWS), None, grid) for _ in range(FEATURES)]
            )
            for rows, found in alarms.items():
                days = [
                    judged(r, rng.multinomial(rows, shares, size.days_a_reference))
                    for r in references
                ]
                found.add(Rules.side_by_side(days))
            for change, (rows, _) in CHANGES.items():
                hits[change] += [
                    judged(r, rng.multinomial(rows, moved[change], size.power_days))
                    for r in references
                ]
        report.iid |= {f"{name}, {rows:,} rows": found for rows, found in alarms.items()}
        for change, rules in hits.items():
            report.power.setdefault(change, {})[name] = shares_above(rules)


def shares_above(rules: Sequence[Rules]) -> tuple[float, float, float]:
    """Share of days with an alarm of one feature: ours, the fixed rule, KS."""
    return (
        float(np.mean(np.concatenate([r.ours for r in rules]) > 1)),
        float(np.mean(np.concatenate([r.fixed for r in rules]) >= FIXED_LIMIT)),
        float(np.mean(np.concatenate([r.ks for r in rules]) > 1)),
    )


def correlated_cell(report: Report, size: Size) -> None:
    """Independent rows of features that share nine tenths of their variance."""
    grid = Grid(center=0.0, scale=1.0)
    for rows in (200, 1_000):
        rng = np.random.default_rng([SEED, rows])
        draw = _correlated(rng)
        values = draw(REFERENCE_ROWS)
        references = references_of([(values[:, j], None, grid) for j in range(FEATURES)])
        alarms = Alarms()
        for start in range(0, size.correlated_days, 100):
            count = min(100, size.correlated_days - start)
            values = draw(count * rows)
            slots = np.repeat(np.arange(count), rows)
            alarms.add(
                Rules.side_by_side(
                    [
                        judged(r, to_cells(values[:, j], slots, grid, count))
                        for j, r in enumerate(references)
                    ]
                )
            )
        report.iid[f"correlated normal, {rows:,} rows"] = alarms


def _correlated(rng: np.random.Generator) -> Callable[[int], Floats]:
    def draw(rows: int) -> Floats:
        common = rng.standard_normal((rows, 1), dtype=np.float32) * np.float32(0.9**0.5)
        own = rng.standard_normal((rows, FEATURES), dtype=np.float32) * np.float32(0.1**0.5)
        return np.asarray(common + own, np.float64)

    return draw


def _day_maker(kind: str, rng: np.random.Generator) -> Callable[[int, int], Floats]:
    """Rows of consecutive days, shape (days * DAY_ROWS, FEATURES), from a first day on."""
    pattern = rng.normal(size=(7, FEATURES)) * 0.15

    def draw(first: int, days: int) -> Floats:
        noise = rng.standard_normal((days * DAY_ROWS, FEATURES))
        if kind == "AR(1) 0.8":
            return np.asarray(lfilter([0.6], [1.0, -0.8], noise, axis=0), np.float64)
        if kind == "weekday pattern":
            shift = pattern[(first + np.arange(days)) % 7]
        else:
            shift = rng.normal(size=(days, FEATURES)) * 0.05
        return np.asarray(noise + np.repeat(shift, DAY_ROWS, axis=0), np.float64)

    return draw


def dependent_cells(report: Report, size: Size) -> None:
    """Days that resemble themselves: false alarms of 49 features, power on the fiftieth."""
    grid = Grid(center=0.0, scale=1.0)
    for kind, name, shift in (
        ("AR(1) 0.8", "power_ar1_1sd", 1.0),
        ("weekday pattern", "power_weekday", 0.2),
        ("day effect 0.05 sd", "day_effect_02sd", 0.2),
    ):
        rng = np.random.default_rng([SEED, *kind.encode()])
        alarms = Alarms()
        hits: list[Rules] = []
        for _ in range(size.dependent_references):
            draw = _day_maker(kind, rng)
            values = draw(0, HISTORY_DAYS)
            days = np.repeat(np.arange(HISTORY_DAYS), DAY_ROWS)
            references = references_of([(values[:, j], days, grid) for j in range(FEATURES)])
            for start in range(0, size.dependent_days, 120):
                count = min(120, size.dependent_days - start)
                values = draw(HISTORY_DAYS + start, count)
                values[:, 0] += shift * float(values[:, 0].std())
                slots = np.repeat(np.arange(count), DAY_ROWS)
                weekdays = (HISTORY_DAYS + start + np.arange(count)) % 7
                found = [
                    judged(r, to_cells(values[:, j], slots, grid, count), weekdays)
                    for j, r in enumerate(references)
                ]
                alarms.add(Rules.side_by_side(found[1:]))
                hits.append(found[0])
        report.dependent[kind] = alarms
        report.power[name] = {"normal": shares_above(hits)}


def largest_disagreement() -> float:
    """Engine on real rows against this script's histogram way: largest difference of the ratios."""
    rng = np.random.default_rng(SEED)
    train = {f"f{j}": rng.lognormal(size=5_000) for j in range(FEATURES)}
    profile = Profile.fit(pa.table(train))
    worst = 0.0
    for _ in range(3):
        day = {name: rng.lognormal(0.05, size=700) for name in train}
        result = check(profile, pa.table(day), budget=BUDGET)
        for reference in profile.references:
            name = reference.column.name
            grid = reference.column.grid or Grid(center=0.0, scale=1.0)
            cells = to_cells(day[name], np.zeros(700, np.int64), grid, 1)
            ours = float(judged(reference, cells).ours[0])
            worst = max(worst, abs(ours / result[name].ratio - 1) if result[name].ratio else ours)
    return worst


def show(report: Report) -> dict[str, float]:
    """Print the tables; the figures of the last line."""
    print(f"\nFalse alarms a day, no drift, {FEATURES} features; accepted: {1 / 365:.4f}")
    print(f"{'':34}{'days':>7} {'ours':>7} {'95 % interval':>18} {'fixed 0.1':>10} {'KS Bonf.':>9}")
    for cells in (report.iid, report.dependent):
        for name, a in cells.items():
            low, high = a.bounds()
            print(
                f"{name:34}{a.days:>7,} {a.rate:>7.4f}   [{low:.4f}, {high:.4f}] "
                f"{a.fixed / a.days:>10.4f} {a.ks / a.days:>9.4f}"
            )
    print(f"\nPower, 1 of {FEATURES} features changed: ours / fixed 0.1 / KS Bonferroni")
    for change, by_name in report.power.items():
        cells_text = "   ".join(f"{n} {p[0]:.3f}/{p[1]:.3f}/{p[2]:.3f}" for n, p in by_name.items())
        print(f"{change:18}{cells_text}")
    figures = {
        "iid_false_alarms": float(np.mean([a.rate for a in report.iid.values()])),
        "dependent_false_alarms": float(np.mean([a.rate for a in report.dependent.values()])),
        "iid_worst_lower95": max(a.bounds()[0] for a in report.iid.values()),
    }
    for change, by_name in report.power.items():
        if change.startswith("power_"):
            continuous = [p[0] for n, p in by_name.items() if n in CONTINUOUS]
            figures[change] = min(continuous)
    return {name: round(value, 5) for name, value in figures.items()}


def main() -> None:
    """Run all cells."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer days; a minute instead of many")
    quick = parser.parse_args().quick
    started = time.perf_counter()
    worst = largest_disagreement()
    print(f"largest relative difference to the engine on real rows: {worst:.1e}")
    if worst > MOST_ROUNDING:
        raise SystemExit("the histogram way does not give the engine's ratios")
    report, size = Report(), QUICK if quick else FULL
    iid_cells(report, size)
    correlated_cell(report, size)
    dependent_cells(report, size)
    figures = show(report)
    print(f"\n{time.perf_counter() - started:.0f} s")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

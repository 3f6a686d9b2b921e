"""What a profile knows of one column: its summary, its null and its own restlessness."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ml.drift.counting.category import MISSING_SLOT, CategorySummary
from ml.drift.counting.kernels import CELLS
from ml.drift.counting.layout import Column, Summary
from ml.drift.counting.numeric import NumericSummary
from ml.drift.counting.units import Days, plus
from ml.drift.statistics.distances import cell_distance, chi_square
from ml.drift.statistics.limits import Statistic
from ml.drift.statistics.null import DRAWS, DistanceNull, calibrate
from ml.drift.statistics.overdispersion import (
    BLOCK_LENGTHS,
    DAY_LENGTHS,
    Dependence,
    Rest,
    UnitSquares,
    against_same_weekday,
    against_the_rest,
    learn,
    matches_weekdays,
    together,
)
from ml.drift.statistics.shape import LEAST_EXPECTED, Shape, group_counts, joined, shape_of

_LEAST_UNIT_EXPECTED: Final = 2.0
_SQUARED_NORMAL: Final = 2.0**0.5  # noise of a squared normal: the widest of a squared area
_LEAST_UNIT_SHARE: Final = 0.25  # of the median unit's rows: a shorter day says little


@dataclass(frozen=True, slots=True)
class Reference:
    """One column of the reference, ready to be compared with.

    Args:
        null: of the distance; None for categories and columns without spread.
        alone: what the past adds to chance, by the length of the units taken together.
        matched: the same between days of one weekday, where comparing weekdays explains the
            unrest, else empty.
        unit_rows: rows of one block or day.
    """

    column: Column
    summary: Summary
    null: DistanceNull | None = None
    alone: Mapping[Statistic, Sequence[Dependence]] = field(default_factory=dict)
    matched: Mapping[Statistic, Sequence[Dependence]] = field(default_factory=dict)
    unit_rows: float = 0.0

    @property
    def missing_share(self) -> float:
        """Missing and infinite rows among all."""
        return missing_of(self.summary) / max(self.summary.rows, 1)


def missing_of(summary: Summary) -> int:
    """Rows that have no usable value."""
    extra = summary.infinite if isinstance(summary, NumericSummary) else 0
    return summary.missing + extra


def is_compared(summary: Summary) -> bool:
    """Whether there is a distribution to compare, beyond the missing share."""
    if isinstance(summary, CategorySummary):
        return not summary.is_text and summary.rows > summary.missing
    return summary.finite > 0 and not summary.is_constant


@dataclass(frozen=True, slots=True)
class _Past:
    """Units of one column: groups and missing rows apart."""

    values: NDArray[np.int64]  # (units, width) without what is missing
    missing: NDArray[np.int64]  # (units, 2): there, missing
    days: tuple[int, ...]  # empty for blocks


def unit_table(summary: Summary) -> tuple[NDArray[np.int64], tuple[int, ...]]:
    """All units of the history, shape (units, width), and their days (none for blocks)."""
    history = summary.history
    if history is None or not history.counts:
        return np.zeros((0, 1), np.int64), ()
    if isinstance(history, Days):
        days = tuple(sorted(history.counts))
        rows = [history.counts[day] for day in days]
    else:
        days, rows = (), history.counts
    width = CELLS + 1 if isinstance(summary, NumericSummary) else len(summary.counts)
    blank = np.zeros(width, np.int64)
    return np.stack([plus(row, blank) for row in rows]), days


def _past(summary: Summary) -> _Past:
    table, days = unit_table(summary)
    if isinstance(summary, CategorySummary):
        missing, values = table[:, MISSING_SLOT], table[:, MISSING_SLOT + 1 :]
    else:
        missing, values = table[:, CELLS:].sum(axis=1), table[:, :CELLS]
    rows = table.sum(axis=1)
    long = rows >= _LEAST_UNIT_SHARE * (np.median(rows) if len(rows) else 0)
    kept = tuple(day for day, keep in zip(days, long, strict=True) if keep) if days else ()
    pair = np.stack([rows - missing, missing], axis=1)
    return _Past(values=values[long], missing=pair[long], days=kept)


def weekday_counts(summary: Summary, weekday: int) -> NDArray[np.int64]:
    """Counts without missing of the days of one weekday (days since 1970, modulo 7)."""
    past = _past(summary)
    mine = np.array(past.days) % 7 == weekday
    return np.asarray(past.values[mine].sum(axis=0), np.int64)


def draw_nulls(summaries: Mapping[str, Summary], *, draws: int = DRAWS) -> dict[str, DistanceNull]:
    """The null of the distance of every column that has one, by name."""
    shapes = {
        name: shape_of(summary)
        for name, summary in summaries.items()
        if isinstance(summary, NumericSummary) and is_compared(summary)
    }
    drawn = [name for name, shape in shapes.items() if shape.spread > 0]
    if not drawn:
        return {}
    made = calibrate([(shapes[name].gaps, shapes[name].cdf) for name in drawn], draws=draws)
    return dict(zip(drawn, made, strict=True))


def make_references(
    columns: Sequence[Column], summaries: Mapping[str, Summary], *, draws: int = DRAWS
) -> tuple[Reference, ...]:
    """Draw the null and learn the dependence of all columns together."""
    return learn_references(columns, summaries, draw_nulls(summaries, draws=draws))


def learn_references(
    columns: Sequence[Column],
    summaries: Mapping[str, Summary],
    nulls: Mapping[str, DistanceNull],
) -> tuple[Reference, ...]:
    """Learn the dependence of all columns together, their nulls being drawn."""
    found = [(column, summaries[column.name]) for column in columns]
    shapes = {
        column.name: shape_of(summary)
        for column, summary in found
        if isinstance(summary, NumericSummary) and is_compared(summary)
    }
    pasts = {column.name: _past(summary) for column, summary in found}
    lengths = DAY_LENGTHS if any(past.days for past in pasts.values()) else BLOCK_LENGTHS
    alone: dict[Statistic, list[list[Dependence]]] = {}
    matched: dict[Statistic, list[Dependence]] = {}
    for statistic in (Statistic.DISTANCE, Statistic.SHARES, Statistic.MISSING):

        def squares(
            length: int, statistic: Statistic = statistic, *, weekday: bool = False
        ) -> list[UnitSquares | None]:
            return [
                _squares(
                    statistic,
                    summary,
                    past=pasts[column.name],
                    shape=shapes.get(column.name),
                    null=nulls.get(column.name),
                    length=None if weekday else length,
                )
                for column, summary in found
            ]

        views = [learn(squares(length), length=length) for length in lengths]
        alone[statistic] = [
            [d for d in of_column if d.units] for of_column in zip(*views, strict=True)
        ]
        matched[statistic] = learn(squares(1, weekday=True))
    return tuple(
        _reference(
            column,
            summary,
            nulls.get(column.name),
            alone={statistic: each[i] for statistic, each in alone.items()},
            matched={statistic: each[i] for statistic, each in matched.items()},
            past=pasts[column.name],
        )
        for i, (column, summary) in enumerate(found)
    )


def _reference(
    column: Column,
    summary: Summary,
    null: DistanceNull | None,
    *,
    alone: Mapping[Statistic, Sequence[Dependence]],
    matched: Mapping[Statistic, Dependence],
    past: _Past,
) -> Reference:
    lead = Statistic.DISTANCE if null is not None else Statistic.SHARES
    weekly = bool(alone[lead]) and matches_weekdays(alone[lead][0], matched[lead], len(past.days))
    return Reference(
        column=column,
        summary=summary,
        null=null,
        alone=alone,
        matched={statistic: [d] for statistic, d in matched.items()} if weekly else {},
        unit_rows=float(np.median(past.missing.sum(axis=1))) if len(past.missing) else 0.0,
    )


def _squares(
    statistic: Statistic,
    summary: Summary,
    *,
    past: _Past,
    shape: Shape | None,
    null: DistanceNull | None,
    length: int | None,
) -> UnitSquares | None:
    """Squares of `length` units taken together against the rest; None: of days by weekday."""
    counts = past.missing if statistic is Statistic.MISSING else past.values
    if len(counts) == 0 or (length is None and not past.days):
        return None
    if length is None:
        rest = against_same_weekday(counts, past.days)
    else:
        rest = against_the_rest(together(counts, past.days, length))
    filled = (rest.units.sum(axis=1) > 0) & (rest.others.sum(axis=1) > 0)
    rest = Rest(units=rest.units[filled], others=rest.others[filled])
    if not filled.any():
        return None
    if statistic is Statistic.DISTANCE:
        if shape is None or null is None:
            return None
        area = cell_distance(rest.others, rest.units, shape.gaps)
        return UnitSquares(area**2, null.square_at(rest.effective), noise=_SQUARED_NORMAL)
    if statistic is Statistic.SHARES:
        if not is_compared(summary):
            return None
        # Only the mean of chi-square is learnt, and that is exact for thin groups too.
        rows = float(np.median(rest.units.sum(axis=1)))
        groups = share_groups(summary, shape, rows * LEAST_EXPECTED / _LEAST_UNIT_EXPECTED)
        rest = Rest(
            units=summed(rest.units, groups),
            others=summed(rest.others, groups),
        )
    found = chi_square(rest.others, rest.units)
    noise = float(np.sqrt(found.variance.mean())) / max(float(found.mean.mean()), 1e-9)
    return UnitSquares(found.value / found.weight, found.mean / found.weight, noise=noise)


def summed(counts: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts (..., width) summed by group (width,): one column a group."""
    if (groups[1:] < groups[:-1]).any():
        order = np.argsort(groups, kind="stable")
        counts, groups = counts[..., order], groups[order]
    return group_counts(counts, groups)


def share_groups(summary: Summary, shape: Shape | None, rows: float) -> NDArray[np.int64]:
    """Group of every cell or category, such that a window of so many rows fills each one."""
    if isinstance(summary, CategorySummary):
        return category_groups(summary.counts[MISSING_SLOT + 1 :], rows)
    found = shape if shape is not None else shape_of(summary)
    join = joined(group_counts(found.counts, found.groups), rows)
    return join[found.groups]


def category_groups(counts: NDArray[np.int64], rows: float) -> NDArray[np.int64]:
    """Group 0 holds the categories too rare for a window of so many rows; the others stay alone."""
    expected = counts / max(int(counts.sum()), 1) * rows
    common = expected >= LEAST_EXPECTED
    groups = np.zeros(len(counts), np.int64)
    groups[common] = np.arange(1, int(common.sum()) + 1)
    if common.any() and 0 < expected[~common].sum() < LEAST_EXPECTED:
        # The rare ones together are still too few: they join the smallest common one.
        smallest = int(np.argmin(np.where(common, expected, np.inf)))
        groups[~common] = groups[smallest]
    _, compact = np.unique(groups, return_inverse=True)
    return compact.astype(np.int64)

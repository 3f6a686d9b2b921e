"""Merging profiles of one layout: counts exactly, sums to rounding, with a new null."""

from collections.abc import Sequence
from copy import deepcopy

from ml.drift.counting.columns import Layout
from ml.drift.counting.scan import Scan
from ml.drift.errors import DriftInputError
from ml.drift.profiles.profile import Profile
from ml.drift.reference.null import DRAWS


def merge_profiles(profiles: Sequence[Profile], *, name: str = "", draws: int = DRAWS) -> Profile:
    """Profile the rows of all profiles, as if they had been read together.

    The profiles stay unchanged. Blocks are joined in the order given; days are added up.

    Args:
        profiles: at least one; all made on the layout of the first.
        name: of the new profile; by default that of the first.
        draws: for simulating the null, which depends on all rows.

    Raises:
        DriftInputError: columns, kinds, roles, grids, time column or history differ.
    """
    first, *others = profiles
    total = _scan_of(first)
    for other in others:
        apart = _differences(first.layout, other.layout)
        if first.history is not other.history:
            apart.append(f"history is {first.history} and {other.history}")
        if apart:
            raise DriftInputError(
                f"profiles of different layouts cannot be added: {'; '.join(apart)}; make the "
                "second one with `profile --like` the first"
            )
        total.merge(_scan_of(other))
    return Profile.of_scan(
        total, first.layout, name=name or first.name, history=first.history, draws=draws
    )


def _differences(one: Layout, other: Layout) -> list[str]:
    """What differs, as a list of short phrases."""
    found = []
    if one.time_column != other.time_column:
        found.append(f"time column is {one.time_column} and {other.time_column}")
    mine = {column.name: column for column in one.columns}
    theirs = {column.name: column for column in other.columns}
    if only := sorted(mine.keys() ^ theirs.keys()):
        found.append(f"only one has {', '.join(only)}")
    for name in mine.keys() & theirs.keys():
        a, b = mine[name], theirs[name]
        if (a.kind, a.role) != (b.kind, b.role):
            found.append(f"{name} is a {a.kind} {a.role} and a {b.kind} {b.role}")
        elif a.grid != b.grid:
            found.append(f"{name} has two grids")
    return sorted(found)


def _scan_of(profile: Profile) -> Scan:
    """A scan of the profile's rows, copied so that it may be changed."""
    return Scan(
        rows=profile.rows,
        summaries={r.column.name: deepcopy(r.summary) for r in profile.references},
    )

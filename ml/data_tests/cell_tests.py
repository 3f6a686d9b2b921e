"""Limits on the value of each cell. Missing cells pass: their share is tested on the whole file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ml.cells.cell import MOST_EXACT
from ml.cells.columns import allowed_values

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from ml.model_config import ColumnContract


@dataclass(frozen=True, slots=True)
class CellTest:
    """One limit, and what a finding says of the cells that break it.

    Args:
        name: `test` of the finding.
        applies: whether the column has this limit.
        breaks: true for each typed cell that breaks it.
        words: after `3 cells`.
        limit: as a person reads it.
    """

    name: str
    applies: Callable[[ColumnContract], bool]
    breaks: Callable[[pd.Series, ColumnContract], pd.Series]
    words: str
    limit: Callable[[ColumnContract], str]
    remedy: str


def _is_number(column: ColumnContract) -> bool:
    return column.type in {"number", "integer"}


CELL_TESTS: Final = (
    CellTest(
        name="finite",
        applies=_is_number,
        breaks=lambda cells, _: np.isinf(cells),
        words="infinite",
        limit=lambda _: "finite numbers",
        remedy="leave the cell empty instead",
    ),
    CellTest(
        # Beyond it neighbours become the same number: two ids would be one.
        name="exact",
        applies=lambda column: column.type == "integer",
        breaks=lambda cells, _: np.isfinite(cells) & (cells.abs() > MOST_EXACT),
        words="with more digits than are kept exactly",
        limit=lambda _: f"whole numbers up to {MOST_EXACT:,}",
        remedy="give the column type text in model.yml if it is an id, type number if it is a "
        "measure",
    ),
    CellTest(
        name="range",
        applies=lambda column: column.minimum is not None,
        breaks=lambda cells, column: cells < column.minimum,
        words="below the minimum",
        limit=lambda column: f"{column.minimum:g}",
        remedy="correct the values; impossible ones must not be learnt",
    ),
    CellTest(
        name="range",
        applies=lambda column: column.maximum is not None,
        breaks=lambda cells, column: cells > column.maximum,
        words="above the maximum",
        limit=lambda column: f"{column.maximum:g}",
        remedy="correct the values; impossible ones must not be learnt",
    ),
    CellTest(
        name="values",
        applies=lambda column: column.categories is not None,
        breaks=lambda cells, column: cells.notna() & ~cells.isin(allowed_values(column)),
        words="with an unknown value",
        limit=lambda column: ", ".join(column.categories or ()),
        remedy="correct them, or add the value to the column's values in model.yml",
    ),
)

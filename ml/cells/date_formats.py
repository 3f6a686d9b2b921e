"""Which usual formats read every date of a column, where the stated one does not."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final

import pandas as pd

from ml.cells.dates import dates_of

if TYPE_CHECKING:
    from collections.abc import Iterable

_DAYS: Final = (
    *("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y.%m.%d"),
    *("%Y%m%d", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d %b %Y", "%d-%b-%Y", "%b %d, %Y"),
)
_TIMES: Final = (
    *("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", "T%H:%M:%S", "T%H:%M:%S%z", "T%H:%M", " %H.%M"),
    *(" %H.%M.%S", " %I:%M %p", " %I:%M:%S %p"),
)
USUAL: Final = tuple(f"{day}{time}" for day, time in product(_DAYS, _TIMES))
_LOOKED_AT: Final = 1_000


def formats_of(texts: Iterable[str], among: Iterable[str] = USUAL) -> tuple[str, ...]:
    """The formats that read every one of the texts, or of the first thousand different ones."""
    distinct = pd.Series(list(dict.fromkeys(texts))[:_LOOKED_AT], dtype=object)
    if distinct.empty:
        return ()
    first = distinct.head(1)
    near = (form for form in among if dates_of(first, form).notna().all())
    return tuple(form for form in near if dates_of(distinct, form).notna().all())

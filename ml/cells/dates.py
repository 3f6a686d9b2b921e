"""Dates by their stated format, as pandas reads them: one cell as a column of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from datetime import datetime


def dates_of(values: pd.Series, form: str | None) -> pd.Series:
    """UTC without a zone, in nanoseconds, so that dates of all files fit into one column.

    Args:
        values: stripped text, dates or timestamps; None where a cell is missing.
        form: of text, as strftime has it.

    Returns:
        datetime64[ns]; NaT where a cell is missing or is not a date of this format.
    """
    # A time without a zone is UTC, whatever zones stand beside it.
    dates = pd.to_datetime(values, format=form, errors="coerce", utc=True)
    dates = dates.dt.tz_convert("UTC").dt.tz_localize(None)
    inside = (dates >= pd.Timestamp.min) & (dates <= pd.Timestamp.max)
    return dates.where(inside).dt.as_unit("ns")


def date_of(cell: object, form: str | None) -> datetime | None:
    """One date, or None if it is not of this format."""
    found = dates_of(pd.Series([cell], dtype=object), form).iloc[0]
    return None if pd.isna(found) else found

"""Dates that a file holds in several columns, such as a day and a time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from ml.cells.cell import as_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ml.data_tests.raw_file import RawFile
    from ml.model_config import DataContract


def with_joined_dates(file: RawFile, contract: DataContract) -> RawFile:
    """The file with a column for each date of the contract that it holds in parts.

    The parts are joined with one space and left out, unless the contract has them as columns too.
    A date is missing where all its parts are blank.
    """
    joined = {
        name: column.parts
        for name, column in contract.columns.items()
        if column.parts and name not in file.header and set(column.parts) <= set(file.header)
    }
    if not joined:
        return file
    used = {part for parts in joined.values() for part in parts} - contract.columns.keys()
    header = (*(name for name in file.header if name not in used), *joined)
    return replace(file, header=header, chunks=_joined(file.chunks, joined, used))


def _joined(
    chunks: Iterator[pd.DataFrame], joined: Mapping[str, Sequence[str]], used: set[str]
) -> Iterator[pd.DataFrame]:
    for chunk in chunks:
        columns = {name: _texts(chunk, parts) for name, parts in joined.items()}
        yield chunk.drop(columns=list(used)).assign(**columns)


def _texts(chunk: pd.DataFrame, parts: Sequence[str]) -> pd.Series:
    cells = zip(*(chunk[part].tolist() for part in parts), strict=True)
    texts = [" ".join(map(_text, row)).strip() for row in cells]
    return pd.Series(texts, index=chunk.index, dtype=object)


def _text(cell: object) -> str:
    if cell is None or cell != cell:  # noqa: PLR0124 - NaN
        return ""
    return (as_text(cell) or "").strip()

"""An opened file: its header and its rows, chunk by chunk."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ml.data_tests.report import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

CHUNK_ROWS: Final = 20_000
_MEGABYTE: Final = 1024 * 1024


class UnreadableFile(Exception):  # noqa: N818 - carries a finding; callers catch it
    """The rest of the file cannot be read; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(finding.sentence)


@dataclass(frozen=True, slots=True)
class RawFile:
    """A file whose header was read; `chunks` raises UnreadableFile at the first unreadable row.

    Args:
        header: names of the columns; one without a name is `(column 4)`.
        chunks: raw rows, indexed by row number; 1 is the first row of data.
        unpacked_bytes: the uncompressed size that the file states; 0 if it states none.
        notes: what a person should know of a file that passes; complete once the rows are read.
    """

    header: tuple[str, ...]
    chunks: Iterator[pd.DataFrame]
    unpacked_bytes: int = 0
    notes: list[str] = field(default_factory=list)


def too_large(what: str, size_bytes: int, limit_bytes: int) -> Finding:
    """The file, or what it unpacks to, is above a limit of this installation."""
    return Finding(
        "size",
        None,
        f"{size_bytes / _MEGABYTE:,.0f} MB{what}",
        f"{limit_bytes / _MEGABYTE:,.0f} MB",
        "split the file, or raise RETRAIN_FUNCTION_DATA_LIMIT_BYTES",
    )

"""An opened file: its header and its rows, chunk by chunk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from ml.data_tests.report import Finding

CHUNK_ROWS: Final = 20_000


class UnreadableFile(Exception):  # noqa: N818 - carries a finding; callers catch it
    """The rest of the file cannot be read; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(finding.sentence)


@dataclass(frozen=True, slots=True)
class RawFile:
    """A file whose header was read; `chunks` raises UnreadableFile at the first unreadable row.

    `unpacked_bytes` is the uncompressed size that the file states; 0 if it is not compressed.
    """

    header: tuple[str, ...]
    chunks: Iterator[pd.DataFrame]
    unpacked_bytes: int = 0

"""A file that was opened: its header, and chunks of raw rows until they end or reading must."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from ml.data_tests.report import Finding

CHUNK_ROWS: Final = 20_000


class UnreadableFile(Exception):  # noqa: N818 - carries a finding to the report; nobody sees it raised
    """Reading ends here, for the reason in the finding."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(finding.sentence)


@dataclass(frozen=True, slots=True)
class RawFile:
    """A file whose header was read; `chunks` raises UnreadableFile where reading must end.

    `unpacked_bytes` is what a packed file says that it comes to; 0 for one that is not packed.
    """

    header: tuple[str, ...]
    chunks: Iterator[pd.DataFrame]
    unpacked_bytes: int = 0

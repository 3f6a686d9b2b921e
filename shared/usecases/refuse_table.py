"""A Delta, Iceberg or Hudi table in landing is refused as a whole.

Removed rows lie beside live ones in its files, and its log alone tells them apart. The files of the
first commit arrive before the log: they are withdrawn once it shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain import file_sentences
from shared.domain.data import DataWithdrawn
from shared.domain.landing import LANDING
from shared.domain.notices import AlertRaised
from shared.usecases.files_held import FilesHeld

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.domain.landing import Table
    from shared.ports.data import DataStore
    from shared.usecases.record_fact import RecordFact


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseTable:
    """Alerts once a table, and takes its files out of the data set."""

    record: RecordFact
    data: Callable[[], DataStore]

    def __call__(self, model: str, table: Table) -> bool:
        """Refuse it; False if it was refused before.

        Raises:
            TransientError: a service did not answer; the rest is done by the next call.
        """
        sentence = file_sentences.table_refused(table)
        # Before the look at what is held: what arrives from now on is not recorded.
        refused = self.record(model, AlertRaised(table.alert, sentence))
        for place in sorted(FilesHeld(self.record.ledger, self.data)(refused.state)):
            if table.contains(place.removeprefix(f"{LANDING}/")):
                self.part(model, place)
        return refused.new

    def part(self, model: str, place: str) -> None:
        """Withdraw one file of a refused table."""
        text = file_sentences.part_of_table()
        self.record(model, DataWithdrawn(place, f"table:{place}", text))

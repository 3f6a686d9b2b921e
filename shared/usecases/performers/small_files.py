"""Files with fewer rows than a model wants: they are data where enough rows arrived together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.domain.data import DataArrived
from shared.usecases.performers.files import CycleFile, DataReport, OutcomeKind, store_once
from shared.usecases.performers.pins import Pins

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.facts import Entry
    from shared.domain.state import DataVersion
    from shared.ports.data import DataStore
    from shared.ports.ledger import Ledger
    from shared.usecases.performers.files import FileOutcome, SettleFile

# A cycle opens at the first file of an export: the others arrive while it is open.
_TOGETHER = timedelta(minutes=10)
_MOST_FACTS = 500  # that are looked at before the cycle's


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallFiles:
    """Settles them once all files of their cycle are tested; until then nothing is copied."""

    ledger: Ledger
    data: DataStore
    settle: SettleFile

    def settled(
        self, report: DataReport, arrivals: Sequence[Entry], version: DataVersion | None
    ) -> DataReport:
        """The report without small files: each is accepted or quarantined.

        Args:
            report: the outcome of each file of the cycle.
            arrivals: their facts.
            version: the newest data version before.

        Raises:
            DataMismatchError: a stored document cannot be read.
        """
        if not report.of_kind(OutcomeKind.SMALL):
            return report
        # Stored first: a repetition after a crash must count the same rows, or files that were
        # accepted would be quarantined as well.
        path = f"{report.model}/reports/{report.cycle_id}-together.json"
        store_once(self.data, path, report.to_json())
        stored = self.data.find_json(path)
        if stored is not None:
            report = DataReport.from_json(stored, place=path)
        here = sum(
            file.rows
            for file in report.files
            if file.kind in {OutcomeKind.ACCEPTED, OutcomeKind.SMALL}
        )
        blobs = {
            (fact.blob.place, fact.blob.etag): CycleFile(report.model, report.cycle_id, fact.blob)
            for entry in arrivals
            if isinstance(fact := entry.fact, DataArrived)
        }
        enough = here
        smalls = report.of_kind(OutcomeKind.SMALL)
        if any(file.min_rows > here for file in smalls):
            enough += self._rows_just_before(report.model, arrivals, version)

        def settled(file: FileOutcome) -> FileOutcome:
            if file.kind is not OutcomeKind.SMALL:
                return file
            return self.settle.small(file, blobs[file.source, file.etag], together=enough)

        return DataReport(report.model, report.cycle_id, tuple(map(settled, report.files)))

    def _rows_just_before(
        self, model: str, arrivals: Sequence[Entry], version: DataVersion | None
    ) -> int:
        """Rows in the data set that arrived up to ten minutes before the cycle's first file."""
        if version is None or not arrivals:
            return 0
        first = arrivals[0]
        text = self.data.get_json(version.pins, sha256=version.pins_sha256)
        pins = Pins.from_json(text, place=version.pins)
        after = max(0, first.seq - 1 - _MOST_FACTS)
        places = {
            entry.fact.blob.place
            for entry in self.ledger.entries(model, after=after, to=first.seq - 1)
            if isinstance(entry.fact, DataArrived) and entry.at_utc >= first.at_utc - _TOGETHER
        }
        return sum(file.rows for file in pins.files if not places.isdisjoint(file.sources))

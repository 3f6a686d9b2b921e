"""Test the files that arrived, small ones here and large ones in jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain import file_sentences, sentences
from shared.domain.data import DataArrived, DataTested, DataWithdrawn
from shared.domain.ids import sha256_hex
from shared.errors import BlobChangedError, BlobTooLargeError
from shared.usecases.performers.files import (
    CycleFile,
    DataReport,
    FileOutcome,
    OutcomeKind,
    store_once,
    untested_folder,
)
from shared.usecases.performers.performer import Wait

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from shared.domain.data import BlobRef, TestData
    from shared.domain.facts import Entry
    from shared.domain.state import State
    from shared.ports.data import DataStore, DataTests
    from shared.ports.ledger import Ledger
    from shared.usecases.performers.files import SettleFile
    from shared.usecases.performers.large_files import LargeFiles
    from shared.usecases.performers.small_files import SmallFiles

_SENTENCES_KEPT = 3  # in the fact; all of them stand in the report
# What one message tests: far below the ten minutes of a function. The next one tests the rest.
_SLICE_FILES = 100
_SLICE_BYTES = 200_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TestFiles:
    """Test each file once, as the content that arrived; newer content is another arrival.

    Files above `limit_bytes` are tested by jobs, all at once. The others are tested slice by slice,
    and what was found is stored beside the report, so a crash costs one slice. Repeating it is
    harmless: accepted files are stored under their hash, quarantined ones under the cycle.
    """

    __test__ = False  # not a pytest class

    ledger: Ledger
    data: DataStore
    data_tests: DataTests
    settle: SettleFile
    large_files: LargeFiles
    small_files: SmallFiles
    limit_bytes: int

    def __call__(self, effect: TestData, state: State) -> DataTested | Wait:
        """The report of all files, or what is still to be tested."""
        model, cycle_id = state.model, effect.cycle_id
        entries = tuple(self.ledger.entries(model, after=effect.after_seq))
        arrived = [
            entry
            for entry in entries
            if entry.seq <= effect.to_seq
            and isinstance(entry.fact, DataArrived)
            and not entry.fact.stale
        ]
        arrivals = [entry.fact for entry in arrived if isinstance(entry.fact, DataArrived)]
        withdrawn = _withdrawn(entries)
        large = []
        for fact in filter(self._is_large, arrivals):
            file = CycleFile(model, cycle_id, fact.blob)
            if fact.blob in withdrawn:
                self.large_files.abandon(file)
            else:
                large.append(file)
        if large and (waiting := self.large_files.wait_for(large)) is not None:
            return waiting
        slices = _slices(arrivals)
        files: list[FileOutcome] = []
        for number, facts in enumerate(slices):
            path = f"{model}/reports/{cycle_id}-part-{number}.json"
            last = number == len(slices) - 1
            stored = None if last else self.data.find_json(path)
            if stored is not None:
                files += DataReport.from_json(stored, place=path).files
                continue
            found = self._test_slice(model, cycle_id, facts, withdrawn)
            if isinstance(found, Wait):
                return found
            if not last:
                store_once(self.data, path, DataReport(model, cycle_id, found).to_json())
                return Wait(sentences.slices(len(slices) - number - 1), at_once=True)
            files += found
        report = DataReport(model, cycle_id, tuple(files))
        return self._tested(self.small_files.settled(report, arrived, state.data))

    def _is_large(self, arrived: DataArrived) -> bool:
        return arrived.size_bytes > self.limit_bytes

    def _test_slice(
        self,
        model: str,
        cycle_id: str,
        arrived: Sequence[DataArrived],
        withdrawn: Collection[BlobRef],
    ) -> tuple[FileOutcome, ...] | Wait:
        found = []
        for fact in arrived:
            if fact.blob in withdrawn:
                found.append(FileOutcome.superseded(fact.blob))
                continue
            file = CycleFile(model, cycle_id, fact.blob)
            outcome = (
                self.large_files.outcome(file) if self._is_large(fact) else self._test_here(file)
            )
            if isinstance(outcome, Wait):
                return outcome
            found.append(outcome)
        return tuple(found)

    def _test_here(self, file: CycleFile) -> FileOutcome | Wait:
        try:
            with self.data.fetch(file.blob) as copy:
                tested = self.data_tests.test(file.model, copy, file.name)
                sha256 = copy.sha256
            return self.settle.tested(file, tested, sha256=sha256)
        except BlobChangedError:
            return FileOutcome.superseded(file.blob)
        except BlobTooLargeError:  # larger than its event said, or once it is unpacked
            return self.large_files.outcome(file)

    def _tested(self, report: DataReport) -> DataTested:
        text = report.to_json()
        sha256 = sha256_hex(text)
        path = f"{report.model}/reports/{report.cycle_id}-{sha256[:8]}.json"
        self.data.put_json(path, text)
        # Those of failed cycles too: a model has one cycle at a time.
        self.data.empty(untested_folder(report.model))
        accepted = report.of_kind(OutcomeKind.ACCEPTED)
        quarantined = report.of_kind(OutcomeKind.QUARANTINED)
        noted = [file for file in accepted if file.notes][:_SENTENCES_KEPT]
        return DataTested(
            report.cycle_id,
            accepted=len(accepted),
            quarantined=len(quarantined),
            superseded=len(report.of_kind(OutcomeKind.SUPERSEDED)),
            rows=sum(file.rows for file in accepted),
            report=path,
            report_sha256=sha256,
            findings=tuple(file.sentence for file in quarantined[:_SENTENCES_KEPT]),
            notes=tuple(file_sentences.noted(file.source, file.notes) for file in noted),
        )


def _withdrawn(entries: Iterable[Entry]) -> set[BlobRef]:
    """Contents that were withdrawn after they arrived: they are not tested any more."""
    arrived: dict[str, BlobRef] = {}
    withdrawn = set()
    for entry in entries:
        if isinstance(entry.fact, DataArrived):
            arrived[entry.fact.blob.place] = entry.fact.blob
            withdrawn.discard(entry.fact.blob)
        elif isinstance(entry.fact, DataWithdrawn) and entry.fact.place in arrived:
            withdrawn.add(arrived[entry.fact.place])
    return withdrawn


def _slices(arrived: Iterable[DataArrived]) -> list[list[DataArrived]]:
    """Slice the files by the facts alone, so that a repetition gets the same slices."""
    slices: list[list[DataArrived]] = [[]]
    size_bytes = 0
    for fact in arrived:
        if len(slices[-1]) >= _SLICE_FILES or size_bytes >= _SLICE_BYTES:
            slices.append([])
            size_bytes = 0
        slices[-1].append(fact)
        size_bytes += fact.size_bytes
    return slices

"""What became of a file: from the facts about it, the reports of its tests and the pins."""

from __future__ import annotations

import difflib
from bisect import bisect_left
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from shared.domain import file_sentences
from shared.domain.data import DataArrived, DataRegistered, DataTested, DataWithdrawn
from shared.domain.jobs import ChallengerRegistered
from shared.domain.retraining import CycleEnded, CycleOpened, RetrainDecided
from shared.errors import UnknownFileError
from shared.usecases.files_held import place_of
from shared.usecases.performers.files import DataReport, OutcomeKind
from shared.usecases.performers.pins import Pins
from shared.usecases.record_fact import require_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from shared.domain.facts import Entry
    from shared.domain.state import State
    from shared.ports.catalog import ModelCatalog
    from shared.ports.data import DataStore
    from shared.ports.ledger import Ledger
    from shared.usecases.performers.files import FileOutcome


class Became(StrEnum):
    """What became of one content of a file."""

    STALE = "stale"
    WAITS = "waits"
    TESTING = "testing"
    SUPERSEDED = "superseded"
    QUARANTINED = "quarantined"
    ACCEPTED = "accepted"  # and not pinned yet
    HELD = "held"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class ContentStory:
    """One content that landed under the file's name.

    Args:
        data_versions: that held it, oldest first.
        model_versions: that were trained on one of those, oldest first.
    """

    arrived_utc: datetime
    etag: str
    became: Became
    sentence: str
    cycle_id: str | None = None
    rows: int = 0
    data_versions: tuple[str, ...] = ()
    model_versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileStory:
    """What became of a file; `contents` oldest first."""

    model: str
    place: str  # container/path
    sentence: str
    contents: tuple[ContentStory, ...]


@dataclass(slots=True)
class _CycleFacts:
    """What one cycle says about files."""

    opening: CycleOpened
    tested: DataTested | None = None
    registered: DataRegistered | None = None
    decided: RetrainDecided | None = None
    ended: CycleEnded | None = None
    trained_on: str | None = None
    versions: list[str] = field(default_factory=list)

    def took(self, seq: int) -> bool:
        """Whether a fact of that number went into its data."""
        opening = self.opening
        if not opening.arrivals and not opening.withdrawals:
            return False
        return opening.after_seq < seq <= opening.to_seq


@dataclass(slots=True)
class _Stream:
    """What a model's stream says about one file, and about data versions."""

    arrivals: list[Entry] = field(default_factory=list)
    withdrawals: list[Entry] = field(default_factory=list)
    cycles: dict[str, _CycleFacts] = field(default_factory=dict)
    registered: list[DataRegistered] = field(default_factory=list)

    def add(self, entry: Entry, place: str) -> None:
        fact = entry.fact
        cycle = self.cycles.get(fact.cycle or "")
        match fact:
            case DataArrived() if fact.blob.place == place:
                self.arrivals.append(entry)
            case DataWithdrawn() if fact.place == place:
                self.withdrawals.append(entry)
            case CycleOpened():
                self.cycles[fact.cycle_id] = _CycleFacts(fact)
            case DataTested() if cycle is not None:
                cycle.tested = cycle.tested or fact
            case DataRegistered() if cycle is not None and cycle.ended is None:
                cycle.registered = fact
                self.registered.append(fact)
            case RetrainDecided() if cycle is not None:
                cycle.decided = fact
                cycle.trained_on = self.registered[-1].data_version if self.registered else None
            case ChallengerRegistered() if cycle is not None:
                cycle.versions.append(fact.version)
            case CycleEnded() if cycle is not None:
                cycle.ended = fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Reads a whole stream, one report a content and few pins; decides nothing."""

    ledger: Ledger
    catalog: ModelCatalog
    data: Callable[[], DataStore]

    def __call__(self, model: str, file: str) -> FileStory:
        """What became of it; `file` is its path below `landing/<model>/`.

        Raises:
            UnknownModelError: no such model.
            UnknownFileError: nothing is known of such a file.
            DataMismatchError: a report or pins are gone, or differ from their recorded hash.
        """
        require_model(self.catalog, model)
        place = place_of(model, file)
        stream = _Stream()
        for entry in self.ledger.entries(model):
            stream.add(entry, place)
        if not stream.arrivals:
            raise UnknownFileError(self._unknown(model, place))
        state = self.ledger.head(model).state
        story = _Teller(state, stream, place, self.data)
        contents = tuple(story.content(entry) for entry in stream.arrivals)
        sentence = file_sentences.file_story(place, contents[-1].sentence, len(contents))
        return FileStory(model, place, sentence, contents)

    def _unknown(self, model: str, place: str) -> str:
        known = list(self.ledger.arrivals(model))
        near = difflib.get_close_matches(place, known, n=1)
        return file_sentences.never_arrived(place, near[0] if near else None, files=len(known))


@dataclass(frozen=True, slots=True)
class _Teller:
    state: State
    stream: _Stream
    place: str
    data: Callable[[], DataStore]

    def content(self, entry: Entry) -> ContentStory:
        """What became of the content that this fact says arrived."""
        fact = entry.fact
        if not isinstance(fact, DataArrived):
            raise TypeError(f"not an arrival: {type(fact).__name__}")
        told = self._told(entry.seq, fact)
        arrived = file_sentences.arrived(entry.at_utc)
        return ContentStory(
            entry.at_utc,
            fact.blob.etag,
            told.became,
            f"{arrived} {told.sentence}",
            cycle_id=told.cycle_id,
            rows=told.rows,
            data_versions=told.data_versions,
            model_versions=told.model_versions,
        )

    def _told(self, seq: int, fact: DataArrived) -> _Told:
        if fact.stale:
            return _Told(Became.STALE, file_sentences.stale())
        cycles = [cycle for cycle in self.stream.cycles.values() if cycle.took(seq)]
        if not cycles:
            return self._waits()
        tested = [cycle for cycle in cycles if cycle.tested is not None]
        if not tested:
            return self._untested(cycles[-1])
        cycle = tested[-1]
        outcome = self._outcome(cycle, fact)
        cycle_id = cycle.opening.cycle_id
        if outcome.kind is OutcomeKind.QUARANTINED:
            where = f"quarantine/{outcome.path}"
            sentence = file_sentences.quarantined_in(cycle_id, outcome.sentence, where)
            return _Told(Became.QUARANTINED, sentence, cycle_id)
        if outcome.kind is OutcomeKind.SUPERSEDED:
            return _Told(Became.SUPERSEDED, file_sentences.superseded_in(cycle_id), cycle_id)
        return self._accepted(seq, cycle, outcome)

    def _waits(self) -> _Told:
        open_cycle = self.state.cycle
        return _Told(
            Became.WAITS,
            file_sentences.waits_for_cycle(open_cycle.cycle_id if open_cycle else None),
        )

    def _untested(self, cycle: _CycleFacts) -> _Told:
        """Also of an accepted one: a cycle that failed before it pinned hands its files on."""
        cycle_id = cycle.opening.cycle_id
        if cycle.ended is None:
            return _Told(Became.TESTING, file_sentences.being_tested(cycle_id), cycle_id)
        return _Told(Became.WAITS, file_sentences.waits_after_failure(cycle_id), cycle_id)

    def _outcome(self, cycle: _CycleFacts, fact: DataArrived) -> FileOutcome:
        tested = cycle.tested
        if tested is None:
            raise TypeError("a cycle that was not tested has no report")
        text = self.data().get_json(tested.report, sha256=tested.report_sha256)
        report = DataReport.from_json(text, place=tested.report)
        key = (fact.blob.place, fact.blob.etag)
        found = [item for item in report.files if (item.source, item.etag) == key]
        if not found:
            raise UnknownFileError(file_sentences.not_in_report(self.place, tested.report))
        return found[0]

    def _accepted(self, seq: int, cycle: _CycleFacts, outcome: FileOutcome) -> _Told:
        cycle_id = cycle.opening.cycle_id
        if cycle.registered is None:
            if cycle.ended is not None:
                return self._untested(cycle)
            sentence = file_sentences.being_pinned(cycle_id, outcome.rows)
            return _Told(Became.ACCEPTED, sentence, cycle_id, outcome.rows)
        later = self.stream.registered[self.stream.registered.index(cycle.registered) :]
        # A content enters once and leaves once.
        held = bisect_left(later, 1, key=lambda one: 0 if self._holds(one, outcome) else 1)
        versions = tuple(one.data_version for one in later[:held])
        trained = tuple(
            version
            for other in self.stream.cycles.values()
            if other.trained_on in versions
            for version in other.versions
        )
        sentence = file_sentences.accepted_in(cycle_id, outcome.rows)
        if held == len(later):
            waits = None if trained else self._why_not_trained()
            more = file_sentences.held(versions, trained, waits)
            became = Became.HELD
        else:
            became, more = self._left(seq, later[held], versions, trained)
        return _Told(became, f"{sentence} {more}", cycle_id, outcome.rows, versions, trained)

    def _holds(self, version: DataRegistered, outcome: FileOutcome) -> bool:
        text = self.data().get_json(version.pins, sha256=version.pins_sha256)
        pins = Pins.from_json(text, place=version.pins)
        return any(file.sha256 == outcome.sha256 for file in pins.of(outcome.source))

    def _left(
        self,
        seq: int,
        version: DataRegistered,
        versions: Sequence[str],
        trained: Sequence[str],
    ) -> tuple[Became, str]:
        """Why the first data version without it has it no more."""
        cycle = self.stream.cycles[version.cycle_id]
        withdrawn = [
            entry for entry in self.stream.withdrawals if entry.seq > seq and cycle.took(entry.seq)
        ]
        if withdrawn:
            fact = withdrawn[-1].fact
            text = fact.text if isinstance(fact, DataWithdrawn) else ""
            why = file_sentences.withdrawn_at(withdrawn[-1].at_utc, text)
            became = Became.WITHDRAWN
        else:
            why, became = file_sentences.replaced_in(version.cycle_id), Became.REPLACED
        return became, f"{why} {file_sentences.held_until(versions, trained)}"

    def _why_not_trained(self) -> str | None:
        """What the last decision said, where there was one."""
        decided = [cycle for cycle in self.stream.cycles.values() if cycle.decided is not None]
        if not decided or decided[-1].decided is None:
            return None
        return decided[-1].decided.sentence


@dataclass(frozen=True, slots=True)
class _Told:
    became: Became
    sentence: str
    cycle_id: str | None = None
    rows: int = 0
    data_versions: tuple[str, ...] = ()
    model_versions: tuple[str, ...] = ()

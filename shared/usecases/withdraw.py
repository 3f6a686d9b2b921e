"""A file is taken out of a model's data set: by a person, or because it was deleted."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain import file_sentences
from shared.domain.data import DataWithdrawn
from shared.domain.landing import LANDING
from shared.errors import EventRejectedError, FactConflictError, UnknownFileError
from shared.usecases.files_held import FilesHeld, place_of
from shared.usecases.record_fact import is_older, require_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.domain.data import BlobDeletion
    from shared.domain.state import State
    from shared.ports.catalog import ModelCatalog
    from shared.ports.data import DataStore
    from shared.usecases.record_fact import Recorded, RecordFact


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What came of it. `recorded` is False where a deletion withdraws nothing."""

    model: str
    sentence: str
    new: bool = False
    recorded: bool = False
    cycle_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """The next data version lacks the file; versions that were trained on it stay as they are."""

    record: RecordFact
    catalog: ModelCatalog
    data: Callable[[], DataStore]

    def __call__(
        self, model: str, file: str, *, request: str, text: str, by: str = ""
    ) -> Withdrawal:
        """Record a person's word; the same `request` twice is one.

        Args:
            model: whose data set it is.
            file: below `landing/<model>/`.
            request: the person's idempotency key.
            text: why.
            by: who.

        Raises:
            UnknownModelError: no such model.
            UnknownFileError: the data set does not hold the file.
            FactConflictError: that key was used for something else.
        """
        require_model(self.catalog, model)
        fact = DataWithdrawn(place_of(model, file), request, text, by)
        known = self.record.ledger.find(model, fact.key)
        if known is not None:
            if known.fact != fact:
                raise FactConflictError(
                    f"key {request} was used before, at {known.at_utc:%Y-%m-%d %H:%M} UTC, for "
                    "another file or reason; send a new key for a new request"
                )
            return Withdrawal(model, file_sentences.withdrawn_already(), recorded=True)
        state = self.record.ledger.head(model).state
        held = FilesHeld(self.record.ledger, self.data)(state)
        if fact.place not in held:
            raise UnknownFileError(_not_held(model, fact.place, held))
        return self._recorded(model, fact, last=len(held) == 1)

    def deleted(self, deletion: BlobDeletion) -> Withdrawal | None:
        """What the deletion of a landed blob does; None: it is no file of a model.

        Raises:
            EventRejectedError: it did not lie in the landing container.
            ModelConfigError: model.yml does not say.
        """
        if deletion.container != LANDING:
            raise EventRejectedError(
                f"blob {deletion.place} lies outside the container {LANDING!r}; "
                "give the event subscription a subject filter"
            )
        model = deletion.path.partition("/")[0]
        if model not in self.catalog.names():
            return None
        name = deletion.path.rpartition("/")[2]
        if not self.catalog.policy(model).deleted_withdraws:
            return Withdrawal(model, file_sentences.deleted_and_kept(name))
        known = self.record.ledger.arrival(model, deletion.place)
        if known is None or is_older(deletion.sequencer, known.sequencer):
            return Withdrawal(model, file_sentences.deleted_before(name))
        request = f"deleted:{deletion.place}@{deletion.request}"
        fact = DataWithdrawn(deletion.place, request, file_sentences.deletion())
        state = self.record.ledger.head(model).state
        if not self.record.ledger.knows(model, fact.key):
            held = FilesHeld(self.record.ledger, self.data)(state)
            if deletion.place not in held:
                return Withdrawal(model, file_sentences.deleted_and_unused(name))
        return self._recorded(model, fact, last=False)

    def _recorded(self, model: str, fact: DataWithdrawn, *, last: bool) -> Withdrawal:
        recorded = self.record(model, fact)
        cycle_id = _cycle_with(fact.key, recorded)
        champion = recorded.state.champion
        sentence = file_sentences.withdrawal_accepted(
            cycle_id,
            last=last,
            reasons=self.catalog.policy(model).reasons,
            champion=champion.version if champion else None,
        )
        return Withdrawal(model, sentence, new=recorded.new, recorded=True, cycle_id=cycle_id)


def _cycle_with(key: str, recorded: Recorded) -> str | None:
    """The cycle that it opened; None while it waits for the open one to end."""
    state: State = recorded.state
    if state.cycle is None:
        return None
    taken = any(reason.key == key for reason in state.cycle.opening.reasons)
    return state.cycle.cycle_id if taken else None


def _not_held(model: str, place: str, held: set[str]) -> str:
    folder = f"{LANDING}/{model}/"
    names = sorted(source.removeprefix(folder) for source in held)
    name = place.removeprefix(folder)
    near = difflib.get_close_matches(name, names, n=1)
    return file_sentences.not_held(model, name, count=len(names), near=near[0] if near else None)

"""Which files a model's data set holds, with what was said about files since it was pinned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain.cycle import data_settled
from shared.domain.data import DataArrived, DataWithdrawn
from shared.domain.landing import LANDING
from shared.usecases.performers.pins import Pins

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.domain.state import DataVersion, State
    from shared.ports.data import DataStore
    from shared.ports.ledger import Ledger
    from shared.usecases.performers.pins import PinnedFile


@dataclass(frozen=True, slots=True)
class FilesHeld:
    """Reads the newest pins and the facts after them; decides nothing."""

    ledger: Ledger
    data: Callable[[], DataStore]  # made on first use

    def __call__(self, state: State) -> set[str]:
        """Places (`container/path`): pinned, or arrived and not tested yet; none withdrawn."""
        held = {source for file in self._pinned(state) for source in file.sources}
        cycle = state.cycle
        pending = cycle is not None and not data_settled(cycle)
        after = cycle.opening.after_seq if cycle is not None and pending else state.taken_seq
        for entry in self.ledger.entries(state.model, after=after):
            fact = entry.fact
            if isinstance(fact, DataWithdrawn):
                held.discard(fact.place)
            elif isinstance(fact, DataArrived) and not fact.stale:
                held.add(fact.blob.place)
        return held

    def _pinned(self, state: State) -> tuple[PinnedFile, ...]:
        return () if state.data is None else pins_of(state.data, self.data()).files


def pins_of(version: DataVersion, data: DataStore) -> Pins:
    """The files of a data version.

    Raises:
        DataMismatchError: the document is gone, or differs from its recorded hash.
    """
    text = data.get_json(version.pins, sha256=version.pins_sha256)
    return Pins.from_json(text, place=version.pins)


def place_of(model: str, file: str) -> str:
    """`landing/<model>/<file>`, however much of that a person writes."""
    inside = file.strip().lstrip("/").removeprefix(f"{LANDING}/").removeprefix(f"{model}/")
    return f"{LANDING}/{model}/{inside}"

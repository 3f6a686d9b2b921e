"""The ledger in a dictionary."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.domain.data import DataArrived
from shared.domain.state import State
from shared.errors import LedgerConflictError
from shared.ports.ledger import ArrivalMark, DueEffect, Head

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shared.domain.facts import Entry


@dataclass(slots=True)
class _Stream:
    state: State
    entries: list[Entry] = field(default_factory=list)
    keys: dict[str, Entry] = field(default_factory=dict)
    due: dict[str, DueEffect] = field(default_factory=dict)
    arrivals: dict[str, ArrivalMark] = field(default_factory=dict)


class InMemoryLedger:
    """Port `Ledger`; one lock stands in for the store's transactions."""

    def __init__(self) -> None:
        self._streams: dict[str, _Stream] = {}
        self._lock = threading.Lock()

    def _stream(self, model: str) -> _Stream:
        return self._streams.get(model) or _Stream(State(model))

    def head(self, model: str) -> Head:
        """The folded state; an empty one for a model without facts."""
        with self._lock:
            state = self._stream(model).state
            return Head(state, str(state.count) if state.count else None)

    def commit(
        self,
        head: Head,
        entries: Sequence[Entry],
        *,
        state: State,
        due: Sequence[DueEffect],
        undue: Sequence[str],
    ) -> Head:
        """Append in one transaction; see `Ledger.commit`."""
        model = head.state.model
        with self._lock:
            stream = self._stream(model)
            keys = [entry.fact.key for entry in entries]
            etag = str(stream.state.count) if stream.state.count else None
            if etag != head.etag:
                raise LedgerConflictError(f"{model}: the stream has grown to {etag}")
            if entries and entries[0].seq != len(stream.entries) + 1:
                raise LedgerConflictError(f"{model}: fact {entries[0].seq} exists, or leaves a gap")
            if stream.keys.keys() & keys or len(set(keys)) != len(keys):
                raise LedgerConflictError(f"{model}: one of {keys} is known already")
            if any(row.effect in stream.due for row in due) or any(
                key not in stream.due for key in undue
            ):
                raise LedgerConflictError(f"{model}: the due effects have changed")
            stream.entries.extend(entries)
            stream.keys.update(zip(keys, entries, strict=True))
            stream.state = state
            stream.due.update({row.effect: row for row in due})
            for key in undue:
                del stream.due[key]
            for entry in entries:
                if isinstance(entry.fact, DataArrived) and not entry.fact.stale:
                    mark = ArrivalMark(entry.fact.blob.etag, entry.fact.sequencer)
                    stream.arrivals[entry.fact.blob.place] = mark
            self._streams[model] = stream
        return Head(state, str(state.count))

    def knows(self, model: str, fact_key: str) -> bool:
        """Whether a fact of that key is recorded."""
        with self._lock:
            return fact_key in self._stream(model).keys

    def find(self, model: str, fact_key: str) -> Entry | None:
        """The fact of that key; None if it is not recorded."""
        with self._lock:
            return self._stream(model).keys.get(fact_key)

    def arrival(self, model: str, place: str) -> ArrivalMark | None:
        """Newest known content of a landed blob."""
        with self._lock:
            return self._stream(model).arrivals.get(place)

    def arrivals(self, model: str) -> Mapping[str, ArrivalMark]:
        """The newest known content of every landed blob, by `container/path`."""
        with self._lock:
            return dict(self._stream(model).arrivals)

    def entries(self, model: str, *, after: int = 0, to: int | None = None) -> Iterable[Entry]:
        """Facts in (after, to], oldest first."""
        with self._lock:
            return tuple(self._stream(model).entries[after:to])

    def due(self, model: str) -> Sequence[DueEffect]:
        """All due effects of a model."""
        with self._lock:
            return tuple(self._stream(model).due.values())

    def due_effect(self, model: str, effect: str) -> DueEffect | None:
        """The due effect of that key; None if it is not due."""
        with self._lock:
            return self._stream(model).due.get(effect)

    def update_due(self, model: str, old: DueEffect, new: DueEffect) -> bool:
        """Replace one row if it still equals `old`."""
        with self._lock:
            due = self._stream(model).due
            if due.get(old.effect) != old:
                return False
            due[old.effect] = new
            return True

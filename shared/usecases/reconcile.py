"""Repairs lost messages and events, and late writes. It decides nothing new."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache, partial
from typing import TYPE_CHECKING

from shared.domain import sentences
from shared.domain.data import ArrivalSource, DataArrived
from shared.domain.jobs import ChallengerRegistered
from shared.domain.landing import holds_no_data, table_of
from shared.domain.notices import EffectFailed
from shared.domain.rollout import RestoreTraffic, TrafficChangedOutside, TrafficFoundStale
from shared.domain.traffic import Traffic, read_traffic
from shared.errors import LedgerConflictError, RetrainError
from shared.ports.endpoints import Provisioning
from shared.ports.notices import Alert
from shared.ports.queues import WorkMessage
from shared.usecases.arrive import Arrive, in_refused_table
from shared.usecases.record_fact import outbox_change
from shared.usecases.refuse_table import RefuseTable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.ports.catalog import ModelCatalog
    from shared.ports.clock import Clock
    from shared.ports.data import DataStore
    from shared.ports.endpoints import Endpoints
    from shared.ports.ledger import DueEffect, Ledger
    from shared.ports.notices import Alerts
    from shared.ports.queues import PoisonQueues, WorkQueue
    from shared.ports.registry import Registry
    from shared.usecases.record_fact import RecordFact
    from shared.usecases.reject import Rejects

_OVERDUE = timedelta(minutes=6)  # longer than the longest delay of a waiting effect
_MOST_REQUEUED = 20
_EVENT_TIME = timedelta(minutes=2)  # an event usually comes sooner than a listing finds its blob
_REGISTRY_TIME = timedelta(days=3)  # Event Grid gives up after one
# A function has ten minutes; the next run goes on.
_MOST_ARRIVALS = 1_000
_MOST_UNCLAIMED = 10_000


@dataclass(slots=True)
class Repairs:
    """What one run repaired."""

    requeued: int = 0
    given_up: int = 0
    decided: int = 0
    outbox: int = 0
    arrivals: int = 0
    versions: int = 0
    rejected: int = 0
    traffic: int = 0
    poisoned: int = 0
    errors: list[str] = field(default_factory=list)  # an error in one model stops no other


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconcile:
    """Runs every ten minutes."""

    ledger: Ledger
    work: WorkQueue
    record: RecordFact
    rejects: Rejects
    catalog: ModelCatalog
    poison: PoisonQueues
    clock: Clock
    data: DataStore
    registry: Registry
    endpoints: Endpoints
    alerts: Alerts

    def __call__(self) -> Repairs:
        """Repair every model; failures are collected in `errors`."""
        repairs = Repairs()
        models = self.catalog.names()
        for model in models:
            for repair in (
                self._decisions,
                self._outbox,
                self._due,
                self._landing,
                self._registry,
                self._traffic,
            ):
                try:
                    repair(model, repairs)
                except RetrainError as exc:
                    repairs.errors.append(f"{model}: {exc}")
        for look in (partial(self._unclaimed, models), self._poison):
            try:
                look(repairs)
            except RetrainError as exc:
                repairs.errors.append(str(exc))
        return repairs

    @property
    def refuse_table(self) -> RefuseTable:
        """Of a table whose log is listed."""
        return RefuseTable(record=self.record, data=lambda: self.data)

    def _decisions(self, model: str, repairs: Repairs) -> None:
        """Make the decisions that a crashed host or another version of the app left undone."""
        repairs.decided += self.record.go_on(model)

    def _outbox(self, model: str, repairs: Repairs) -> None:
        """Correct the outbox if another version of the app, which decides otherwise, wrote it."""
        head = self.ledger.head(model)
        rows = {row.effect for row in self.ledger.due(model)}
        now_utc = self.clock.now_utc()
        due = self.record.decisions.outbox(head.state, now_utc)
        begin, end = outbox_change(rows, due, now_utc)
        if not begin and not end:
            return
        try:
            self.ledger.commit(head, (), state=head.state, due=begin, undue=end)
        except LedgerConflictError:
            return  # the stream has grown since it was read, and its outbox with it
        repairs.outbox += len(begin) + len(end)
        for effect in begin:
            self.work.send(WorkMessage(model, effect.effect))

    def _due(self, model: str, repairs: Repairs) -> None:
        """Resend messages that were lost or whose worker crashed, each at most twenty times."""
        now_utc = self.clock.now_utc()
        for row in self.ledger.due(model):
            if row.due_utc + _OVERDUE > now_utc:
                continue
            if row.requeued >= _MOST_REQUEUED:
                self._give_up(model, row)
                repairs.given_up += 1
            else:
                self._requeue(model, row, now_utc)
                repairs.requeued += 1

    def _requeue(self, model: str, row: DueEffect, now_utc: datetime) -> None:
        begun_utc = row.begun_utc or row.due_utc
        later = replace(row, due_utc=now_utc, requeued=row.requeued + 1, begun_utc=begun_utc)
        if self.ledger.update_due(model, row, later):
            self.work.send(WorkMessage(model, row.effect, row.turn))

    def _give_up(self, model: str, row: DueEffect) -> None:
        state = self.ledger.head(model).state
        due = self.record.decisions.outbox(state, self.clock.now_utc())
        effect = next((item for item in due if item.key == row.effect), None)
        if effect is None:
            return  # it is no longer due
        sentence = sentences.never_performed(row.requeued)
        self.record(model, EffectFailed.of(effect, sentence))

    def _landing(self, model: str, repairs: Repairs) -> None:
        """Record blobs without an event; each content is known by its ETag."""
        latest_utc = self.clock.now_utc() - _EVENT_TIME
        listed = [item for item in self.data.landed(model) if item.modified_utc <= latest_utc]
        tables = (table_of(item.blob.path) for item in listed)
        for table in {table for table in tables if table is not None}:
            repairs.rejected += self.refuse_table(model, table)
        landed = [item for item in listed if not holds_no_data(item.blob.path, item.size_bytes)]
        if not landed:
            return
        # Read after the listing: what arrived in between is newer than the listing, not missing.
        known = self.ledger.arrivals(model)
        knows = cache(partial(self.ledger.knows, model))
        unknown = [
            item
            for item in landed
            if (item.blob.place not in known or known[item.blob.place].etag != item.blob.etag)
            and not in_refused_table(item.blob.path, knows)
        ]
        for item in unknown[:_MOST_ARRIVALS]:
            fact = DataArrived(item.blob, item.size_bytes, source=ArrivalSource.RECONCILE)
            if not (new := self.record(model, fact).new):
                new = self._listed_after_all(model, fact)
            repairs.arrivals += new
        if len(unknown) > _MOST_ARRIVALS:
            repairs.errors.append(sentences.not_all(model, len(unknown), _MOST_ARRIVALS))

    def _listed_after_all(self, model: str, fact: DataArrived) -> bool:
        """Whether an arrival recorded as stale turns out to be the content in storage."""
        entry = self.ledger.find(model, fact.key)
        if entry is None or not (isinstance(entry.fact, DataArrived) and entry.fact.stale):
            return False
        return self.record(model, replace(fact, listed=True)).new

    def _registry(self, model: str, repairs: Repairs) -> None:
        """Record versions that a person registered and whose event was lost."""
        if self.ledger.head(model).state.data is None:
            return  # nothing to compare it on
        since_utc = self.clock.now_utc() - _REGISTRY_TIME
        for item in self.registry.registered_since(model, since_utc):
            fact = ChallengerRegistered(item.version)
            # One with a cycle is a job's: its cycle looks for it by itself.
            if not item.tags.get("cycle_id") and not self.ledger.knows(model, fact.key):
                repairs.versions += self.record(model, fact).new

    def _unclaimed(self, models: Sequence[str], repairs: Repairs) -> None:
        latest_utc = self.clock.now_utc() - _EVENT_TIME
        # As on its event: what was quarantined then is not quarantined again.
        arrive = Arrive(self.record, lambda: self.rejects, lambda: self.refuse_table)
        for number, item in enumerate(self.data.unclaimed(models)):
            if number >= _MOST_UNCLAIMED:
                repairs.errors.append(sentences.too_many_unclaimed(_MOST_UNCLAIMED))
                return
            if item.modified_utc <= latest_utc:
                arrival = DataArrived(item.blob, item.size_bytes, source=ArrivalSource.RECONCILE)
                repairs.rejected += arrive(arrival) is True

    def _traffic(self, model: str, repairs: Repairs) -> None:
        """Repair an older write of ours; respect a change by a person."""
        state = self.ledger.head(model).state
        if state.champion is None:
            return
        if any(isinstance(effect, RestoreTraffic) for effect in state.outstanding):
            return
        endpoint = self.endpoints.endpoint(model)
        if endpoint is None or endpoint.state is not Provisioning.READY:
            return
        # Read again: a promotion since may explain the traffic.
        state = self.ledger.head(model).state
        reading = read_traffic(state, endpoint.traffic, tag=endpoint.fact_seq)
        if reading.kind is Traffic.AGREES or state.champion is None:
            return
        repairs.traffic += 1
        if reading.kind is Traffic.OUTSIDE or endpoint.fact_seq is None:
            self.record(
                model, TrafficChangedOutside(reading.version, reading.observed, state.count)
            )
        else:
            self.record(
                model,
                TrafficFoundStale(
                    reading.observed,
                    found_seq=endpoint.fact_seq,
                    fact_seq=state.champion.fact_seq,
                    after_seq=state.count,
                ),
            )

    def _poison(self, repairs: Repairs) -> None:
        day = self.clock.now_utc().date().isoformat()
        for queue, count in self.poison.waiting().items():
            repairs.poisoned += count
            sentence = sentences.poisoned(queue, count)
            self.alerts.send(Alert("", f"poison:{queue}:{day}", sentence))

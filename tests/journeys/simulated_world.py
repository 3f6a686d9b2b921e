"""The whole app in one process: handlers, ledger, queues, timers, several models, two hosts.

Everything random comes from one seed, time from a simulated clock. Events are shuffled, doubled
and lost; hosts crash between a commit and what should follow it.
"""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from chances import CALM, POLICY, SMALL_BYTES, Chances
from unreliable import ContestedLedger, CountingLedger, Crash, CrashingQueue

from functions._performers import performers_over
from shared.adapters.in_memory import (
    AzureMlSimulator,
    InMemoryAlerts,
    InMemoryBlobs,
    InMemoryCatalog,
    InMemoryDataStore,
    InMemoryEndpoints,
    InMemoryEvidence,
    InMemoryLedger,
    InMemoryPublisher,
    InMemoryQuarantine,
    InMemoryQueue,
    JobEnded,
    JobScript,
    MarkedDataTests,
    ModelRegistered,
    ScriptedDriftChecks,
    SimulatedClock,
)
from shared.domain.data import DataArrived
from shared.domain.drift import DriftVerdict, Performance, PerformanceVerdict
from shared.domain.ids import JobName
from shared.domain.jobs import ChallengerRegistered, JobFinished
from shared.errors import UnknownFileError
from shared.ports.queues import WorkMessage
from shared.usecases.arrive import Arrive
from shared.usecases.check_drift import CheckDriftOf
from shared.usecases.perform_effect import PerformEffect
from shared.usecases.reconcile import Reconcile
from shared.usecases.record_fact import RecordFact
from shared.usecases.refuse_table import RefuseTable
from shared.usecases.reject import Rejects
from shared.usecases.request_retrain import RequestRetrain
from shared.usecases.withdraw import Withdraw

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from shared.adapters.in_memory import QueuedMessage
    from shared.adapters.in_memory.azure_ml import AnyJob
    from shared.domain.drift import CheckDrift
    from shared.domain.facts import Fact
    from shared.domain.policy import Policy


@dataclass(frozen=True, slots=True)
class Ports:
    """The adapters with which effects are performed."""

    catalog: InMemoryCatalog
    ledger: InMemoryLedger
    data: InMemoryDataStore
    quarantine: InMemoryQuarantine
    data_tests: MarkedDataTests
    drift_checks: ScriptedDriftChecks
    jobs: AzureMlSimulator
    evidence: InMemoryEvidence
    registry: AzureMlSimulator
    endpoints: InMemoryEndpoints
    publisher: InMemoryPublisher
    alerts: InMemoryAlerts
    data_limit_bytes: int = SMALL_BYTES


@dataclass(frozen=True, slots=True)
class Host:
    """One process: its own locks and use cases over the shared world."""

    record: RecordFact
    arrive: Arrive
    perform: PerformEffect
    reconcile: Reconcile
    check_drift: CheckDriftOf
    request: RequestRetrain
    withdraw: Withdraw


@dataclass(slots=True)
class World:
    """Storage, Azure ML, two hosts, and a third one that interferes."""

    seed: int = 0
    chances: Chances = CALM
    policies: dict[str, Policy] = field(default_factory=lambda: {"diabetes": POLICY})
    chance: random.Random = field(init=False)
    clock: SimulatedClock = field(init=False)
    blobs: InMemoryBlobs = field(init=False)
    ledger: Any = field(init=False)  # a CountingLedger, or a real one
    work: InMemoryQueue = field(init=False)
    events: InMemoryQueue = field(init=False)
    azure_ml: AzureMlSimulator = field(init=False)
    endpoints: InMemoryEndpoints = field(init=False)
    ports: Ports = field(init=False)
    hosts: list[Host] = field(init=False)
    rival: Host = field(init=False)
    make_ledger: Callable[[], Any] = CountingLedger
    min_rows: int = 0  # of what arrives together
    uploads: int = 0
    crashes: int = 0
    overtaken: int = 0
    withdrawals: int = 0
    late: dict[tuple[str, date], int] = field(default_factory=dict)
    _facts: dict[str, tuple[str, Fact]] = field(default_factory=dict)
    _sequencers: int = 0
    _rival_is_working: bool = False

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # noqa: S311 - a simulation repeats itself
        self.clock = SimulatedClock()
        self.blobs = InMemoryBlobs(self.clock)
        self.ledger = self.make_ledger()
        self.work = InMemoryQueue(self.clock, "work")
        self.events = InMemoryQueue(self.clock, "events")
        self.azure_ml = AzureMlSimulator(
            self.clock, self.blobs, script_of=self._script, announce=self._announce
        )
        self.endpoints = InMemoryEndpoints(
            self.clock,
            takes=lambda: timedelta(seconds=self.chance.randint(5, 300)),
            deployment_fails=lambda *_: self.chance.random() < self.chances.deployment_fails,
            smoke_fails=lambda *_: self.chance.random() < self.chances.smoke_fails,
        )
        self.ports = Ports(
            InMemoryCatalog(self.policies),
            self.ledger,
            InMemoryDataStore(self.blobs, limit_bytes=SMALL_BYTES),
            InMemoryQuarantine(self.blobs),
            MarkedDataTests(min_rows=self.min_rows),
            ScriptedDriftChecks(
                self.clock,
                self._drift,
                performance_of=self._performance,
                is_large=lambda *_: self.chance.random() < self.chances.large_window,
                rows_of=lambda model, start_utc: self.late.get((model, start_utc.date()), 0),
            ),
            self.azure_ml,
            InMemoryEvidence(self.blobs),
            self.azure_ml,
            self.endpoints,
            InMemoryPublisher(),
            InMemoryAlerts(),
        )
        self.hosts = [self._host() for _ in range(2)]
        self.rival = self._host()

    def replace_ports(self, **ports: Any) -> None:
        """Perform effects with these ports from now on."""
        performers = performers_over(replace(self.ports, **ports))
        self.hosts = [
            replace(host, perform=replace(host.perform, performers=performers))
            for host in self.hosts
        ]

    def _host(self) -> Host:
        work = CrashingQueue(self.work, self.chance, self.chances.crash_before_send)
        catalog = self.ports.catalog
        ledger = ContestedLedger(self.ledger, self._rival_works)
        record = RecordFact(
            ledger=ledger, work=work, catalog=catalog, clock=self.clock, random=self.chance
        )
        rejects = Rejects(self.ports.quarantine, self.ports.alerts)
        return Host(
            record,
            Arrive(
                record,
                lambda: rejects,
                lambda: RefuseTable(record=record, data=lambda: self.ports.data),
            ),
            PerformEffect(
                ledger=ledger,
                work=work,
                record=record,
                clock=self.clock,
                performers=performers_over(self.ports),
                jobs=lambda: self.ports.jobs,
            ),
            Reconcile(
                ledger=ledger,
                work=work,
                record=record,
                rejects=rejects,
                catalog=catalog,
                poison=self.work,
                clock=self.clock,
                data=self.ports.data,
                registry=self.ports.registry,
                endpoints=self.ports.endpoints,
                alerts=self.ports.alerts,
            ),
            CheckDriftOf(self.ledger, record, catalog, self.clock, lambda: self.ports.drift_checks),
            RequestRetrain(record, self.ledger),
            Withdraw(record=record, catalog=catalog, data=lambda: self.ports.data),
        )

    # --- what happens outside

    def upload(self, path: str, content: bytes) -> None:
        """A producer drops a file; its event may be lost or duplicated."""
        blob = self.blobs.upload("landing", path, content)
        self.uploads += 1
        self._sequencers += 1
        fact = DataArrived(blob, len(content), sequencer=f"{self._sequencers:032x}")
        self._send_event(path.partition("/")[0], fact)

    def upload_random(self, model: str, number: int) -> None:
        broken = self.chance.random() < self.chances.file_broken
        rows = 1 if self.chance.random() < self.chances.file_small else 3
        content = b"broken" if broken else f"{model} {number}\n".encode() * rows
        if self.chance.random() < self.chances.file_large:
            content += b"x" * SMALL_BYTES
        named = [item.blob.path for item in self.blobs.listing("landing", f"{model}/")]
        again = named and self.chance.random() < self.chances.same_name
        self.upload(self.chance.choice(named) if again else f"{model}/file-{number}.csv", content)

    def withdraw_random(self, host: Host, model: str, number: int) -> None:
        """A person, or the deletion of the file, takes one out of the data set."""
        landed = self.blobs.listing("landing", f"{model}/")
        if not landed:
            return
        path = self.chance.choice(landed).blob.path
        with suppress(UnknownFileError):  # it failed its tests, or is out already
            host.withdraw(model, path, request=f"w{number}", text="by hand")
            self.withdrawals += 1

    def _script(self, _job: AnyJob) -> JobScript:
        better = self.chance.random() < self.chances.better
        return JobScript(
            timedelta(seconds=self.chance.randint(10, 1800)),
            fails=self.chance.random() < self.chances.job_fails,
            challenger_metric=0.6 if better else 0.4,
            champion_metric=0.5,
            config_sha256=self._other_settings(),
        )

    def _other_settings(self) -> str | None:
        """Settings saved between the check of the hash and the packing of the code."""
        if self.chance.random() >= self.chances.trained_under_other_settings:
            return None
        return f"saved-meanwhile-{len(self.azure_ml.jobs)}"

    def change_settings(self, model: str, number: int) -> None:
        """A data scientist saves another model.yml."""
        self.policies[model] = replace(self.policies[model], config_sha256=f"settings-{number}")

    def _drift(self, _model: str, _effect: CheckDrift) -> DriftVerdict:
        if self.chance.random() < self.chances.not_enough_data:
            return DriftVerdict.NOT_ENOUGH_DATA
        found = self.chance.random() < self.chances.drift
        return DriftVerdict.DRIFT if found else DriftVerdict.NO_DRIFT

    def _performance(self, _model: str, _effect: CheckDrift) -> Performance:
        worse = self.chance.random() < self.chances.worse
        verdict = PerformanceVerdict.WORSE if worse else PerformanceVerdict.NOT_WORSE
        return Performance(verdict, f"The predictions are {verdict}.", "accuracy", rows=100)

    def rows_come_late(self, model: str) -> None:
        """Late rows for a random day of the last week."""
        day = self.clock.now_utc().date() - timedelta(days=self.chance.randint(0, 6))
        self.late[model, day] = self.late.get((model, day), 0) + 1

    def _announce(self, event: ModelRegistered | JobEnded) -> None:
        if isinstance(event, ModelRegistered):
            # Tags may be left out of an event; then only the cycle is known.
            job_name = event.job_name if self.chance.random() < 0.8 else None
            fact = ChallengerRegistered(event.version, event.cycle_id, job_name)
            self._send_event(event.model, fact)
        elif JobName.parse(event.job_name) is not None:  # the test of a file has no event
            self._send_event(event.model, JobFinished(event.job_name, event.status, "by event"))

    def _send_event(self, model: str, fact: Fact) -> None:
        name = f"{model}|{fact.key}"
        self._facts[name] = (model, fact)
        if self.chance.random() < self.chances.event_lost:
            return
        copies = 2 if self.chance.random() < self.chances.event_doubled else 1
        for _ in range(copies):
            delay = timedelta(seconds=self.chance.expovariate(1 / 30)) if self.rough else None
            self.events.send_again(name, delay=delay or timedelta(0))

    @property
    def ended(self) -> int:
        ended: int = self.ledger.ended
        return ended

    @property
    def rough(self) -> bool:
        return self.chances is not CALM

    # --- what the hosts do

    def _rival_works(self, doubled: WorkMessage | None) -> None:
        """Let the third host handle a message now, as another process may at any time."""
        if self._rival_is_working or self.chance.random() >= self.chances.overtaken:
            return
        visible = self.work.visible() + self.events.visible()
        self.overtaken += 1
        self._rival_is_working = True
        try:
            if doubled is not None:
                self.rival.perform(doubled)
            elif visible:
                self.deliver(self.chance.choice(visible), self.rival)
        except Crash:
            self.crashes += 1
        finally:
            self._rival_is_working = False

    def deliver(self, message: QueuedMessage, host: Host | None = None) -> None:
        """Hand one message to a host, as the Functions host does."""
        host = host or self.chance.choice(self.hosts)
        queue = self.work if isinstance(message.body, WorkMessage) else self.events
        queue.take(message)
        try:
            if isinstance(message.body, WorkMessage):
                host.perform(message.body)
            else:
                self._handle_event(host, message.body)
        except Crash:
            self.crashes += 1
            return  # the message stays hidden until its visibility ends
        if self.chance.random() < self.chances.crash_before_acknowledge:
            self.crashes += 1
            return
        queue.acknowledge(message)

    def _handle_event(self, host: Host, name: str) -> None:
        model, fact = self._facts[name]
        if isinstance(fact, DataArrived):
            host.arrive(fact)
        else:
            host.record(model, fact)

    def as_host(self, call: Callable[[], object]) -> None:
        """Run a timer or a request: the caller does not retry when the host crashes."""
        try:
            call()
        except Crash:
            self.crashes += 1

    def reconcile(self) -> None:
        try:
            repairs = self.chance.choice(self.hosts).reconcile()
        except Crash:
            self.crashes += 1
        else:
            assert repairs.errors == []

    def step(self) -> bool:
        """Deliver one of the visible messages; False when there is none."""
        self.azure_ml.settle()
        visible = self.work.visible() + self.events.visible()
        if not visible:
            return False
        self.deliver(self.chance.choice(visible) if self.rough else visible[0])
        return True

    def run_until(self, end_utc: Any) -> None:
        """Run messages, timers and Azure ML until that time."""
        while True:
            while self.step():
                continue
            times = [self.next_reconcile_utc()]
            times += [
                moment
                for moment in (
                    self.work.next_visible_utc(),
                    self.events.next_visible_utc(),
                    self.azure_ml.next_end_utc(),
                )
                if moment is not None
            ]
            moment = min(times)
            if moment > end_utc:
                self.clock.advance_to(end_utc)
                return
            reconcile_now = moment == times[0]
            self.clock.advance_to(moment)
            if reconcile_now:
                self.reconcile()

    def next_reconcile_utc(self) -> Any:
        now_utc = self.clock.now_utc()
        minutes = 10 - now_utc.minute % 10
        return now_utc.replace(second=0, microsecond=0) + timedelta(minutes=minutes)

    def run_for(self, duration: timedelta) -> None:
        self.run_until(self.clock.now_utc() + duration)

    def run_until_quiet(self, *, hours: int = 72) -> None:
        """Run until nothing is open, due, waiting or in a queue."""
        end_utc = self.clock.now_utc() + timedelta(hours=hours)
        while self.clock.now_utc() < end_utc:
            self.run_for(timedelta(minutes=20))
            if self.quiet:
                return
        raise AssertionError(f"not quiet after {hours} simulated hours: {self.unfinished()}")

    @property
    def quiet(self) -> bool:
        return not any(self.unfinished().values())

    def unfinished(self) -> dict[str, Sequence[Any]]:
        states = [self.ledger.head(model).state for model in self.policies]
        return {
            "messages": list(self.work.messages.values()) + list(self.events.messages.values()),
            "open": [state.cycle.cycle_id for state in states if state.cycle],
            "due": [row for model in self.policies for row in self.ledger.due(model)],
            "waiting": [state.model for state in states if state.waiting_arrivals],
            "jobs": [moment for moment in [self.azure_ml.next_end_utc()] if moment],
        }

"""Composition root: use cases over the app's ports, each made when it is first used."""

from __future__ import annotations

import gc
import os
import threading
from functools import cached_property
from typing import TYPE_CHECKING

from functions._ports import Ports
from shared.logs import quiet_sdks

if TYPE_CHECKING:
    from shared.settings import Settings
    from shared.usecases.arrive import Arrive
    from shared.usecases.check_drift import CheckDriftOf
    from shared.usecases.check_drift_daily import CheckDriftDaily
    from shared.usecases.explain import Explain
    from shared.usecases.lookup import Lookup
    from shared.usecases.perform_effect import PerformEffect
    from shared.usecases.read_drift_report import ReadDriftReport
    from shared.usecases.reconcile import Reconcile
    from shared.usecases.record_challenger import RecordChallenger
    from shared.usecases.record_drift import RecordDrift
    from shared.usecases.record_job_end import RecordJobEnd
    from shared.usecases.refuse_table import RefuseTable
    from shared.usecases.reject import Rejects
    from shared.usecases.request_retrain import RequestRetrain
    from shared.usecases.status import Status
    from shared.usecases.withdraw import Withdraw

# Imported objects are never garbage. Importing makes 60,000 of them for the first event, and a
# collection every 700 objects would take a tenth of its CPU. Set before anything is imported.
_OBJECTS_BEFORE_FIRST_COLLECTION = 100_000
_OBJECTS_BEFORE_COLLECTION = 10_000


def _collect_as_usual(_phase: str, _info: object) -> None:
    """Lower the threshold: Azure ML's SDK leaves reference cycles, 46 MB before the first run."""
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION)
    gc.callbacks.remove(_collect_as_usual)


gc.set_threshold(_OBJECTS_BEFORE_FIRST_COLLECTION)
gc.callbacks.append(_collect_as_usual)


class App(Ports):
    """The use cases that triggers call, by name."""

    def __init__(self, settings: Settings) -> None:
        from shared.usecases.record_fact import RecordFact  # noqa: PLC0415 - see `_ports`

        super().__init__(settings)
        # One for the process: it holds the lock a model that keeps its messages from racing.
        self.record = RecordFact(
            ledger=self.ledger,
            work=self.work,
            catalog=self.catalog,
            clock=self.clock,
            random=self.random,
        )

    def reject_event(self, body: bytes, why: Exception | str) -> None:
        """Quarantine the body of an event that can never be handled, and alert once."""
        self.log.warning("message rejected", error=str(why))
        self.rejects.event(body.decode("utf-8", "replace"), str(why))

    def send_event_again(self, body: bytes) -> None:
        """Put an event whose write lost its races back on its queue, with a random delay."""
        from shared.usecases.send_event_again import SendEventAgain  # noqa: PLC0415 - rare

        SendEventAgain(self.events, self.random)(body.decode("utf-8", "replace"))

    @cached_property
    def rejects(self) -> Rejects:
        from shared.usecases.reject import Rejects  # noqa: PLC0415 - see `_ports`

        return Rejects(quarantine=self.quarantine, alerts=self.alerts)

    @cached_property
    def arrive(self) -> Arrive:
        from shared.usecases.arrive import Arrive  # noqa: PLC0415 - same

        return Arrive(self.record, lambda: self.rejects, lambda: self.refuse_table)

    @cached_property
    def refuse_table(self) -> RefuseTable:
        from shared.usecases.refuse_table import RefuseTable  # noqa: PLC0415 - rare

        return RefuseTable(record=self.record, data=lambda: self.data)

    @cached_property
    def withdraw(self) -> Withdraw:
        from shared.usecases.withdraw import Withdraw  # noqa: PLC0415 - same

        return Withdraw(
            record=self.record,
            catalog=self.catalog,
            data=lambda: self.data,
        )

    @cached_property
    def lookup(self) -> Lookup:
        from shared.usecases.lookup import Lookup  # noqa: PLC0415 - same

        return Lookup(ledger=self.ledger, catalog=self.catalog, data=lambda: self.data)

    @cached_property
    def perform(self) -> PerformEffect:
        from functions._performers import performers_over  # noqa: PLC0415 - same
        from shared.usecases.perform_effect import PerformEffect  # noqa: PLC0415 - same

        return PerformEffect(
            ledger=self.ledger,
            work=self.work,
            record=self.record,
            clock=self.clock,
            performers=performers_over(self),
            jobs=lambda: self.jobs,
        )

    @cached_property
    def check_drift_of(self) -> CheckDriftOf:
        from shared.usecases.check_drift import CheckDriftOf  # noqa: PLC0415 - same

        return CheckDriftOf(
            ledger=self.ledger,
            record=self.record,
            catalog=self.catalog,
            clock=self.clock,
            checks=lambda: self.drift_checks,
        )

    @cached_property
    def check_drift_daily(self) -> CheckDriftDaily:
        from shared.usecases.check_drift_daily import CheckDriftDaily  # noqa: PLC0415 - same

        return CheckDriftDaily(self.catalog, self.check_drift_of)

    @cached_property
    def record_job_end(self) -> RecordJobEnd:
        from shared.usecases.record_job_end import RecordJobEnd  # noqa: PLC0415 - same

        return RecordJobEnd(self.record, self.catalog, lambda: self.jobs)

    @cached_property
    def record_challenger(self) -> RecordChallenger:
        from shared.usecases.record_challenger import RecordChallenger  # noqa: PLC0415 - same

        return RecordChallenger(self.record, self.catalog, lambda: self.registry)

    @cached_property
    def record_drift(self) -> RecordDrift:
        from shared.usecases.record_drift import RecordDrift  # noqa: PLC0415 - same

        return RecordDrift(self.record, self.clock)

    @cached_property
    def read_drift_report(self) -> ReadDriftReport:
        from shared.usecases.read_drift_report import ReadDriftReport  # noqa: PLC0415 - same

        return ReadDriftReport(self.catalog, self.drift_checks)

    @cached_property
    def reconcile(self) -> Reconcile:
        from shared.usecases.reconcile import Reconcile  # noqa: PLC0415 - same

        return Reconcile(
            ledger=self.ledger,
            work=self.work,
            record=self.record,
            rejects=self.rejects,
            catalog=self.catalog,
            poison=self.poison,
            clock=self.clock,
            data=self.data,
            registry=self.registry,
            endpoints=self.endpoints,
            alerts=self.alerts,
        )

    @cached_property
    def request_retrain(self) -> RequestRetrain:
        from shared.usecases.request_retrain import RequestRetrain  # noqa: PLC0415 - same

        return RequestRetrain(record=self.record, ledger=self.ledger)

    @cached_property
    def status(self) -> Status:
        from shared.usecases.status import Status  # noqa: PLC0415 - same

        return Status(ledger=self.ledger, catalog=self.catalog)

    @cached_property
    def explain(self) -> Explain:
        from shared.usecases.explain import Explain  # noqa: PLC0415 - same

        return Explain(ledger=self.ledger, catalog=self.catalog)


_lock = threading.Lock()
_apps: list[App] = []


def get_app() -> App:
    """The app of this process, made on first use.

    Raises:
        SettingsError: every missing or malformed setting, in one message.
    """
    from shared.settings import Settings  # noqa: PLC0415 - not needed to index the app

    with _lock:
        if not _apps:
            quiet_sdks()
            _apps.append(App(Settings.from_env(os.environ)))
        return _apps[0]

"""What performing effects needs, each part made when it is first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shared.ports.data import DataStore, DataTests, Quarantine
    from shared.ports.drift import DriftChecks
    from shared.ports.endpoints import Endpoints
    from shared.ports.jobs import Evidence, Jobs
    from shared.ports.ledger import Ledger
    from shared.ports.notices import Alerts, EventPublisher
    from shared.ports.registry import Registry


class EffectPorts(Protocol):
    """Properties, not attributes: an adapter behind one may cost seconds of imports."""

    @property
    def ledger(self) -> Ledger:
        """See `shared.ports.Ledger`."""

    @property
    def data(self) -> DataStore:
        """See `shared.ports.DataStore`."""

    @property
    def quarantine(self) -> Quarantine:
        """See `shared.ports.Quarantine`."""

    @property
    def data_tests(self) -> DataTests:
        """See `shared.ports.DataTests`."""

    @property
    def drift_checks(self) -> DriftChecks:
        """See `shared.ports.DriftChecks`."""

    @property
    def jobs(self) -> Jobs:
        """See `shared.ports.Jobs`."""

    @property
    def evidence(self) -> Evidence:
        """See `shared.ports.Evidence`."""

    @property
    def registry(self) -> Registry:
        """See `shared.ports.Registry`."""

    @property
    def endpoints(self) -> Endpoints:
        """See `shared.ports.Endpoints`."""

    @property
    def publisher(self) -> EventPublisher:
        """See `shared.ports.EventPublisher`."""

    @property
    def alerts(self) -> Alerts:
        """See `shared.ports.Alerts`."""

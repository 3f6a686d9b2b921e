"""Online endpoints, simulated: every change takes a while."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.errors import RequestRefusedError, ServiceBusyError
from shared.ports.endpoints import Answer, DeploymentReport, EndpointReport, Provisioning

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from shared.ports.clock import Clock

_ALL_PERCENT = 100
_SCORING_TIME = timedelta(milliseconds=40)


@dataclass(slots=True)
class _Deployment:
    version: str
    ready_utc: datetime
    fails: bool
    gone_utc: datetime | None = None


@dataclass(slots=True)
class _Endpoint:
    ready_utc: datetime
    traffic: dict[str, int] = field(default_factory=dict)
    next_traffic: dict[str, int] | None = None
    fact_seq: int | None = None
    deployments: dict[str, _Deployment] = field(default_factory=dict)


@dataclass(slots=True)
class InMemoryEndpoints:
    """Port `Endpoints`. `deployment_fails` and `smoke_fails` say what is to fail."""

    clock: Clock
    takes: Callable[[], timedelta] = lambda: timedelta(seconds=30)
    deployment_fails: Callable[[str, str], bool] = lambda _model, _version: False
    smoke_fails: Callable[[str, str], bool] = lambda _model, _version: False
    created: dict[tuple[str, str], int] = field(default_factory=dict)
    _endpoints: dict[str, _Endpoint] = field(default_factory=dict)

    def endpoint(self, model: str) -> EndpointReport | None:
        """As it is now."""
        known = self._settled(model)
        if known is None:
            return None
        return EndpointReport(
            model,
            state=self._state(known),
            traffic={name: share for name, share in known.traffic.items() if share},
            fact_seq=known.fact_seq,
            url=f"https://{model}.local/score",
        )

    def create_endpoint(self, model: str, *, cycle_id: str, fact_seq: int) -> None:
        """Start creating the endpoint; it is ready after a delay."""
        del cycle_id, fact_seq
        self._endpoints.setdefault(model, _Endpoint(self.clock.now_utc() + self.takes()))

    def deployment(self, model: str, name: str) -> DeploymentReport | None:
        """As it is now."""
        known = self._settled(model)
        found = known.deployments.get(name) if known else None
        if found is None:
            return None
        if found.gone_utc is not None or found.ready_utc > self.clock.now_utc():
            return DeploymentReport(Provisioning.WORKING)
        if found.fails:
            return DeploymentReport(Provisioning.FAILED, "the container exited with code 3")
        return DeploymentReport(Provisioning.READY)

    def deployments(self, model: str) -> Sequence[str]:
        """Names of the model's deployments."""
        known = self._settled(model)
        return sorted(known.deployments) if known else []

    def create_deployment(
        self, model: str, name: str, *, version: str, cycle_id: str, fact_seq: int
    ) -> None:
        """Start creating a deployment, ready after a delay; refused without an endpoint."""
        del cycle_id, fact_seq
        known = self._ready(model)
        if name not in known.deployments:
            fails = self.deployment_fails(model, version)
            ready_utc = self.clock.now_utc() + self.takes()
            known.deployments[name] = _Deployment(version, ready_utc, fails)
            self.created[model, name] = self.created.get((model, name), 0) + 1

    def score(self, model: str, name: str, body: bytes) -> Answer:
        """Score one request; fails until the deployment is up."""
        del body
        report = self.deployment(model, name)
        if report is None or report.state is not Provisioning.READY:
            raise ServiceBusyError(f"deployment {name} of {model} does not answer (503)")
        version = self._endpoints[model].deployments[name].version
        if self.smoke_fails(model, version):
            return Answer(500, _SCORING_TIME, error="the model raised ValueError")
        return Answer(200, _SCORING_TIME, predictions=1)

    def set_traffic(
        self, model: str, traffic: Mapping[str, int], *, cycle_id: str, fact_seq: int
    ) -> None:
        """Set the tags at once and the traffic after a delay."""
        del cycle_id
        known = self._ready(model)
        for name, percent in traffic.items():
            if percent and name not in known.deployments:
                raise RequestRefusedError(f"there is no deployment {name} to give traffic to")
        if sum(traffic.values()) not in (0, _ALL_PERCENT):
            raise RequestRefusedError(f"traffic adds up to {sum(traffic.values())} percent")
        known.next_traffic = dict(traffic)
        known.fact_seq = fact_seq
        known.ready_utc = self.clock.now_utc() + self.takes()

    def delete_deployment(self, model: str, name: str) -> None:
        """Start deleting the deployment; refused while it has traffic."""
        known = self._settled(model)
        found = known.deployments.get(name) if known else None
        if known is None or found is None:
            return
        if known.traffic.get(name) or (known.next_traffic or {}).get(name):
            raise RequestRefusedError(f"deployment {name} of {model} still has traffic")
        found.gone_utc = found.gone_utc or self.clock.now_utc() + self.takes()

    def change_by_hand(self, model: str, traffic: Mapping[str, int]) -> None:
        """Move traffic as a person does in the studio: the tags stay as they are."""
        self._ready(model).traffic = dict(traffic)

    def overwrite(self, model: str, traffic: Mapping[str, int], *, fact_seq: int) -> None:
        """Write traffic and its tag as a paused host of ours does when it wakes up."""
        known = self._ready(model)
        known.traffic, known.fact_seq = dict(traffic), fact_seq

    def _settled(self, model: str) -> _Endpoint | None:
        known = self._endpoints.get(model)
        if known is None:
            return None
        now_utc = self.clock.now_utc()
        if known.next_traffic is not None and known.ready_utc <= now_utc:
            known.traffic, known.next_traffic = known.next_traffic, None
        known.deployments = {
            name: item
            for name, item in known.deployments.items()
            if item.gone_utc is None or item.gone_utc > now_utc
        }
        return known

    def _state(self, known: _Endpoint) -> Provisioning:
        working = known.ready_utc > self.clock.now_utc()
        return Provisioning.WORKING if working else Provisioning.READY

    def _ready(self, model: str) -> _Endpoint:
        known = self._settled(model)
        if known is None:
            raise RequestRefusedError(f"there is no endpoint for {model}")
        if self._state(known) is Provisioning.WORKING:
            raise ServiceBusyError(f"the endpoint of {model} is being changed (409)")
        return known

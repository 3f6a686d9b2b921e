"""Online endpoints and their deployments."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta


class Provisioning(StrEnum):
    """Provisioning state of an endpoint or deployment."""

    WORKING = "working"  # creating, updating, deleting
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class EndpointReport:
    """A model's endpoint as observed; `name` is the one people see in Azure ML studio."""

    name: str
    state: Provisioning
    traffic: Mapping[str, int]  # deployment name -> percent, zero entries left out
    fact_seq: int | None = None  # its tag; None: no tag of ours
    url: str | None = None  # scoring address


@dataclass(frozen=True, slots=True)
class DeploymentReport:
    """A deployment as observed; `message` is the end of its log, where it failed."""

    state: Provisioning
    message: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a deployment answered to one scoring request.

    `error` are its own words of a refusal; None: it did not refuse, or not in words.
    """

    status: int  # HTTP, the deployment's own
    took: timedelta
    predictions: int = 0
    error: str | None = None
    text: str = ""  # the beginning of what it answered


class Endpoints(Protocol):
    """One online endpoint a model, one deployment a version. No method waits for its result."""

    def endpoint(self, model: str) -> EndpointReport | None:
        """None: it does not exist."""

    def create_endpoint(self, model: str, *, cycle_id: str, fact_seq: int) -> None:
        """Start creating it; harmless when it exists."""

    def deployment(self, model: str, name: str) -> DeploymentReport | None:
        """None: it does not exist."""

    def deployments(self, model: str) -> Sequence[str]:
        """Names of what exists; empty without an endpoint."""

    def create_deployment(
        self, model: str, name: str, *, version: str, cycle_id: str, fact_seq: int
    ) -> None:
        """Start creating it with no traffic; harmless when it exists.

        Raises:
            RequestRefusedError: for example quota.
        """

    def score(self, model: str, name: str, body: bytes) -> Answer:
        """Send one scoring request to that deployment alone, whatever its share of the traffic.

        Raises:
            ServiceBusyError: the endpoint did not pass the request on; ask again later.
        """

    def set_traffic(
        self, model: str, traffic: Mapping[str, int], *, cycle_id: str, fact_seq: int
    ) -> None:
        """Start one full update of traffic and tags together."""

    def delete_deployment(self, model: str, name: str) -> None:
        """Start deleting it; harmless when it is gone.

        Raises:
            RequestRefusedError: it still has traffic.
        """

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
    """A model's endpoint as observed; `name` is the one shown in Azure ML studio."""

    name: str
    state: Provisioning
    traffic: Mapping[str, int]  # deployment name -> percent, zero entries left out
    fact_seq: int | None = None  # its tag; None: no tag of ours
    url: str | None = None  # scoring address


@dataclass(frozen=True, slots=True)
class DeploymentReport:
    """A deployment as observed; `message` is the end of its log if it failed."""

    state: Provisioning
    message: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a deployment answered to one scoring request.

    `error` is the error message that it sent; None if it sent none.
    """

    status: int  # HTTP, the deployment's own
    took: timedelta
    predictions: int = 0
    error: str | None = None
    text: str = ""  # the beginning of what it answered


class Endpoints(Protocol):
    """One online endpoint per model, one deployment per version. No method waits for its result."""

    def endpoint(self, model: str) -> EndpointReport | None:
        """The endpoint's current state; None if it does not exist."""

    def create_endpoint(self, model: str, *, cycle_id: str, fact_seq: int) -> None:
        """Start creating the endpoint; does nothing if it exists."""

    def deployment(self, model: str, name: str) -> DeploymentReport | None:
        """The deployment's current state; None if it does not exist."""

    def deployments(self, model: str) -> Sequence[str]:
        """Names of the existing deployments; empty without an endpoint."""

    def create_deployment(
        self, model: str, name: str, *, version: str, cycle_id: str, fact_seq: int
    ) -> None:
        """Start creating a deployment with no traffic; does nothing if it exists.

        Raises:
            RequestRefusedError: Azure ML refused it, for example for lack of quota.
        """

    def score(self, model: str, name: str, body: bytes) -> Answer:
        """Send one scoring request to that deployment alone, whatever its share of the traffic.

        Raises:
            ServiceBusyError: the endpoint did not pass the request on; ask again later.
        """

    def set_traffic(
        self, model: str, traffic: Mapping[str, int], *, cycle_id: str, fact_seq: int
    ) -> None:
        """Start one update that sets all traffic (percent by deployment) and the tags."""

    def delete_deployment(self, model: str, name: str) -> None:
        """Start deleting the deployment; does nothing if it is gone.

        Raises:
            RequestRefusedError: it still has traffic.
        """

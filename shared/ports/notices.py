"""Alerts for people, events for other systems."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shared.domain.drift import PublishDrift


class EventPublisher(Protocol):
    """Publishes our own events."""

    def drift_detected(self, model: str, drift: PublishDrift) -> None:
        """At least once."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A sentence for a person; `key` is the same when it is sent twice."""

    model: str
    key: str
    sentence: str


class Alerts(Protocol):
    """Sends alerts to people."""

    def send(self, alert: Alert) -> None:
        """At least once."""


class AlertChannel(StrEnum):
    """Ways to tell people, as `RETRAIN_ALERT_CHANNELS` names them."""

    LOG = "log"

    @property
    def takes_target(self) -> bool:
        """Whether an address has to be named, as in `channel=https://...`."""
        return self is not AlertChannel.LOG


@dataclass(frozen=True, slots=True)
class AlertRoute:
    """One channel to send every alert to; a target may hold a secret and stays out of `repr`."""

    channel: AlertChannel
    target: str = field(default="", repr=False)

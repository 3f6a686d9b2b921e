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
        """Publish the event DriftDetected, at least once."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A sentence for a person; a repeated alert has the same `key`."""

    model: str
    key: str
    sentence: str


class Alerts(Protocol):
    """Sends alerts to people."""

    def send(self, alert: Alert) -> None:
        """Send an alert, at least once."""


class AlertChannel(StrEnum):
    """Kinds of alert channel, as named in `RETRAIN_ALERT_CHANNELS`."""

    LOG = "log"

    @property
    def takes_target(self) -> bool:
        """Whether the channel needs an address, as in `channel=https://...`."""
        return self is not AlertChannel.LOG


@dataclass(frozen=True, slots=True)
class AlertRoute:
    """A channel that gets every alert; its target may hold a secret, so `repr` omits it."""

    channel: AlertChannel
    target: str = field(default="", repr=False)

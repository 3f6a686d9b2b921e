"""Telling people and other systems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shared.domain.drift import PublishDrift


class EventPublisher(Protocol):
    """Our own events, for others."""

    def drift_detected(self, model: str, drift: PublishDrift) -> None:
        """At least once."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something a person should see; `key` is the same when it is sent twice."""

    model: str
    key: str
    sentence: str


class Alerts(Protocol):
    """Where people look."""

    def send(self, alert: Alert) -> None:
        """At least once."""

"""Channels that alerts are sent to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from shared.logs import EventLog
from shared.ports.notices import AlertChannel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.ports.notices import Alert, AlertRoute, Alerts

_log = EventLog("retrain.alerts")


class LogAlerts:
    """Logs each alert as a structured event; an alert rule on those pages whoever is on call."""

    def send(self, alert: Alert) -> None:
        """Log it; on Azure the log goes to Application Insights."""
        # In the message itself: the host passes on no `extra`.
        _log.error("alert", model=alert.model, alert=alert.key, sentence=alert.sentence)


@dataclass(frozen=True, slots=True)
class EveryChannel:
    """Sends each alert to all channels; if one fails, a retry sends it to all of them again."""

    channels: Sequence[Alerts]

    def send(self, alert: Alert) -> None:
        """Send to every channel, at least once.

        Raises:
            TransientError: a channel did not answer.
        """
        for channel in self.channels:
            channel.send(alert)


def alerts_over(routes: Sequence[AlertRoute]) -> Alerts:
    """The channels that the settings name, as one."""
    return EveryChannel([_channel(route) for route in routes])


def _channel(route: AlertRoute) -> Alerts:
    match route.channel:
        case AlertChannel.LOG:
            return LogAlerts()
        case unknown:
            assert_never(unknown)

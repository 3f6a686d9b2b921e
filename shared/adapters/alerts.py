"""Alerts as structured log events: an alert rule on them mails whoever is on duty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.logs import EventLog

if TYPE_CHECKING:
    from shared.ports.notices import Alert

_log = EventLog("retrain.alerts")


class LogAlerts:
    """One event a line at level ERROR, constant text, the sentence as a field."""

    def send(self, alert: Alert) -> None:
        """Goes where the app's log goes (Application Insights on Azure)."""
        # In the message itself: the host passes on no `extra`.
        _log.error("alert", model=alert.model, alert=alert.key, sentence=alert.sentence)

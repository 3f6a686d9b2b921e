"""Alerts as structured log events: an alert rule on them mails whoever is on duty."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.ports import Alert

_log = logging.getLogger("retrain.alerts")


class LogAlerts:
    """One event a line at level ERROR, constant text, the sentence as a field."""

    def send(self, alert: Alert) -> None:
        """Goes where the app's log goes (Application Insights on Azure)."""
        _log.error(
            "alert",
            extra={"model": alert.model, "alert": alert.key, "sentence": alert.sentence},
        )

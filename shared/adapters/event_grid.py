"""Publishes our own events to the custom topic."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from shared.adapters.error_text import error_text
from shared.errors import RequestRefusedError, ServiceBusyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.core.credentials import TokenCredential
    from azure.eventgrid import EventGridPublisherClient

    from shared.domain.drift import PublishDrift

_DRIFT_DETECTED = "Retrain.DriftDetected"


class EventGridPublisher:
    """Port `EventPublisher`: sends CloudEvents, authenticated by the app's identity."""

    def __init__(self, endpoint: str, *, credential: Callable[[], TokenCredential]) -> None:
        self._endpoint = endpoint
        self._credential = credential
        self._lock = threading.Lock()
        self._client: EventGridPublisherClient | None = None

    def drift_detected(self, model: str, drift: PublishDrift) -> None:
        """See `EventPublisher.drift_detected`.

        A repeated event has the same id, so that receivers can drop duplicates.
        """
        from azure.core.exceptions import (  # noqa: PLC0415 - not needed to handle an event
            AzureError,
            HttpResponseError,
        )
        from azure.core.messaging import CloudEvent  # noqa: PLC0415 - same

        event = CloudEvent(
            id=f"{model}:{drift.key}",
            type=_DRIFT_DETECTED,
            source=f"/retrain/models/{model}",
            subject=f"models/{model}/drift/{drift.day.isoformat()}",
            data={
                "model": model,
                "date": drift.day.isoformat(),
                "profile": drift.profile,
                "sentence": drift.sentence,
                "signals": [
                    {
                        "feature": signal.feature,
                        "statistic": signal.statistic,
                        "threshold": signal.threshold,
                        "measure": signal.measure,
                        "role": signal.role,
                        "since": signal.since and signal.since.isoformat(),
                        "alarmShare": signal.alarm_share,
                    }
                    for signal in drift.signals
                ],
                "revision": drift.revision,
                "currentRows": drift.current_rows,
                "referenceRows": drift.reference_rows,
                "report": drift.report,
            },
        )
        try:
            # The SDK's three retries take six seconds and cannot be configured in 4.22.
            self._publisher().send(event)
        except HttpResponseError as exc:
            status = exc.status_code
            text = f"publishing drift of {model}: the topic answered {status}: {error_text(exc)}"
            if status is not None and 400 <= status < 500 and status not in {401, 408, 429}:  # noqa: PLR2004 - HTTP
                raise RequestRefusedError(text) from exc
            raise ServiceBusyError(text) from exc
        except AzureError as exc:
            raise ServiceBusyError(f"publishing drift of {model}: {error_text(exc)}") from exc

    def close(self) -> None:
        """Close the connection; the next event opens a new one."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _publisher(self) -> EventGridPublisherClient:
        with self._lock:
            if self._client is None:
                from azure.eventgrid import EventGridPublisherClient  # noqa: PLC0415 - first use

                self._client = EventGridPublisherClient(self._endpoint, self._credential())
            return self._client

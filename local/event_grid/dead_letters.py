"""The blobs that undeliverable events end in, named and filled as Azure's are."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from azure.storage.blob.aio import BlobServiceClient

from local.event_grid.schemas import schema_of

if TYPE_CHECKING:
    from local.event_grid.journal import Delivery


class DeadLetters:
    """Writes straight to storage, so that a dead letter raises no storage event of its own."""

    def __init__(self, connection_string: str) -> None:
        self._client = BlobServiceClient.from_connection_string(
            connection_string, retry_total=1, connection_timeout=5, read_timeout=30
        )

    async def keep(self, delivery: Delivery, *, container: str, source: str, reason: str) -> None:
        """Write one event.

        Args:
            delivery: after its last attempt.
            container: where dead letters of the subscription go.
            source: name of the topic, the first folder.
            reason: MaxDeliveryAttemptsExceeded, TimeToLiveExceeded or UndeliverableDueToError.

        Raises:
            azure.core.exceptions.AzureError: it was not written; try again later.
        """
        now = datetime.now(UTC)
        folders = f"{source}/{delivery.subscription.upper()}"
        name = f"{folders}/{now.year}/{now.month}/{now.day}/{now.hour}/{uuid.uuid4()}.json"
        body = json.dumps([_with_reason(delivery, reason, now)], ensure_ascii=False, indent=1)
        await self._client.get_blob_client(container, name).upload_blob(body.encode())

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()


def _with_reason(delivery: Delivery, reason: str, now: datetime) -> dict[str, Any]:
    published = datetime.fromtimestamp(delivery.accepted, UTC).isoformat()
    if schema_of(delivery.event) == "CloudEventSchemaV1_0":
        properties = {
            "deadletterreason": reason,
            "deliveryattempts": delivery.attempts,
            "deliveryresult": delivery.outcome,
            "publishutc": published,
            "deliveryattemptutc": now.isoformat(),
        }
        return {**delivery.event, "deadletterproperties": properties}
    return {
        **delivery.event,
        "deadLetterReason": reason,
        "deliveryAttempts": delivery.attempts,
        "lastDeliveryOutcome": delivery.outcome,
        "publishTime": published,
        "lastDeliveryAttemptTime": now.isoformat(),
    }

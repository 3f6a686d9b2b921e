"""Dead letters: blobs of undeliverable events, named and formatted as Azure does."""

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
    """Writes `<container>/<SUBSCRIPTION>/<year>/<month>/<day>/<hour>/<id>.json`, UTC, unpadded.

    As on Azure the blob itself causes a BlobCreated event of the account; subscriptions filter it
    out by subject.

    Source: learn.microsoft.com/azure/event-grid/manage-event-delivery and delivery-and-retry
    """

    def __init__(self, connection_string: str) -> None:
        self._client = BlobServiceClient.from_connection_string(
            connection_string, retry_total=1, connection_timeout=5, read_timeout=30
        )

    async def keep(self, delivery: Delivery, *, container: str) -> None:
        """Write one event that was given up, as an array of one.

        Raises:
            azure.core.exceptions.AzureError: it was not written; try again later.
        """
        now = datetime.now(UTC)
        hour = f"{now.year}/{now.month}/{now.day}/{now.hour}"
        name = f"{delivery.subscription.upper()}/{hour}/{uuid.uuid4()}.json"
        body = json.dumps([_with_reason(delivery)], ensure_ascii=False, indent=1)
        await self._client.get_blob_client(container, name).upload_blob(body.encode())

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def _with_reason(delivery: Delivery) -> dict[str, Any]:
    added = {
        "deadLetterReason": delivery.given_up,
        "deliveryAttempts": delivery.attempts,
        "lastDeliveryOutcome": delivery.outcome,
        "publishTime": _time(delivery.accepted),
    }
    if delivery.attempted is not None:
        added["lastDeliveryAttemptTime"] = _time(delivery.attempted)
    if schema_of(delivery.event) == "CloudEventSchemaV1_0":
        added = {name.lower(): value for name, value in added.items()}
    return {**delivery.event, **added}


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")

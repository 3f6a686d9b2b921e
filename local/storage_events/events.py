"""BlobCreated and BlobDeleted in Azure's schema."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.storage_events.blob_service import BlobState
    from local.storage_events.operations import BlobName

Event = dict[str, Any]


class EventFactory:
    """Fills in what all events of one account share.

    Args:
        topic: resource id of the storage account.
        blob_endpoint: URL of the account that clients use, for `data.url`.
    """

    def __init__(self, *, topic: str, blob_endpoint: str) -> None:
        self._topic = topic
        self._blob_endpoint = blob_endpoint

    def created(
        self,
        blob: BlobName,
        state: BlobState,
        *,
        api: str,
        sequencer: str,
        ids: Mapping[str, str],
    ) -> Event:
        """New content. `ids`: clientRequestId and requestId, as far as known."""
        specific = {
            "eTag": state.etag,
            "contentType": state.content_type,
            "contentLength": state.content_length,
            "blobType": state.blob_type,
        }
        return self._event("BlobCreated", blob, {"api": api, **ids, **specific}, sequencer)

    def deleted(
        self,
        blob: BlobName,
        *,
        content_type: str,
        blob_type: str,
        sequencer: str,
        ids: Mapping[str, str],
    ) -> Event:
        """A BlobDeleted event."""
        specific = {"contentType": content_type, "blobType": blob_type}
        data = {"api": "DeleteBlob", **ids, **specific}
        return self._event("BlobDeleted", blob, data, sequencer)

    def _event(self, kind: str, blob: BlobName, data: dict[str, Any], sequencer: str) -> Event:
        # Quoted as the SDK quotes it, whatever the client wrote: one blob, one URL.
        path = f"{quote(blob.container)}/{quote(blob.name, safe='/~')}"
        return {
            "topic": self._topic,
            "subject": f"/blobServices/default/containers/{blob.container}/blobs/{blob.name}",
            "eventType": f"Microsoft.Storage.{kind}",
            "id": str(uuid.uuid4()),
            "data": {
                **data,
                "url": f"{self._blob_endpoint}/{path}",
                "sequencer": sequencer,
                "storageDiagnostics": {"batchId": str(uuid.uuid4())},
            },
            "dataVersion": "",
            "metadataVersion": "1",
            "eventTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z"),
        }

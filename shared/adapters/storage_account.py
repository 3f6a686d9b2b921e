"""One storage account: clients of its services, and the translation of SDK errors."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from shared.adapters.error_text import error_text
from shared.errors import RequestRefusedError, ServiceBusyError, SettingsError, TimedOutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from azure.core.credentials import TokenCredential
    from azure.data.tables import TableClient
    from azure.storage.blob import BlobServiceClient
    from azure.storage.queue import QueueClient

# The queue redelivers a message: long retries would only block a function.
_OPTIONS: dict[str, Any] = {
    "retry_total": 2,
    "connection_timeout": 10,
    "read_timeout": 30,
}
# A missing role, table or container (401, 403, 404) is not among them: a person puts it right, and
# what came in meanwhile must be handled then.
_REFUSED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE})
_NOT_SET_UP = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})


@dataclass(frozen=True, slots=True)
class StorageAccount:
    """Either a connection string (Azurite) or service addresses with an identity.

    Clients are made on first use and kept: each SDK costs an import, each client a connection.
    """

    connection_string: str | None = field(default=None, repr=False)
    blob_url: str | None = None
    queue_url: str | None = None
    table_url: str | None = None
    credential: Callable[[], TokenCredential] | None = None
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False, compare=False)

    def table(self, name: str) -> TableClient:
        """The client of one table."""
        from azure.data.tables import TableClient  # noqa: PLC0415 - imported when first needed

        def make() -> TableClient:
            if self.connection_string is not None:
                return TableClient.from_connection_string(self.connection_string, name, **_OPTIONS)
            return TableClient(
                self._url(self.table_url, "table"), name, credential=self._identity(), **_OPTIONS
            )

        client: TableClient = self._kept(f"table/{name}", make)
        return client

    def queue(self, name: str) -> QueueClient:
        """The client of one queue; bodies are base64, as Event Grid and the Functions host use."""
        from azure.storage.queue import (  # noqa: PLC0415 - 150 ms of CPU: when first needed
            QueueClient,
            TextBase64DecodePolicy,
            TextBase64EncodePolicy,
        )

        def make() -> QueueClient:
            options = _OPTIONS | {
                "message_encode_policy": TextBase64EncodePolicy(),
                "message_decode_policy": TextBase64DecodePolicy(),
            }
            if self.connection_string is not None:
                return QueueClient.from_connection_string(self.connection_string, name, **options)
            return QueueClient(
                self._url(self.queue_url, "queue"), name, credential=self._identity(), **options
            )

        client: QueueClient = self._kept(f"queue/{name}", make)
        return client

    def blobs(self) -> BlobServiceClient:
        """The client of the blob service."""
        from azure.storage.blob import BlobServiceClient  # noqa: PLC0415 - when first needed

        def make() -> BlobServiceClient:
            if self.connection_string is not None:
                return BlobServiceClient.from_connection_string(self.connection_string, **_OPTIONS)
            return BlobServiceClient(
                self._url(self.blob_url, "blob"), credential=self._identity(), **_OPTIONS
            )

        client: BlobServiceClient = self._kept("blobs", make)
        return client

    def _kept(self, key: str, make: Callable[[], Any]) -> Any:
        with self._lock:
            if key not in self._clients:
                self._clients[key] = make()
            return self._clients[key]

    def _identity(self) -> TokenCredential:
        if self.credential is None:
            raise SettingsError("the storage account has neither connection string nor identity")
        return self.credential()

    @staticmethod
    def _url(url: str | None, service: str) -> str:
        if url is None:
            raise SettingsError(f"the storage account has no address of its {service} service")
        return url


@contextmanager
def storage_errors(action: str) -> Iterator[None]:
    """Turn the SDK's errors into ours; `action` says in the message what failed.

    Raises:
        ServiceBusyError, TimedOutError: the same call may work later, perhaps after a remedy.
        RequestRefusedError: it would always fail the same way.
    """
    from azure.core.exceptions import (  # noqa: PLC0415 - part of every SDK of storage
        AzureError,
        HttpResponseError,
        ServiceRequestTimeoutError,
        ServiceResponseTimeoutError,
    )

    try:
        yield
    except (ServiceRequestTimeoutError, ServiceResponseTimeoutError) as exc:
        raise TimedOutError(
            f"{action}: storage gave no answer in time: {error_text(exc, lines=1)}"
        ) from exc
    except HttpResponseError as exc:
        if exc.status_code in _REFUSED:
            raise RequestRefusedError(
                f"{action}: storage refused: {error_text(exc, lines=1)}"
            ) from exc
        if exc.status_code in _NOT_SET_UP:
            raise ServiceBusyError(
                f"{action}: storage refused: {error_text(exc, lines=1)} "
                "Check that the app's identity has its roles, and that infra/ was deployed"
            ) from exc
        raise ServiceBusyError(f"{action}: storage is busy: {error_text(exc, lines=1)}") from exc
    except AzureError as exc:
        raise ServiceBusyError(
            f"{action}: storage cannot be reached: {error_text(exc, lines=1)}"
        ) from exc

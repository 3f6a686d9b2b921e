"""The workspace through Azure's SDK, and the translation of its errors."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from shared.adapters.error_text import error_text
from shared.errors import RequestRefusedError, ServiceBusyError, TimedOutError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from azure.ai.ml import MLClient
    from azure.core import PipelineClient
    from azure.core.credentials import TokenCredential
    from azure.core.rest import HttpRequest, HttpResponse

# The queue redelivers a message: the SDK's ten retries would block a function for minutes.
_RETRIES = 2
_LONGEST_RETRY_WAIT_SECONDS = 5
_CONNECT_SECONDS = 10
_READ_SECONDS = 60
# What the SDK asks a token for, and Azure's MLflow plugin.
_ARM_SCOPE = "https://management.azure.com/.default"
_WORTH_ANOTHER_TRY = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,  # an expired token; a wrong identity uses up the attempts
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.CONFLICT,  # another operation on that resource goes on
        HTTPStatus.LOCKED,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)


@dataclass(frozen=True, slots=True)
class WorkspaceAddress:
    """Subscription, resource group and name of the workspace."""

    subscription_id: str
    resource_group: str
    name: str


class AzureMlWorkspace:
    """One `MLClient` for all adapters of a process, made on first use: its import takes seconds."""

    def __init__(
        self, address: WorkspaceAddress, *, credential: Callable[[], TokenCredential]
    ) -> None:
        self.address = address
        self._credential = credential
        self._lock = threading.Lock()
        self._client: MLClient | None = None

    @property
    def client(self) -> Any:
        """The SDK's client; `Any` because the SDK is not typed strictly."""
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> MLClient:
        from azure.ai.ml import MLClient  # noqa: PLC0415 - two seconds of CPU: on first use only
        from azure.core.pipeline.transport import RequestsTransport  # noqa: PLC0415 - same

        # One transport for the SDK's twenty service clients: one TLS handshake instead of twenty.
        transport = RequestsTransport(
            connection_timeout=_CONNECT_SECONDS, read_timeout=_READ_SECONDS
        )
        return MLClient(
            self._credential(),
            self.address.subscription_id,
            self.address.resource_group,
            self.address.name,
            transport=transport,
            enable_telemetry=False,
            show_progress=False,
            retry_total=_RETRIES,
            retry_backoff_max=_LONGEST_RETRY_WAIT_SECONDS,
        )

    def mlflow(self) -> PipelineClient[HttpRequest, HttpResponse]:
        """A client of the workspace's MLflow REST API; the caller closes it.

        It does not retry: its calls belong to effects, which are repeated.

        Raises:
            azure.core.exceptions.AzureError: the workspace cannot be read; see `azure_errors`.

        Source:
            The tracking address with another scheme, and a token of Azure's control plane:
            Azure/azureml-examples, sdk/python/using-mlflow/using-rest-api; so does
            `get_host_credentials` of azureml-mlflow 1.62.
        """
        from azure.core import PipelineClient  # noqa: PLC0415 - not needed to handle an event
        from azure.core.pipeline.policies import BearerTokenCredentialPolicy  # noqa: PLC0415 - same

        tracking = str(self.client.workspaces.get(self.address.name).mlflow_tracking_uri)
        return PipelineClient(
            base_url=f"https{tracking.removeprefix('azureml')}/api/2.0/mlflow",
            per_retry_policies=[BearerTokenCredentialPolicy(self._credential(), _ARM_SCOPE)],
            connection_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
        )


@contextmanager
def azure_errors(action: str) -> Iterator[None]:
    """Turn the SDK's errors into ours; `action` says in the message what failed.

    Raises:
        ServiceBusyError, TimedOutError: the same call may work later.
        RequestRefusedError: it would fail the same way again.
    """
    from azure.core.exceptions import (  # noqa: PLC0415 - not needed to handle an event
        AzureError,
        HttpResponseError,
        ServiceRequestError,
        ServiceRequestTimeoutError,
        ServiceResponseError,
        ServiceResponseTimeoutError,
    )
    from marshmallow import ValidationError  # noqa: PLC0415 - the SDK's own checks raise it

    try:
        yield
    except (ServiceRequestTimeoutError, ServiceResponseTimeoutError) as exc:
        raise TimedOutError(f"{action}: no answer in {_READ_SECONDS} s: {error_text(exc)}") from exc
    except (ServiceRequestError, ServiceResponseError) as exc:
        raise ServiceBusyError(f"{action}: Azure ML cannot be reached: {error_text(exc)}") from exc
    except HttpResponseError as exc:
        raise _answered(action, exc) from exc
    except (AzureError, ValidationError) as exc:
        raise RequestRefusedError(f"{action}: refused by the SDK: {error_text(exc)}") from exc


def word(status: Any) -> str:
    """A status or state of the SDK in lower case: some are strings, some string enums."""
    return str(getattr(status, "value", status)).replace("_", "").lower()


def is_missing(exc: BaseException) -> bool:
    """Whether the SDK reports that the resource does not exist."""
    return _status(exc) == HTTPStatus.NOT_FOUND


def already_exists(exc: BaseException) -> bool:
    """Whether a create was refused because the name is taken."""
    status = _status(exc)
    says_so = "already exists" in str(exc).lower() or "immutable" in str(exc).lower()
    return status in {HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT} and says_so


def is_overtaken(found: Mapping[str, str], wanted: Mapping[str, str], *, fence: str) -> bool:
    """Whether the existing tags were written for a later fact than the wanted ones (the fence)."""
    return _number(found.get(fence)) > _number(wanted[fence])


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() else -1


def _answered(action: str, exc: Any) -> RequestRefusedError | TransientError:
    status = _status(exc)
    if status is None:  # azure-identity found no identity at all
        return ServiceBusyError(f"{action}: no token for Azure ML: {error_text(exc)}")
    text = f"{action}: Azure ML answered {status}: {error_text(exc)}"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _WORTH_ANOTHER_TRY:
        return ServiceBusyError(text)
    return RequestRefusedError(text)


def _status(exc: Any) -> int | None:
    status = getattr(exc, "status_code", None)
    return int(status) if isinstance(status, int) else None

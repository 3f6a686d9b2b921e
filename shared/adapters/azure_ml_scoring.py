"""One scoring request to one deployment, whatever its share of the traffic."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from shared.adapters.error_text import error_text
from shared.errors import ServiceBusyError
from shared.ports.endpoints import Answer

if TYPE_CHECKING:
    from azure.core.rest import HttpResponse

_TIMEOUT_SECONDS = 30
_SHOWN_CHARACTERS = 300
_MODEL_STATUS = "ms-azureml-model-error-statuscode"
# The endpoint is busy; any other status is the deployment's answer.
_BUSY = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


@dataclass(frozen=True, slots=True)
class ScoringAddress:
    """Address and key of a deployment."""

    url: str
    key: str = field(repr=False)
    deployment: str


def score(address: ScoringAddress, body: bytes) -> Answer:
    """Send `body` and read the answer.

    Raises:
        ServiceBusyError: the endpoint did not pass the request on; ask again later.
    """
    started = time.monotonic()
    status, text = _post(address, body)
    took = timedelta(seconds=time.monotonic() - started)
    if status in _BUSY:
        raise ServiceBusyError(
            f"{address.deployment} answered {status} to its smoke test; it is asked again"
        )
    document = _document(text)
    predictions = document.get("predictions")
    return Answer(
        status,
        took,
        predictions=len(predictions) if isinstance(predictions, list) else 0,
        error=_error(document),
        text=text[:_SHOWN_CHARACTERS],
    )


def _post(address: ScoringAddress, body: bytes) -> tuple[int, str]:
    from azure.core import PipelineClient  # noqa: PLC0415 - not needed to handle an event
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - same
    from azure.core.rest import HttpRequest  # noqa: PLC0415 - same

    request = HttpRequest(
        "POST",
        address.url,
        content=body,
        headers={
            "Authorization": f"Bearer {address.key}",
            "Content-Type": "application/json",
            "azureml-model-deployment": address.deployment,
        },
    )
    client: PipelineClient[HttpRequest, HttpResponse] = PipelineClient(
        base_url=address.url,
        policies=[],  # none that tries again, or takes an answer that is not JSON for an error
        connection_timeout=_TIMEOUT_SECONDS,
        read_timeout=_TIMEOUT_SECONDS,
    )
    with client:
        try:
            response = client.send_request(request)
        except AzureError as exc:
            raise ServiceBusyError(
                f"{address.deployment} cannot be reached for its smoke test: {error_text(exc)}"
            ) from exc
        return _models_status(response), response.text()


def _models_status(response: HttpResponse) -> int:
    """The status that the model answered: the endpoint turns its errors into 424 and a header."""
    own = response.headers.get(_MODEL_STATUS, "")
    if response.status_code == HTTPStatus.FAILED_DEPENDENCY and own.isascii() and own.isdigit():
        return int(own)
    return response.status_code


def _document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {"predictions": document}


def _error(document: dict[str, Any]) -> str | None:
    if "error" not in document:
        return None
    error = document["error"]
    message = error.get("message") if isinstance(error, dict) else None
    return str(message or document)[:_SHOWN_CHARACTERS]

"""One scoring request to one deployment, whatever share of the traffic it has."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from shared.adapters.error_text import error_text
from shared.errors import ServiceBusyError
from shared.ports.endpoints import SmokeTest

if TYPE_CHECKING:
    from azure.core.rest import HttpResponse

_TIMEOUT_SECONDS = 30
_SHOWN_CHARACTERS = 300
_MODEL_STATUS = "ms-azureml-model-error-statuscode"
# The endpoint's own words for "not now"; everything else is the deployment's answer.
_NOT_NOW = frozenset(
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
    """Where and as whom to ask."""

    url: str
    key: str = field(repr=False)
    deployment: str


def smoke_test(address: ScoringAddress, body: bytes | None) -> SmokeTest:
    """Send `body` and judge the answer: a prediction for each row.

    Without a body an empty request is sent: a deployment that is well refuses it in words (400).

    Raises:
        ServiceBusyError: the endpoint did not pass the request on; ask again later.
    """
    started = time.monotonic()
    status, answer = _post(address, body if body is not None else b"{}")
    took = time.monotonic() - started
    if status in _NOT_NOW:
        raise ServiceBusyError(
            f"{address.deployment} answered {status} to its smoke test; it is asked again"
        )
    refused_in_words = body is None and status == HTTPStatus.BAD_REQUEST and "error" in answer
    if refused_in_words or (status == HTTPStatus.OK and _predictions(answer)):
        return SmokeTest(
            passed=True, sentence=f"{address.deployment} answered its smoke test in {took:.2f} s"
        )
    return SmokeTest(
        passed=False,
        sentence=f"{address.deployment} answered {status} to its smoke test: {_words(answer)}",
    )


def _post(address: ScoringAddress, body: bytes) -> tuple[int, dict[str, Any]]:
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
        retry_total=0,
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
        return _models_status(response), _document(response.text())


def _models_status(response: HttpResponse) -> int:
    """A managed endpoint answers 424 for a model's error and puts the model's own status beside."""
    own = response.headers.get(_MODEL_STATUS, "")
    if response.status_code == HTTPStatus.FAILED_DEPENDENCY and own.isascii() and own.isdigit():
        return int(own)
    return response.status_code


def _document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError:
        return {"text": text}
    return document if isinstance(document, dict) else {"predictions": document}


def _predictions(answer: dict[str, Any]) -> bool:
    predictions = answer.get("predictions")
    return isinstance(predictions, list) and bool(predictions)


def _words(answer: dict[str, Any]) -> str:
    error = answer.get("error")
    message = error.get("message") if isinstance(error, dict) else None
    return str(message or answer.get("text") or answer)[:_SHOWN_CHARACTERS]

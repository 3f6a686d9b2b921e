"""Destinations: storage queues and webhooks. A failed attempt says whether a retry can help."""

from __future__ import annotations

import base64
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ServiceRequestTimeoutError,
    ServiceResponseTimeoutError,
)
from azure.storage.queue.aio import QueueClient

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from local.event_grid.schemas import Schema

_ANSWER_SECONDS = 30.0  # how long Azure waits for an endpoint's answer
_SUCCESS = range(200, 205)
# Configuration errors that are not retried, and errors that are retried later.
_FINAL_FOR_QUEUES = frozenset({400, 403, 413})
_FINAL_FOR_WEBHOOKS = frozenset({400, 401, 403, 413})
_AT_LEAST_SECONDS = {404: 300.0, 408: 120.0, 503: 30.0}
_QUEUE_LIMIT_BYTES = 64 * 1024


class DeliveryFailedError(Exception):
    """One attempt failed.

    Args:
        outcome: in Azure's words, for the dead letter.
        final: Event Grid does not try this again.
        at_least_seconds: earliest next attempt, where the schedule would be sooner.
    """

    def __init__(self, outcome: str, *, final: bool = False, at_least_seconds: float = 0.0) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.final = final
        self.at_least_seconds = at_least_seconds


class Destination(Protocol):
    """Something an event can be delivered to."""

    async def deliver(self, event: Mapping[str, Any], *, earlier_attempts: int) -> None:
        """Attempt one delivery.

        Raises:
            DeliveryFailedError: it was not taken.
        """

    async def close(self) -> None:
        """Close the connections."""


def _refusal(status: int, final: frozenset[int]) -> DeliveryFailedError:
    try:
        name = HTTPStatus(status).phrase.replace(" ", "")
    except ValueError:
        name = str(status)
    return DeliveryFailedError(
        name, final=status in final, at_least_seconds=_AT_LEAST_SECONDS.get(status, 0.0)
    )


class QueueDestination:
    """A storage queue: one event per message, base64, as Event Grid writes it."""

    def __init__(self, connection_string: str, queue: str) -> None:
        self._client = QueueClient.from_connection_string(
            connection_string,
            queue,
            retry_total=0,  # Event Grid's own schedule rules
            connection_timeout=5,
            read_timeout=_ANSWER_SECONDS,
        )

    async def deliver(self, event: Mapping[str, Any], *, earlier_attempts: int) -> None:  # noqa: ARG002  # a queue is not told
        """See Destination."""
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        text = base64.b64encode(body).decode()
        if len(text) > _QUEUE_LIMIT_BYTES:
            raise DeliveryFailedError("PayloadTooLarge", final=True)
        try:
            await self._client.send_message(text)
        except HttpResponseError as exc:
            raise _refusal(exc.status_code or 0, _FINAL_FOR_QUEUES) from exc
        except (ServiceRequestTimeoutError, ServiceResponseTimeoutError) as exc:
            raise DeliveryFailedError("TimedOut") from exc
        except AzureError as exc:
            raise DeliveryFailedError("SocketError") from exc

    async def close(self) -> None:
        """See Destination."""
        await self._client.close()


class WebhookDestination:
    """An HTTP endpoint.

    Event Grid's own schema comes as an array of one event, a CloudEvent alone.

    Args:
        url: where to POST.
        schema: of the events it is given.
        subscription: name, told in a header.
        tls: which certificates to trust.
    """

    def __init__(self, url: str, *, schema: Schema, subscription: str, tls: ssl.SSLContext) -> None:
        self._url = url
        self._schema = schema
        self._subscription = subscription
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=tls),
            timeout=aiohttp.ClientTimeout(total=_ANSWER_SECONDS),
        )

    async def deliver(self, event: Mapping[str, Any], *, earlier_attempts: int) -> None:
        """See Destination."""
        headers = {
            "aeg-event-type": "Notification",
            "aeg-subscription-name": self._subscription.upper(),
            "aeg-delivery-count": str(earlier_attempts),
        }
        if self._schema == "CloudEventSchemaV1_0":
            body = json.dumps(event, ensure_ascii=False)
            headers["Content-Type"] = "application/cloudevents+json; charset=utf-8"
            headers["aeg-metadata-version"] = str(event["specversion"])
        else:
            body = json.dumps([event], ensure_ascii=False)
            headers["Content-Type"] = "application/json; charset=utf-8"
            headers["aeg-data-version"] = str(event.get("dataVersion", ""))
            headers["aeg-metadata-version"] = str(event.get("metadataVersion", "1"))
        await self.post(body, headers)

    async def post(self, body: str, headers: Mapping[str, str]) -> str:
        """Send one body; the text of the answer.

        Raises:
            DeliveryFailedError: no answer in time, or one that is not a success to Event Grid.
        """
        try:
            async with self._session.post(
                self._url, data=body.encode(), headers=headers, allow_redirects=False
            ) as answer:
                text = await answer.text(errors="replace")
        except TimeoutError as exc:
            raise DeliveryFailedError("TimedOut") from exc
        except aiohttp.ClientError as exc:
            raise DeliveryFailedError("SocketError") from exc
        if answer.status not in _SUCCESS:
            raise _refusal(answer.status, _FINAL_FOR_WEBHOOKS)
        return text

    async def ask(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """OPTIONS; the headers of the answer.

        Raises:
            DeliveryFailedError: as `post`.
        """
        try:
            async with self._session.options(self._url, headers=headers) as answer:
                found = answer.headers
        except TimeoutError as exc:
            raise DeliveryFailedError("TimedOut") from exc
        except aiohttp.ClientError as exc:
            raise DeliveryFailedError("SocketError") from exc
        if answer.status not in _SUCCESS:
            raise _refusal(answer.status, _FINAL_FOR_WEBHOOKS)
        return found

    async def close(self) -> None:
        """See Destination."""
        await self._session.close()

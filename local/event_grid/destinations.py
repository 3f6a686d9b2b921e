"""Where events go: storage queues and webhooks. A failed attempt says whether trying helps."""

from __future__ import annotations

import base64
import json
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp
from azure.core.exceptions import AzureError, HttpResponseError
from azure.storage.queue.aio import QueueClient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.event_grid.schemas import Schema

_TIMEOUT = aiohttp.ClientTimeout(total=30)  # Azure waits 30 s for a webhook's answer
_FINAL = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}
_MOST_QUEUE_BYTES = 64 * 1024


class DeliveryFailedError(Exception):
    """One attempt failed. `final`: Event Grid does not try this again."""

    def __init__(self, outcome: str, *, final: bool = False) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.final = final


class Destination(Protocol):
    """Something an event can be delivered to."""

    async def deliver(self, event: Mapping[str, Any]) -> None:
        """One attempt.

        Raises:
            DeliveryFailedError: it was not taken.
        """

    async def close(self) -> None:
        """Let go of connections."""


class QueueDestination:
    """A storage queue: one event a message, base64, as Event Grid writes it."""

    def __init__(self, connection_string: str, queue: str) -> None:
        self._client = QueueClient.from_connection_string(
            connection_string, queue, retry_total=0, connection_timeout=5, read_timeout=30
        )

    async def deliver(self, event: Mapping[str, Any]) -> None:
        """See Destination."""
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        text = base64.b64encode(body).decode()
        if len(text) > _MOST_QUEUE_BYTES:
            raise DeliveryFailedError("PayloadTooLarge", final=True)
        try:
            await self._client.send_message(text)
        except HttpResponseError as exc:
            raise DeliveryFailedError(exc.reason or str(exc.status_code)) from exc
        except AzureError as exc:
            raise DeliveryFailedError("TimedOut") from exc

    async def close(self) -> None:
        """See Destination."""
        await self._client.close()


class WebhookDestination:
    """An HTTP endpoint that proved once that it wants events.

    EventGridSchema: a SubscriptionValidation event whose code it must echo. CloudEvents: an
    OPTIONS request that it must allow (CloudEvents HTTP webhook specification, section 4).
    """

    def __init__(self, url: str, *, schema: Schema, subscription: str) -> None:
        self._url = url
        self._schema = schema
        self._subscription = subscription
        self._validated = False
        self._session = aiohttp.ClientSession(timeout=_TIMEOUT)

    async def deliver(self, event: Mapping[str, Any]) -> None:
        """See Destination."""
        if not self._validated:
            await self._validate(event)
            self._validated = True
        if self._schema == "CloudEventSchemaV1_0":
            body, content = json.dumps(event), "application/cloudevents+json; charset=utf-8"
        else:
            body, content = json.dumps([event]), "application/json; charset=utf-8"
        headers = {"Content-Type": content, "aeg-event-type": "Notification", **self._headers()}
        await self._post(body, headers)

    async def close(self) -> None:
        """See Destination."""
        await self._session.close()

    def _headers(self) -> dict[str, str]:
        return {"aeg-subscription-name": self._subscription.upper(), "aeg-delivery-count": "0"}

    async def _validate(self, event: Mapping[str, Any]) -> None:
        if self._schema == "CloudEventSchemaV1_0":
            await self._ask_permission()
            return
        code = str(uuid.uuid4())
        validation = {
            "id": str(uuid.uuid4()),
            "topic": event.get("topic", ""),
            "subject": "",
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "eventTime": event.get("eventTime"),
            "data": {"validationCode": code},
            "dataVersion": "2",
            "metadataVersion": "1",
        }
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "aeg-event-type": "SubscriptionValidation",
            **self._headers(),
        }
        answer = await self._post(json.dumps([validation]), headers)
        try:
            echoed = json.loads(answer).get("validationResponse")
        except (ValueError, AttributeError) as exc:
            raise DeliveryFailedError("ValidationFailed") from exc
        if echoed != code:
            raise DeliveryFailedError("ValidationFailed")

    async def _ask_permission(self) -> None:
        headers = {"WebHook-Request-Origin": "eventgrid.azure.net"}
        try:
            async with self._session.options(self._url, headers=headers) as answer:
                allowed = answer.headers.get("WebHook-Allowed-Origin", "")
        except (aiohttp.ClientError, TimeoutError) as exc:
            raise DeliveryFailedError("ValidationFailed") from exc
        if allowed not in {"*", "eventgrid.azure.net"}:
            raise DeliveryFailedError("ValidationFailed")

    async def _post(self, body: str, headers: Mapping[str, str]) -> str:
        try:
            async with self._session.post(self._url, data=body.encode(), headers=headers) as answer:
                text = await answer.text(errors="replace")
                status = answer.status
        except (aiohttp.ClientError, TimeoutError) as exc:
            raise DeliveryFailedError("TimedOut") from exc
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            name = HTTPStatus(status).phrase if status in set(HTTPStatus) else str(status)
            raise DeliveryFailedError(name.replace(" ", ""), final=status in _FINAL)
        return text

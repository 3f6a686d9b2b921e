"""The validation handshake: a webhook proves once that it wants a subscription's events.

EventGridSchema: it echoes the code of a SubscriptionValidation event. CloudEvents: it allows our
origin in its answer to OPTIONS (CloudEvents HTTP webhook specification, section 4). Either may
instead open the validation address, by hand or by program, within ten minutes.

Source: learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema and
end-point-validation-cloud-events-schema
"""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from local.event_grid.destinations import DeliveryFailedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.event_grid.destinations import WebhookDestination
    from local.event_grid.schemas import Schema

_log = logging.getLogger(__name__)

_ORIGIN = "eventgrid.azure.net"
_MANUAL_SECONDS = 600.0
_AGAIN_SECONDS = (1.0, 2.0, 5.0, 10.0)


class Handshake:
    """Asks until the webhook agrees.

    Azure asks once, when the subscription is created; here the subscription exists before the app
    that answers is up.

    Args:
        topic: resource id, for the validation event.
        callback: address that proves agreement when called, from a code.
        speed: divides the pauses.
    """

    def __init__(
        self,
        webhook: WebhookDestination,
        *,
        schema: Schema,
        subscription: str,
        topic: str,
        callback: Callable[[str], str],
        speed: float,
    ) -> None:
        self._webhook = webhook
        self._schema = schema
        self._subscription = subscription
        self._topic = topic
        self._callback = callback
        self._speed = speed
        self._codes: dict[str, float] = {}
        self._agreed = asyncio.Event()

    def called_back(self, code: str) -> bool:
        """The validation address was opened with this code; False when it is unknown or expired."""
        now = asyncio.get_running_loop().time()
        if now > self._codes.get(code, 0.0):
            return False
        self._agreed.set()
        return True

    async def until_agreed(self) -> None:
        """Return when the webhook has agreed; asks again after every refusal."""
        tries = 0
        while not self._agreed.is_set():
            code = str(uuid.uuid4()).upper()
            now = asyncio.get_running_loop().time()
            self._codes = {one: end for one, end in self._codes.items() if end > now}
            self._codes[code] = now + _MANUAL_SECONDS
            try:
                if await self._ask(code):
                    return
                problem = "it answered, without agreeing"
            except DeliveryFailedError as exc:
                problem = exc.outcome
            if tries == 0:
                _log.warning("webhook of %s not validated yet: %s", self._subscription, problem)
            pause = _AGAIN_SECONDS[min(tries, len(_AGAIN_SECONDS) - 1)] / self._speed
            tries += 1
            # A person may be about to open the address, so all codes stay valid until they expire.
            try:
                await asyncio.wait_for(self._agreed.wait(), pause)
            except TimeoutError:
                continue

    async def _ask(self, code: str) -> bool:
        if self._schema == "CloudEventSchemaV1_0":
            return await self._ask_for_permission(code)
        validation = {
            "id": str(uuid.uuid4()),
            "topic": self._topic,
            "subject": "",
            "data": {"validationCode": code, "validationUrl": self._callback(code)},
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "eventTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z"),
            "metadataVersion": "1",
            "dataVersion": "2",
        }
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "aeg-event-type": "SubscriptionValidation",
            "aeg-subscription-name": self._subscription.upper(),
            "aeg-delivery-count": "0",
            "aeg-data-version": "2",
            "aeg-metadata-version": "1",
        }
        answer = await self._webhook.post(json.dumps([validation]), headers)
        try:
            echoed = json.loads(answer)
        except ValueError:
            return False
        return isinstance(echoed, dict) and echoed.get("validationResponse") == code

    async def _ask_for_permission(self, code: str) -> bool:
        answer = await self._webhook.ask(
            {"WebHook-Request-Origin": _ORIGIN, "WebHook-Request-Callback": self._callback(code)}
        )
        return answer.get("WebHook-Allowed-Origin", "") in {"*", _ORIGIN}

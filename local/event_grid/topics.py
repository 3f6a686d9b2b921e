"""Custom topics over TLS, for the unmodified `EventGridPublisherClient`."""

from __future__ import annotations

import hmac
import json
import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import web

from local.errors import LocalStackError
from local.event_grid.schemas import problems

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from local.stack_file import TopicEntry
    from local.tls import LocalTls

_MOST_BYTES = 1024 * 1024


class TopicServer:
    """Takes events for all custom topics.

    Args:
        topics: by name, with the schema their publishers use.
        accept: makes the events durable before it returns.
        authorize: whether an Authorization header may publish.
        port: 0 takes a free one.
    """

    def __init__(
        self,
        topics: Sequence[TopicEntry],
        *,
        tls: LocalTls,
        accept: Callable[[str, Sequence[dict[str, Any]]], Awaitable[None]],
        authorize: Callable[[str], bool],
        port: int = 0,
    ) -> None:
        self._topics = {topic.name: topic for topic in topics}
        self._keys = {topic.name: secrets.token_urlsafe(32) for topic in topics}
        self._tls = tls
        self._accept = accept
        self._authorize = authorize
        self._port = port
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen.

        Raises:
            LocalStackError: the port is taken.
        """
        app = web.Application(client_max_size=_MOST_BYTES)
        app.router.add_post("/topics/{topic}/api/events", self._publish)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        context = self._tls.server_context
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, ssl_context=context)
        try:
            await site.start()
        except OSError as exc:
            raise LocalStackError(
                f"Event Grid's topics cannot listen on port {self._port}: {exc}"
            ) from exc
        self._port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening. Harmless when it never listened."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    def endpoint(self, name: str) -> str:
        """What a publisher's client is given."""
        return f"https://127.0.0.1:{self._port}/topics/{self._topics[name].name}/api/events"

    def key(self, name: str) -> str:
        """Access key of a topic; a new one at every start."""
        return self._keys[name]

    async def _publish(self, request: web.Request) -> web.Response:
        topic = self._topics.get(request.match_info["topic"])
        if topic is None:
            known = ", ".join(sorted(self._topics)) or "none"
            return _refuse(HTTPStatus.NOT_FOUND, f"no such topic; there are: {known}")
        if not self._allowed(topic.name, request):
            return _refuse(
                HTTPStatus.UNAUTHORIZED, "send a bearer token of this stack or aeg-sas-key"
            )
        try:
            events = json.loads(await request.text())
        except (ValueError, UnicodeDecodeError) as exc:
            return _refuse(HTTPStatus.BAD_REQUEST, f"the body is not JSON: {exc}")
        except web.HTTPRequestEntityTooLarge:
            return _refuse(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {_MOST_BYTES} bytes of events"
            )
        events = events if isinstance(events, list) else [events]
        wrong = [
            f"event {place}: {problem}"
            for place, event in enumerate(events)
            for problem in problems(event, topic.schema_)
        ]
        if wrong:
            return _refuse(
                HTTPStatus.BAD_REQUEST, f"topic takes {topic.schema_}: {'; '.join(wrong[:10])}"
            )
        if topic.schema_ == "EventGridSchema":
            for event in events:
                event["topic"] = f"/local/topics/{topic.name}"
                event.setdefault("metadataVersion", "1")
        await self._accept(topic.name, events)
        return web.Response()

    def _allowed(self, topic: str, request: web.Request) -> bool:
        key = request.headers.get("aeg-sas-key")
        if key is not None:
            return hmac.compare_digest(key, self._keys[topic])
        return self._authorize(request.headers.get("Authorization", ""))


def _refuse(status: HTTPStatus, message: str) -> web.Response:
    document = {"error": {"code": status.phrase.replace(" ", ""), "message": message}}
    return web.json_response(document, status=status)

"""Custom topics over TLS, for the unmodified `EventGridPublisherClient`."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import web

from local.errors import LocalStackError
from local.event_grid.access import may_publish
from local.event_grid.schemas import problems
from local.serving.http_server import SHUTDOWN_SECONDS, close_server, has_utf8_headers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from local.event_grid.models import TopicEntry
    from local.event_grid.schemas import Schema
    from local.serving.tls import LocalTls

_LIMIT_BYTES = 1024 * 1024
_MOST_PROBLEMS = 10
_ONE, _MANY = "application/cloudevents+json", "application/cloudevents-batch+json"


class TopicServer:
    """Receives events for all custom topics, and validations of webhook subscriptions.

    Args:
        topics: by name, with the schema their publishers use.
        accept: makes the events durable before it returns.
        authorize: whether an Authorization header may publish.
        agree: a subscription's name and a validation code; False when the code is not good.
        topic_id: resource id of a topic, from its name.
        port: 0 takes a free one.
    """

    def __init__(
        self,
        topics: Sequence[TopicEntry],
        *,
        tls: LocalTls,
        accept: Callable[[str, Sequence[Mapping[str, Any]]], Awaitable[object]],
        authorize: Callable[[str], bool],
        agree: Callable[[str, str], bool],
        topic_id: Callable[[str], str],
        port: int = 0,
    ) -> None:
        self._topics = {topic.name: topic for topic in topics}
        self._keys: Mapping[str, str] = {}
        self._tls = tls
        self._accept = accept
        self._authorize = authorize
        self._agree = agree
        self._topic_id = topic_id
        self._port = port
        self._runner: web.AppRunner | None = None

    async def start(self, keys: Mapping[str, str]) -> None:
        """Listen.

        Args:
            keys: access key of each topic.

        Raises:
            LocalStackError: the port is taken.
        """
        self._keys = keys
        app = web.Application(client_max_size=_LIMIT_BYTES)
        app.router.add_post("/topics/{topic}/api/events", self._publish)
        app.router.add_get("/eventSubscriptions/{subscription}/validate", self._validate)
        app.router.add_post("/eventSubscriptions/{subscription}/validate", self._validate)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await runner.setup()
        self._runner = runner
        context = self._tls.server_context
        site = web.TCPSite(runner, "127.0.0.1", self._port, ssl_context=context)
        try:
            await site.start()
        except OSError as exc:
            await self.stop()
            raise LocalStackError(
                f"Event Grid's topics cannot listen on port {self._port}: {exc}. "
                "Stop what uses it or choose another port"
            ) from exc
        self._port = int(runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening. Harmless when it never listened."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await close_server(runner)

    @property
    def port(self) -> int:
        """The port, once started."""
        return self._port

    def endpoint(self, name: str) -> str:
        """What a publisher's client is given."""
        return f"https://127.0.0.1:{self._port}/topics/{self._topics[name].name}/api/events"

    def validation_url(self, subscription: str, code: str) -> str:
        """The address that a webhook's owner may open to agree."""
        return (
            f"https://127.0.0.1:{self._port}/eventSubscriptions/{subscription}/validate?id={code}"
        )

    async def _validate(self, request: web.Request) -> web.Response:
        subscription, code = request.match_info["subscription"], request.query.get("id", "")
        if not self._agree(subscription, code):
            return _refuse(HTTPStatus.BAD_REQUEST, "this validation code is unknown or has expired")
        return web.Response(text="Webhook successfully validated as a subscription endpoint.")

    async def _publish(self, request: web.Request) -> web.Response:
        if not has_utf8_headers(request):
            return _refuse(HTTPStatus.BAD_REQUEST, "a header is not UTF-8")
        topic = self._topics.get(request.match_info["topic"])
        if topic is None:
            known = ", ".join(sorted(self._topics)) or "none"
            return _refuse(HTTPStatus.NOT_FOUND, f"no such topic; there are: {known}")
        if not may_publish(request.headers, key=self._keys[topic.name], token=self._authorize):
            return _refuse(
                HTTPStatus.UNAUTHORIZED,
                "send a bearer token for https://eventgrid.azure.net, aeg-sas-key or aeg-sas-token",
            )
        try:
            events = _events_in(await request.read(), request, topic.schema_)
        except web.HTTPRequestEntityTooLarge:
            return _refuse(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {_LIMIT_BYTES} bytes of events"
            )
        except _BadBodyError as exc:
            return _refuse(HTTPStatus.BAD_REQUEST, f"topic takes {topic.schema_}: {exc}")
        if topic.schema_ == "EventGridSchema":
            own = {"topic": self._topic_id(topic.name), "metadataVersion": "1"}
            events = [event | own for event in events]
        await self._accept(topic.name, events)
        return web.Response()


class _BadBodyError(Exception):
    """The body is not what the topic accepts; the text says why."""


def _events_in(body: bytes, request: web.Request, schema: Schema) -> list[dict[str, Any]]:
    events = (
        _list_of(_parsed(body))
        if schema == "EventGridSchema"
        else _cloud_events_in(body, request.content_type, request.headers)
    )
    wrong = [
        f"event {place}: {problem}"
        for place, event in enumerate(events)
        for problem in problems(event, schema)
    ]
    if wrong:
        raise _BadBodyError("; ".join(wrong[:_MOST_PROBLEMS]))
    return events


def _cloud_events_in(
    body: bytes, content_type: str, headers: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Structured, batched or binary mode of the CloudEvents HTTP binding."""
    if content_type == _MANY:
        return _list_of(_parsed(body))
    if content_type == _ONE:
        return [_parsed(body)]
    attributes = {
        name[3:].lower(): value for name, value in headers.items() if name.lower()[:3] == "ce-"
    }
    if not attributes:
        raise _BadBodyError(
            f"content type {content_type} is not one of {_ONE}, {_MANY}, and there is no ce-id"
        )
    data = {"data": _parsed(body)} if body else {}
    return [{**attributes, "datacontenttype": content_type, **data}]


def _parsed(body: bytes) -> Any:
    try:
        parsed = json.loads(body, parse_constant=_refuse_constant)
        # An escape such as \ud800 passes the parser and cannot be encoded later.
        json.dumps(parsed, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as exc:
        raise _BadBodyError(f"the body is not JSON: {exc}") from exc
    return parsed


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


def _list_of(parsed: Any) -> list[dict[str, Any]]:
    if not isinstance(parsed, list):
        raise _BadBodyError("the body is not an array of events")
    return parsed


def _refuse(status: HTTPStatus, message: str) -> web.Response:
    code = status.phrase.replace(" ", "")
    document = {"error": {"code": code, "message": message, "details": []}}
    return web.json_response(document, status=status)
